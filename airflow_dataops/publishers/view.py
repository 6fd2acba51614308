"""Publishing by view: the reader-facing name is a view over the live release's own table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, PublishConflict
from airflow_dataops.core.ports import Connector, Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord
from airflow_dataops.publishers.duckdb import DuckdbTarget
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.pointers import PointerTables
from airflow_dataops.publishers.postgres import PostgresTarget
from airflow_dataops.publishers.sqlite import SqliteTarget
from airflow_dataops.publishers.target import Target

T = TypeVar("T")

TARGETS: Mapping[str, type[Target]] = {"duckdb": DuckdbTarget, "postgres": PostgresTarget, "sqlite": SqliteTarget}


class ViewPublisher:
    """Moves a view between releases; the flip, the pointer and the log's row are one transaction.

    :param connector: opens the target's sessions; its dialect is one of :data:`TARGETS`.
    :param deadline: seconds to try for a lock before giving up.
    """

    name = "view"

    def __init__(self, connector: Connector, *, deadline: float = 60.0) -> None:
        self._connector = connector
        self._deadline = deadline
        self._target = TARGETS[connector.dialect]()

    def reader(self, target: str) -> Relation:
        """Return the reader-facing relation of ``target``.

        :raises ConfigurationError: a part of it is longer than the database's names may be.
        """
        relation = self._target.relation(target)
        limit = self._target.name_limit
        for part in (relation.schema, relation.name):
            if part is not None and (not part or (limit and len(part.encode()) > limit)):
                raise ConfigurationError(
                    f"target={target!r}: {part!r} cannot be a name here: expected 1 to {limit or 'any number of'} "
                    "bytes. Choose another target=."
                )
        return relation

    def physical(self, target: str, release: int) -> Relation:
        """Return the release's own relation; a name too long is shortened with a hash and keeps its ``__r42``."""
        reader = self.reader(target)
        tail = f"__r{release}"
        limit = self._target.name_limit
        if limit and len((reader.name + tail).encode()) > limit:
            tail = f"_{hashlib.sha256(reader.name.encode()).hexdigest()[:8]}{tail}"
            stem = reader.name.encode()[: limit - len(tail)].decode(errors="ignore")
            return Relation(schema=reader.schema, name=stem + tail)
        return Relation(schema=reader.schema, name=reader.name + tail)

    def build(self, relation: Relation, sql: str) -> None:
        """Create and freeze ``relation`` from a SELECT, in one transaction.

        :raises ConfigurationError: there is a relation of that name.
        """

        def work(db: Database, patience: Patience) -> None:
            self._prepare(db, relation)
            with db.transaction():
                self._refuse_taken(db, relation)
                db.execute(f"CREATE TABLE {relation.sql} AS\n{sql.strip().rstrip(';')}")
                self._target.freeze(db, relation)

        self._patiently(f"build {relation}", work, alone=(relation,))

    def take(self, source: Relation, relation: Relation) -> None:
        """Rename and freeze ``source``; done already (a retry) if it is gone and ``relation`` is there.

        :raises ConfigurationError: there is no such table, it is a view, or the release's name is taken.
        """

        def work(db: Database, patience: Patience) -> None:
            self._prepare(db, relation)
            with db.transaction():
                kind = self._target.kind(db, source)
                if kind is None and self._target.kind(db, relation) == "table":
                    return
                if kind != "table":
                    found = "is not there" if kind is None else f"is a {kind}"
                    raise ConfigurationError(
                        f"{source} {found}: to become the release {relation} it must be a table that a task has built. "
                        "Check the name, or stage with sql= instead."
                    )
                self._target.guard(db)
                self._refuse_taken(db, relation)
                self._target.rename(db, source, relation)
                self._target.freeze(db, relation)

        self._patiently(f"rename {source} to {relation}", work, alone=(source, relation))

    def drop(self, relation: Relation) -> None:
        """Drop the release's table if it is there.

        :raises ConfigurationError: it is live, or views depend on it.
        """

        def work(db: Database, patience: Patience) -> None:
            with db.transaction():
                self._target.guard(db)
                self._remove(db, relation)

        self._patiently(f"drop {relation}", work, alone=(relation,))

    def _refuse_taken(self, db: Database, relation: Relation) -> None:
        """Raise if there is a relation of the release's name: whoever made it may need it."""
        kind = self._target.kind(db, relation)
        if kind is not None:
            raise ConfigurationError(
                f"There is a {kind} {relation} already, and nothing is overwritten. Drop it if nobody needs it."
            )

    def _remove(self, db: Database, relation: Relation) -> None:
        """Drop a table inside a transaction, unless somebody needs it."""
        if self._target.kind(db, relation) is None:
            return
        for pointer in self._tables(relation).live(db):
            if pointer.relation == str(relation):
                raise ConfigurationError(
                    f"{relation} is live: {pointer.dataset}@r{pointer.release} is what readers get. "
                    "Promote or roll back to another release first."
                )
        views = self._target.dependents(db, relation)
        if views:
            raise ConfigurationError(
                f"{relation} cannot be dropped: {', '.join(views)} depend on it. Drop or change these first."
            )
        db.execute(f"DROP TABLE {relation.sql}")

    def exists(self, relation: Relation) -> bool:
        """Return whether there is a table or view of that name."""
        with self._connector.open(read_only=True) as db:
            return self._target.kind(db, relation) is not None

    def resolve(self, relation: Relation) -> Relation | None:
        """Return the table or view as the catalogue names it; ``None`` if missing."""
        with self._connector.open(read_only=True) as db:
            return self._target.resolve(db, relation)

    def adoptable(self, target: str) -> bool:
        """Return whether the reader-facing name is a plain table that a first switch would adopt.

        :raises ConfigurationError: it is a view that no release stands behind, or nothing that can be adopted.
        """
        reader = self.reader(target)
        with self._connector.open(read_only=True) as db:
            kind = self._target.kind(db, reader)
            if kind in (None, "table"):
                return kind == "table"
            for pointer in self._tables(reader).live(db):
                if pointer.release is not None and pointer.relation == str(self.physical(target, pointer.release)):
                    return False
            raise ConfigurationError(_foreign(reader, kind))

    def pointer(self, dataset: str, target: str) -> Pointer:
        """Return the pointer; epoch 0 and no release before the first switch."""
        tables = self._tables(self.reader(target))
        with self._connector.open(read_only=True) as db:
            return tables.read(db, dataset)

    def switched(self, dataset: str, target: str, op_id: str) -> SwitchRecord | None:
        """Return the switch that ``op_id`` made, from the target's own log."""
        tables = self._tables(self.reader(target))
        with self._connector.open(read_only=True) as db:
            return tables.record(db, dataset, op_id)

    def last_switch(self, dataset: str, target: str) -> SwitchRecord | None:
        """Return the newest switch in the target's own log."""
        tables = self._tables(self.reader(target))
        with self._connector.open(read_only=True) as db:
            return tables.last(db, dataset)

    def preflight(self, switch: Switch) -> tuple[str, ...]:
        """Return what would make the switch fail, a line each; empty if nothing."""
        tables = self._tables(switch.reader)
        with self._connector.open(read_only=True) as db:
            lines = self._obstacles(db, switch, tables.read(db, switch.dataset))
            pointer = tables.read(db, switch.dataset)
            return tuple(lines) if pointer.epoch == switch.expect else (_conflict(switch, pointer),)

    def switch(self, switch: Switch, verify: Callable[[Database], None]) -> Pointer:
        """Flip the reader-facing name, the pointer and the log row in one transaction; done already is fine.

        :raises ConfigurationError: something stands against it that waiting cannot change.
        """
        tables = self._tables(switch.reader)

        def work(db: Database, patience: Patience) -> Pointer:
            self._prepare(db, switch.reader)
            tables.ensure(db, switch.dataset)
            with db.transaction():
                self._target.guard(db)
                before = tables.read(db, switch.dataset)
                if before.epoch != switch.expect:
                    return self._done_already(db, switch, before)
                if lines := self._obstacles(db, switch, before):
                    # What stands in the way may be what somebody has switched since our first look.
                    now = tables.read(db, switch.dataset)
                    if now.epoch != switch.expect:
                        return self._done_already(db, switch, now)
                    raise ConfigurationError(
                        f"{switch.dataset}@r{switch.release} cannot go live: {' '.join(lines)} {_still(before)}"
                    )
                self._target.steady(db, switch.relation)
                verify(db)
                after = tables.advance(db, before, switch.release, str(switch.relation))
                if after is None:  # somebody committed since our first look
                    return self._done_already(db, switch, tables.read(db, switch.dataset))
                tables.append(db, switch, after.epoch)
                self._target.flip(db, switch, patience)  # last: the lock that readers feel is held to the commit only
                return after

        what = f"make {switch.dataset}@r{switch.release} live"
        return self._patiently(what, work, alone=(switch.reader,), unwritten=(switch.relation, tables.pointer))

    def fence(self, dataset: str, target: str, expect: int) -> Pointer:
        """Raise the epoch by one and leave the relation, so that a switch begun before loses."""
        reader = self.reader(target)
        tables = self._tables(reader)

        def work(db: Database, patience: Patience) -> Pointer:
            self._prepare(db, reader)
            tables.ensure(db, dataset)
            with db.transaction():
                self._target.guard(db)
                before = tables.read(db, dataset)
                after = None
                if before.epoch == expect:
                    after = tables.advance(db, before, before.release, before.relation)
                if after is None:
                    raise PublishConflict(
                        f"{dataset} was not fenced: its pointer is at epoch {tables.read(db, dataset).epoch}, expected "
                        f"{expect}. Another switch came first; reconcile again."
                    )
                return after

        return self._patiently(f"fence {dataset}", work, unwritten=(tables.pointer,))

    def _prepare(self, db: Database, beside: Relation) -> None:
        """Make the session and the schema ready to be written to."""
        self._target.prepare(db)
        if beside.schema:
            self._target.ensure_schema(db, beside.schema)

    def _tables(self, beside: Relation) -> PointerTables:
        return PointerTables(beside.schema, lambda db, table: self._target.kind(db, table) is not None)

    def _obstacles(self, db: Database, switch: Switch, pointer: Pointer) -> list[str]:
        """Return what stands against the switch on every database, and on this one."""
        lines = []
        if self._target.kind(db, switch.relation) != "table":
            return [f"its table {switch.relation} is not there. Stage a new release."]
        kind = self._target.kind(db, switch.reader)
        if kind == "table" and switch.adopt is None:
            lines.append(f"{switch.reader} is a plain table, and nothing says where it is to go (adopt).")
        elif kind == "table" and switch.adopt and self._target.kind(db, switch.adopt) is not None:
            lines.append(f"{switch.reader} cannot be renamed to {switch.adopt}: that name is taken. Drop or rename it.")
        elif kind == "view" and pointer.release is None:
            lines.append(_foreign(switch.reader, kind))
        elif kind not in (None, "table", "view"):
            lines.append(_foreign(switch.reader, str(kind)))
        return lines + self._target.obstacles(db, switch)

    def _done_already(self, db: Database, switch: Switch, pointer: Pointer) -> Pointer:
        """Return the pointer if this very switch has been made: a commit whose answer got lost, or a twin.

        :raises PublishConflict: it has not.
        """
        record = self._tables(switch.reader).record(db, switch.dataset, switch.op_id)
        if record and (record.epoch, record.release) == (switch.expect + 1, switch.release):
            return Pointer(
                dataset=switch.dataset, epoch=record.epoch, release=record.release, relation=str(switch.relation)
            )
        raise PublishConflict(_conflict(switch, pointer))

    def _patiently(
        self,
        what: str,
        work: Callable[[Database, Patience], T],
        *,
        alone: tuple[Relation, ...] = (),
        unwritten: tuple[Relation, ...] = (),
    ) -> T:
        """Run ``work`` in a session of its own, again while a lock is held elsewhere, to the deadline.

        :param alone: relations that must be used by nobody else for a moment.
        :param unwritten: relations that others may read, but not write.
        :raises LockTimeout: with who holds the lock, where the database tells.
        """
        patience = Patience(self._deadline)
        while True:
            with self._connector.open() as db:
                try:
                    return work(db, patience)
                except LockTimeout as error:
                    locked, holders = error, self._target.blockers(db, alone, unwritten)
            # Not while the session is open: it may itself be what others wait for.
            if not patience.wait():
                who = "; ".join(holders) or f"the database says: {locked}"
                raise LockTimeout(
                    f"Could not {what} within {patience.seconds:g} s, nothing was changed: {who}. "
                    "Let it finish or end it, and run this again."
                ) from locked


def _foreign(reader: Relation, kind: str) -> str:
    return (
        f"{reader} is a {kind} that no release stands behind, and it is not ours to replace. "
        f"Rename or drop it, or give the dataset another target=."
    )


def _conflict(switch: Switch, pointer: Pointer) -> str:
    return (
        f"{switch.dataset}@r{switch.release} was not made live: the pointer is at epoch {pointer.epoch}, expected "
        f"{switch.expect}. Somebody else switched first. {_still(pointer)}"
    )


def _still(pointer: Pointer) -> str:
    return "Nothing is live yet." if pointer.release is None else f"r{pointer.release} is still live."
