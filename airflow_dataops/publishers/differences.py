"""What readers will find changed by a switch, a line each. Nothing here stops one: that is for obstacles."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence

from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.target import Target, missing_columns


def differences(db: Database, target: Target, switch: Switch, live: Relation) -> list[str]:
    """Return how the release differs from what readers have, who depends on it, and the disk that is left.

    :param live: the relation behind the reader-facing name, or the plain table that has the name.
    """
    lines = []
    before = db.columns(switch.reader)
    if before:
        lines += changed_columns(before, db.columns(switch.relation), target.comparable)
        kept = target.fittings(db, switch.relation)
        lost = [fitting for fitting in target.fittings(db, live) if fitting not in kept]
        if lost:
            lines.append(f"{switch.relation} lacks what {live} has: {', '.join(lost)}")
        views = target.dependents(db, switch.reader)
        if views:
            lines.append(f"these depend on {switch.reader}: {', '.join(views)}")
        grants = target.grants(db, switch.reader)
        if grants:
            lines.append(f"grants on {switch.reader} are carried over: {', '.join(grants)}")
    file = target.file(db)
    return [*lines, _room(file)] if file and os.path.exists(file) else lines


def changed_columns(
    before: Sequence[Column], after: Sequence[Column], comparable: Callable[[str], str] = str
) -> list[str]:
    """Return a line for columns that are dropped, retyped, added, or in another order.

    :param comparable: returns a type so that two which hold the same are equal.
    """
    lines = []
    dropped, added = missing_columns(before, after), missing_columns(after, before)
    types = {column.name.lower(): column.type for column in after}
    retyped = [
        f"{column.name} ({column.type or 'no type'}, then {types[column.name.lower()] or 'no type'})"
        for column in before
        if comparable(types.get(column.name.lower(), column.type)) != comparable(column.type)
    ]
    for words, names in (("dropped", dropped), ("of another type", retyped), ("added", added)):
        if names:
            lines.append(f"columns {words}: {', '.join(names)}")
    order = [[column.name.lower() for column in side] for side in (before, after)]
    common = [[name for name in side if name in order[0] and name in order[1]] for side in order]
    if common[0] != common[1]:
        lines.append(f"columns in another order: {', '.join(common[0])}; then {', '.join(common[1])}")
    return lines


def _room(file: str) -> str:
    """Say how much room the next build has."""
    free = shutil.disk_usage(os.path.dirname(os.path.abspath(file))).free
    return f"{size(free)} are free where {file} is, which takes {size(os.path.getsize(file))}"


def size(number: int) -> str:
    """Return a number of bytes as people read it."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if number >= unit:
            return f"{number / unit:,.1f} {name}"
    return f"{number / 1e3:,.1f} kB"
