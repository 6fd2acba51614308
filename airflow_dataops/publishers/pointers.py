"""The pointer and the switch log: two tables in the target, beside the name that readers use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord

# "at" is ISO 8601 text in UTC: the same on every engine, and no driver needs time zones to read it.
_POINTER = (
    "CREATE TABLE IF NOT EXISTS {table} (dataset TEXT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL,"
    ' "release" BIGINT, relation TEXT)'
)
_LOG = (
    "CREATE TABLE IF NOT EXISTS {table} (dataset TEXT NOT NULL, epoch BIGINT NOT NULL, op_id TEXT NOT NULL UNIQUE,"
    ' "release" BIGINT NOT NULL, "at" TEXT NOT NULL, "by" TEXT NOT NULL, UNIQUE (dataset, epoch))'
)


class PointerTables:
    """``dataops_pointer`` and ``dataops_switch`` of one schema.

    :param schema: the reader-facing relation's.
    :param exists: tells whether a table is there.
    """

    def __init__(self, schema: str | None, exists: Callable[[Database, Relation], bool]) -> None:
        self.pointer = Relation(schema=schema, name="dataops_pointer")
        self.log = Relation(schema=schema, name="dataops_switch")
        self._exists = exists

    def ensure(self, db: Database) -> None:
        """Make both tables where they are missing, outside of a transaction; losing a race to make them is fine."""
        for table, ddl in ((self.pointer, _POINTER), (self.log, _LOG)):
            if self._exists(db, table):
                continue
            try:
                db.execute(ddl.format(table=table.sql))
            except MeasureError:
                # PostgreSQL's IF NOT EXISTS can still collide with another session's CREATE.
                if not self._exists(db, table):
                    raise

    def read(self, db: Database, dataset: str) -> Pointer:
        """Return the pointer; epoch 0 before the first switch, without making anything."""
        rows = (
            db.execute(f'SELECT epoch, "release", relation FROM {self.pointer.sql} WHERE dataset = ?', (dataset,))
            if self._exists(db, self.pointer)
            else []
        )
        if not rows:
            return Pointer(dataset=dataset, epoch=0)
        epoch, release, relation = rows[0]
        return Pointer(dataset=dataset, epoch=epoch, release=release, relation=relation)

    def live(self, db: Database) -> list[Pointer]:
        """Return the pointers of all datasets of this schema that have a live release."""
        if not self._exists(db, self.pointer):
            return []
        rows = db.execute(
            f'SELECT dataset, epoch, "release", relation FROM {self.pointer.sql} WHERE "release" IS NOT NULL'
        )
        return [Pointer(dataset=d, epoch=e, release=r, relation=t) for d, e, r, t in rows]

    def record(self, db: Database, dataset: str, op_id: str) -> SwitchRecord | None:
        """Return the switch that ``op_id`` made."""
        if not self._exists(db, self.log):
            return None
        rows = db.execute(
            f'SELECT epoch, "release", "at", "by" FROM {self.log.sql} WHERE dataset = ? AND op_id = ?', (dataset, op_id)
        )
        if not rows:
            return None
        epoch, release, at, by = rows[0]
        return SwitchRecord(
            dataset=dataset, epoch=epoch, op_id=op_id, release=release, at=datetime.fromisoformat(at), by=by
        )

    def advance(self, db: Database, before: Pointer, release: int | None, relation: str | None) -> Pointer | None:
        """Move the pointer from exactly ``before.epoch`` to the next; return it, or ``None`` if it was not there."""
        if before.epoch == 0:
            rows = db.execute(
                f'INSERT INTO {self.pointer.sql} (dataset, epoch, "release", relation) VALUES (?, 1, ?, ?)'
                " ON CONFLICT DO NOTHING RETURNING epoch",
                (before.dataset, release, relation),
            )
        else:
            rows = db.execute(
                f'UPDATE {self.pointer.sql} SET epoch = epoch + 1, "release" = ?, relation = ?'
                " WHERE dataset = ? AND epoch = ? RETURNING epoch",
                (release, relation, before.dataset, before.epoch),
            )
        if len(rows) != 1:
            return None
        return Pointer(dataset=before.dataset, epoch=rows[0][0], release=release, relation=relation)

    def append(self, db: Database, switch: Switch, epoch: int) -> None:
        """Write the log's row."""
        db.execute(
            f'INSERT INTO {self.log.sql} (dataset, epoch, op_id, "release", "at", "by") VALUES (?, ?, ?, ?, ?, ?)',
            (switch.dataset, epoch, switch.op_id, switch.release, switch.at.isoformat(), switch.by),
        )
