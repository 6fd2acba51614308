"""The pointer and the switch log: two tables in the target, beside the name that readers use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord

# "at" is ISO 8601 text in UTC: the same on every engine, and no driver needs time zones to read it.
_POINTER = (
    "CREATE TABLE IF NOT EXISTS {pointer} (dataset {key} NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL,"
    " {release} BIGINT, relation TEXT){storage}"
)
_LOG = (
    "CREATE TABLE IF NOT EXISTS {log} (dataset {key} NOT NULL, epoch BIGINT NOT NULL, op_id {key} NOT NULL UNIQUE,"
    " {release} BIGINT NOT NULL, {at} TEXT NOT NULL, {by} TEXT NOT NULL, UNIQUE (dataset, epoch)){storage}"
)


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How a database says what the publisher and the two tables need, where not all say the same.

    :param quote: stands around names.
    :param key: the type of a text that can be a key.
    :param storage: ends a CREATE TABLE of ours.
    :param unless_there: ends an INSERT that leaves a row of the same key as it is.
    :param returning: whether an UPDATE can return what it changed.
    """

    quote: str = '"'
    key: str = "TEXT"
    storage: str = ""
    unless_there: str = "ON CONFLICT DO NOTHING"
    returning: bool = True


class PointerTables:
    """``dataops_pointer`` and ``dataops_switch`` of one schema.

    :param schema: the reader-facing relation's.
    :param exists: tells whether a table is there.
    """

    def __init__(self, schema: str | None, exists: Callable[[Database, Relation], bool], wording: Wording) -> None:
        self.pointer = Relation(schema=schema, name="dataops_pointer")
        self.log = Relation(schema=schema, name="dataops_switch")
        self._exists = exists
        self._there = False  # both tables, known since they were made or found
        self._wording = wording
        self._words = {"key": wording.key, "storage": wording.storage, "unless_there": wording.unless_there}
        self._words["next_epoch"] = "epoch + 1" if wording.returning else "LAST_INSERT_ID(epoch + 1)"
        self._words |= {name: Relation(name=name).quoted(wording.quote) for name in ("release", "at", "by")}
        self._words |= {"pointer": self.pointer.quoted(wording.quote), "log": self.log.quoted(wording.quote)}

    def _sql(self, text: str) -> str:
        """Return a statement in the database's own words."""
        return text.format_map(self._words)

    def ensure(self, db: Database, dataset: str) -> None:
        """Make both tables, and the dataset's row at epoch 0, where they are missing; outside of a transaction.

        With the row there, every compare-and-set is an UPDATE, whose conflicts every engine tells as such.
        """
        if not self.found(db):
            for table, ddl in ((self.pointer, _POINTER), (self.log, _LOG)):
                if not self._exists(db, table):
                    self._make(db, self._sql(ddl), partial(self._exists, db, table))
            self._there = True
        if not self._row(db, dataset):
            insert = self._sql("INSERT INTO {pointer} (dataset, epoch) VALUES (?, 0) {unless_there}")
            self._make(db, insert, lambda: bool(self._row(db, dataset)), (dataset,))

    def found(self, db: Database) -> bool:
        """Return whether both tables are there: the log is made last."""
        self._there = self._there or self._exists(db, self.log)
        return self._there

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
        return db.execute(self._sql("SELECT epoch, {release}, relation FROM {pointer} WHERE dataset = ?"), (dataset,))

    def read(self, db: Database, dataset: str) -> Pointer:
        """Return the pointer; epoch 0 before the first switch, without making anything."""
        rows = self._row(db, dataset) if self._there or self._exists(db, self.pointer) else []
        if not rows:
            return Pointer(dataset=dataset, epoch=0)
        epoch, release, relation = rows[0]
        return Pointer(dataset=dataset, epoch=epoch, release=release, relation=relation)

    def live(self, db: Database) -> list[Pointer]:
        """Return the pointers of all datasets of this schema that have a live release."""
        if not self._exists(db, self.pointer):
            return []
        rows = db.execute(
            self._sql("SELECT dataset, epoch, {release}, relation FROM {pointer} WHERE {release} IS NOT NULL")
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
            self._sql("SELECT dataset, epoch, op_id, {release}, {at}, {by} FROM {log}")
            + f" WHERE {condition} ORDER BY epoch DESC LIMIT 1",
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
        update = self._sql(
            "UPDATE {pointer} SET epoch = {next_epoch}, {release} = ?, relation = ? WHERE dataset = ? AND epoch = ?"
        )
        parameters = (release, relation, before.dataset, before.epoch)
        if self._wording.returning:
            rows = db.execute(f"{update} RETURNING epoch", parameters)
        else:
            # The session keeps what the UPDATE has set; ROW_COUNT() is gone when a driver pings between two statements.
            db.execute("SELECT LAST_INSERT_ID(0)")
            db.execute(update, parameters)
            rows = db.execute("SELECT LAST_INSERT_ID()")
        if rows != [(before.epoch + 1,)]:
            return None
        return Pointer(dataset=before.dataset, epoch=before.epoch + 1, release=release, relation=relation)

    def announce(self, db: Database, before: Pointer, relation: str) -> None:
        """Note which relation a first switch is about to show, where no transaction holds view and pointer together."""
        db.execute(
            self._sql("UPDATE {pointer} SET relation = ? WHERE dataset = ? AND epoch = ? AND {release} IS NULL"),
            (relation, before.dataset, before.epoch),
        )

    def announced(self, db: Database, relation: str) -> bool:
        """Return whether a first switch was about to show ``relation``, and has not been recorded."""
        if not self._exists(db, self.pointer):
            return False
        sql = self._sql("SELECT 1 FROM {pointer} WHERE {release} IS NULL AND LOWER(relation) = LOWER(?)")
        return bool(db.execute(sql, (relation,)))

    def append(self, db: Database, switch: Switch, epoch: int) -> None:
        """Write the log's row."""
        db.execute(
            self._sql(
                "INSERT INTO {log} (dataset, epoch, op_id, {release}, {at}, {by}) VALUES (?, ?, ?, ?, ?, ?)",
            ),
            (switch.dataset, epoch, switch.op_id, switch.release, switch.at.isoformat(), switch.by),
        )
