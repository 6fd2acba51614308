"""The pointer and the switch log: two tables in the target, beside the name that readers use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

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

    def ensure(self, db: Database, dataset: str) -> None:
        """Make both tables, and the dataset's row at epoch 0, where they are missing; outside of a transaction.

        With the row there, every compare-and-set is an UPDATE, whose conflicts every engine tells as such.
        """
        for table, ddl in ((self.pointer, _POINTER), (self.log, _LOG)):
            if not self._exists(db, table):
                self._make(db, ddl.format(table=table.sql), partial(self._exists, db, table))
        if not self._row(db, dataset):
            insert = f"INSERT INTO {self.pointer.sql} (dataset, epoch) VALUES (?, 0) ON CONFLICT DO NOTHING"
            self._make(db, insert, lambda: bool(self._row(db, dataset)), (dataset,))

    @staticmethod
    def _make(db: Database, sql: str, made: Callable[[], bool], parameters: Sequence[Any] = ()) -> None:
        """Run a statement that makes something unless it is there; another session may do so at the same moment."""
        try:
            db.execute(sql, parameters)
        except MeasureError:
            # PostgreSQL's IF NOT EXISTS and DuckDB's ON CONFLICT collide with what is not committed yet.
            if not made():
                raise

    def _row(self, db: Database, dataset: str) -> list[tuple[Any, ...]]:
        return db.execute(f'SELECT epoch, "release", relation FROM {self.pointer.sql} WHERE dataset = ?', (dataset,))

    def read(self, db: Database, dataset: str) -> Pointer:
        """Return the pointer; epoch 0 before the first switch, without making anything."""
        rows = self._row(db, dataset) if self._exists(db, self.pointer) else []
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
        return self._newest(db, "dataset = ? AND op_id = ?", (dataset, op_id))

    def last(self, db: Database, dataset: str) -> SwitchRecord | None:
        """Return the newest switch of the dataset."""
        return self._newest(db, "dataset = ?", (dataset,))

    def _newest(self, db: Database, condition: str, parameters: tuple[str, ...]) -> SwitchRecord | None:
        if not self._exists(db, self.log):
            return None
        rows = db.execute(
            f'SELECT dataset, epoch, op_id, "release", "at", "by" FROM {self.log.sql} WHERE {condition}'
            " ORDER BY epoch DESC LIMIT 1",
            parameters,
        )
        if not rows:
            return None
        dataset, epoch, op_id, release, at, by = rows[0]
        return SwitchRecord(
            dataset=dataset, epoch=epoch, op_id=op_id, release=release, at=datetime.fromisoformat(at), by=by
        )

    def advance(self, db: Database, before: Pointer, release: int | None, relation: str | None) -> Pointer | None:
        """Move the pointer from exactly ``before.epoch`` to the next; return it, or ``None`` if it was not there."""
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
