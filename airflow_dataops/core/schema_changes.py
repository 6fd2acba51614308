"""What happened to the columns between two versions of a table, and whether those who read it feel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_dataops.core.relations import Column
from airflow_dataops.core.retyping import Retyping, retyping

_SHOWN_NAMES = 5


class ColumnEvent(StrEnum):
    """What happened to a column."""

    DROPPED = "dropped"
    RETYPED = "retyped"
    RENAMED = "renamed in case"
    REORDERED = "reordered"
    ADDED = "added"


@dataclass(frozen=True, kw_only=True)
class ColumnChange:
    """One change of the schema.

    :param column: its name, as it is now, or was.
    :param detail: what it was and is: ``integer → text``.
    :param breaking: whether a reader of the earlier columns can fail or get other values.
    :param why: why it is breaking or not.
    """

    event: ColumnEvent
    column: str
    detail: str
    breaking: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON data."""
        return {**vars(self), "event": str(self.event)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnChange:
        """Return the change that :meth:`to_dict` wrote."""
        return cls(**{**data, "event": ColumnEvent(data["event"])})


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The columns of two versions, told which is which.

    :param both: each column of the earlier version that is still there, with what it is now, in the earlier order.
    """

    both: tuple[tuple[Column, Column], ...]
    dropped: tuple[Column, ...]
    added: tuple[Column, ...]


def pair_columns(before: Sequence[Column], after: Sequence[Column]) -> Pairing:
    """Match columns by name: the exact one, else the only one on each side that differs in case alone."""
    exact = {column.name: column for column in after}
    earlier = {column.name for column in before}
    lost, new = _by_folded(before, exact), _by_folded(after, earlier)
    both, dropped = [], []
    for column in before:
        now = exact.get(column.name)
        if now is None and len(lost[column.name.casefold()]) == 1:
            alike = new.get(column.name.casefold(), [])
            now = alike[0] if len(alike) == 1 else None
        if now is None:
            dropped.append(column)
        else:
            both.append((column, now))
    found = {now.name for _, now in both}
    return Pairing(
        both=tuple(both), dropped=tuple(dropped), added=tuple(column for column in after if column.name not in found)
    )


def _by_folded(columns: Sequence[Column], but: Mapping[str, Any] | set[str]) -> dict[str, list[Column]]:
    found: dict[str, list[Column]] = {}
    for column in columns:
        if column.name not in but:
            found.setdefault(column.name.casefold(), []).append(column)
    return found


def schema_changes(
    before: Sequence[Column], after: Sequence[Column], dialect: str, *, typed: bool = True
) -> tuple[ColumnChange, ...]:
    """Return what changed, what breaks first.

    :param dialect: whose words the types are in, by sqlglot's name.
    :param typed: whether a column's type holds for each of its values (not on SQLite).
    """
    pairing = pair_columns(before, after)
    changes = [_dropped(column) for column in pairing.dropped]
    changes += [change for pair in pairing.both if (change := _retyped(*pair, dialect, typed)) is not None]
    changes += [_renamed(one, other) for one, other in pairing.both if one.name != other.name]
    changes += _reordered(pairing, after)
    changes += [_added(column) for column in pairing.added]
    return tuple(sorted(changes, key=lambda change: not change.breaking))


def _dropped(column: Column) -> ColumnChange:
    return ColumnChange(
        event=ColumnEvent.DROPPED,
        column=column.name,
        detail=f"was {column.type}" if column.type else "",
        breaking=True,
        why="who reads it fails",
    )


def _added(column: Column) -> ColumnChange:
    return ColumnChange(
        event=ColumnEvent.ADDED, column=column.name, detail=column.type, breaking=False, why="nobody reads it yet"
    )


def _retyped(one: Column, other: Column, dialect: str, typed: bool) -> ColumnChange | None:
    how = retyping(one.type, other.type, dialect, typed=typed)
    if how is Retyping.SAME:
        return None
    why = {
        Retyping.WIDER: f"{other.type} holds all that {one.type} held",
        Retyping.NARROWER: f"{other.type} holds less than {one.type}",
        Retyping.OTHER: "readers get values of another kind",
    }
    return ColumnChange(
        event=ColumnEvent.RETYPED,
        column=other.name,
        detail=f"{one.type} → {other.type}",
        breaking=how is not Retyping.WIDER,
        why=why[how],
    )


def _renamed(one: Column, other: Column) -> ColumnChange:
    return ColumnChange(
        event=ColumnEvent.RENAMED,
        column=other.name,
        detail=f"was {one.name}",
        breaking=True,
        why="who quotes its name, or reads it outside of the database, does not find it",
    )


def _reordered(pairing: Pairing, after: Sequence[Column]) -> list[ColumnChange]:
    """Return the one change of columns that stand in another order, or behind one that is new."""
    was = [now.name for _, now in pairing.both]
    at = {column.name: place for place, column in enumerate(after)}
    order = sorted(was, key=at.__getitem__)
    new = {column.name for column in pairing.added}
    if order != was:
        moved = [now for now, before in zip(order, was, strict=True) if now != before]
        detail = f"now {_named(moved)}"
    else:
        firsts = [place for name, place in at.items() if name in new]
        moved = [name for name in was if firsts and at[name] > min(firsts)]
        detail = f"now behind {_named([name for name in at if name in new][:1])}"
    if not moved:
        return []
    why = "who reads by position (SELECT *, INSERT … SELECT) gets other columns"
    return [ColumnChange(event=ColumnEvent.REORDERED, column=_named(moved), detail=detail, breaking=True, why=why)]


def _named(names: Sequence[str]) -> str:
    more = f", … {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more
