"""The pointer and the switch log in a table's own metadata: properties, and two tags that make commits compare.

A catalogue compares refs before it commits, not properties. So each epoch has a tag of its own name, made and removed
with it, and ``dataops_pointer`` is there from the first on: no epoch that has gone looks as if it were there again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.switching import Pointer, SwitchRecord
from airflow_dataops.publishers.iceberg.lake import MAIN

KEPT = 200
"""How many of the newest switches the log keeps: each commit writes them all."""
_POINTER = "dataops.pointer"
_SWITCH = "dataops.switch."
_ANY = "dataops_pointer"
_EPOCH = "dataops_epoch_"
_FOR_EVER = 2**63 - 1
"""Milliseconds: a table may let its refs expire, and releases are dropped by nobody but ``retire``."""

Change = tuple[list[Any], list[Any]]
"""The requirements and the updates of a commit."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the pointer stands, and what that has made of the table.

    :param snapshot: the live release's; ``None`` if nothing is live.
    :param schema: the columns that readers were given with it.
    """

    pointer: Pointer
    snapshot: int | None = None
    schema: int | None = None


def place_of(table: Any | None, dataset: str) -> Place:
    """Return where the dataset's pointer stands in the table.

    :raises ConfigurationError: the table's pointer is another dataset's.
    """
    place = standing(table) or Place(pointer=Pointer(dataset=dataset, epoch=0))
    if place.pointer.dataset != dataset:
        raise ConfigurationError(
            f"This Iceberg table is published as dataset {place.pointer.dataset} already, and not as {dataset}. Use "
            "that name, or give the dataset another target=."
        )
    return place


def standing(table: Any | None) -> Place | None:
    """Return where the table's pointer stands, whatever its dataset is called; ``None`` before the first switch."""
    written = table.metadata.properties.get(_POINTER) if table is not None else None
    if written is None:
        return None
    said = json.loads(written)
    place = {name: said.pop(name) for name in ("snapshot", "schema")}
    return Place(pointer=Pointer(**said), **place)


def switches(table: Any | None, dataset: str) -> list[SwitchRecord]:
    """Return the switches that the log has kept, the newest last."""
    properties: Mapping[str, str] = table.metadata.properties if table is not None else {}
    rows = [json.loads(value) for name, value in properties.items() if name.startswith(_SWITCH)]
    found = [SwitchRecord(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]
    return sorted((each for each in found if each.dataset == dataset), key=lambda each: each.epoch)


def unmoved(table: Any, ref: str) -> Any:
    """Return the requirement that a tag or branch is where it is in ``table``, or is not there."""
    from pyiceberg.table.update import AssertRefSnapshotId

    found = table.metadata.refs.get(ref)
    return AssertRefSnapshotId(ref=ref, snapshot_id=found.snapshot_id if found else None)


def tagged(ref: str, snapshot: int) -> Any:
    """Return the update that sets a tag, which does not expire."""
    from pyiceberg.table.refs import SnapshotRefType
    from pyiceberg.table.update import SetSnapshotRefUpdate

    return SetSnapshotRefUpdate(ref_name=ref, type=SnapshotRefType.TAG, snapshot_id=snapshot, max_ref_age_ms=_FOR_EVER)


def moved(table: Any, before: Place, after: Place, record: SwitchRecord | None) -> Change:
    """Return the change that moves the pointer, and that nothing else can have moved meanwhile.

    :param record: the log's new row.
    """
    from pyiceberg.table.update import RemovePropertiesUpdate, RemoveSnapshotRefUpdate, SetPropertiesUpdate

    old, new = (f"{_EPOCH}{place.pointer.epoch}" for place in (before, after))
    at = after.snapshot or _any_snapshot(table)
    properties = {_POINTER: json.dumps({**asdict(after.pointer), "snapshot": after.snapshot, "schema": after.schema})}
    gone: list[str] = []
    if record is not None:
        properties[f"{_SWITCH}{record.epoch}"] = json.dumps({**asdict(record), "at": record.at.isoformat()})
        kept = [f"{_SWITCH}{each.epoch}" for each in switches(table, record.dataset)]
        gone = kept[: max(0, len(kept) + 1 - KEPT)]
    updates = [tagged(_ANY, at), tagged(new, at), SetPropertiesUpdate(updates=properties)]
    if old in table.metadata.refs:
        updates.append(RemoveSnapshotRefUpdate(ref_name=old))
    if gone:
        updates.append(RemovePropertiesUpdate(removals=gone))
    return [of_same_table(table), *unpointed(table, before, new)], updates


def unpointed(table: Any, before: Place | None, *more: str) -> list[Any]:
    """Return the requirements that nobody has moved the pointer from where it was, nor any of ``more``."""
    epoch = before.pointer.epoch if before else 0
    return [unmoved(table, ref) for ref in (_ANY, f"{_EPOCH}{epoch}", *more)]


def of_same_table(table: Any) -> Any:
    """Return the requirement that the table is none that was made anew under its name."""
    from pyiceberg.table.update import AssertTableUUID

    return AssertTableUUID(uuid=table.metadata.table_uuid)


def _any_snapshot(table: Any) -> int:
    main = table.metadata.refs.get(MAIN)
    return int(main.snapshot_id if main else table.metadata.snapshots[-1].snapshot_id)
