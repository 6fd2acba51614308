"""What a publisher of views tells of a target, and the sessions in which it looks and works."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Self, TypeVar

from airflow_dataops.core.errors import ConfigurationError, LockTimeout
from airflow_dataops.core.plans import Finding
from airflow_dataops.core.ports import Connector, Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord, conflict
from airflow_dataops.publishers.differences import differences
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.pointers import PointerTables
from airflow_dataops.publishers.target import Target, own_relation, standing

T = TypeVar("T")


class ViewLooks:
    """Looks at names, releases and pointers; what a killed switch has left is put right on the way.

    :param connector: opens the target's sessions.
    :param target: the ways of that kind of database.
    :param deadline: seconds to try for a lock before giving up.
    """

    def __init__(self, connector: Connector, target: Target, *, deadline: float) -> None:
        self._connector = connector
        self._deadline = deadline
        self._looks_only = False
        self._target = target

    def looking(self) -> Self:
        """Return a publisher whose looks put nothing right that a killed switch has left."""
        other = copy.copy(self)
        other._looks_only = True
        return other

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
        return own_relation(self.reader(target), release, self._target.name_limit)

    def dependents(self, relation: Relation) -> tuple[str, ...]:
        """Return what reads ``relation``, by name."""
        with self._connector.open(read_only=True) as db:
            return tuple(self._target.dependents(db, relation))

    def built(self, target: str) -> dict[int, Relation]:
        """Return the tables that are named like releases of ``target``, by the release's number."""
        reader = self.reader(target)
        with self._connector.open(read_only=True) as db:
            names = self._target.tables(db, reader)
        found = {}
        for name in names:
            _, mark, number = name.rpartition("__r")
            if mark and number.isdecimal() and name == self.physical(target, int(number)).name:
                found[int(number)] = Relation(schema=reader.schema, name=name)
        return found

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
        tables = self._tables(reader)

        def look(db: Database) -> tuple[str | None, bool]:
            return self._target.kind(db, reader), standing(tables, db, reader, self._target.name_limit) is not None

        kind, ours = self._settled(reader, tables, look)
        if kind not in (None, "table") and not ours:
            raise ConfigurationError(_foreign(reader, kind))
        return kind == "table"

    def pointer(self, dataset: str, target: str) -> Pointer:
        """Return the pointer; epoch 0 and no release before the first switch.

        Where a killed switch has left the view apart from it, the view is put right first.
        """
        reader = self.reader(target)
        tables = self._tables(reader)
        return self._settled(reader, tables, lambda db: tables.read(db, dataset))

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

        def look(db: Database) -> tuple[str, ...]:
            lines = self._obstacles(db, switch, tables.read(db, switch.dataset))
            pointer = tables.read(db, switch.dataset)
            return tuple(lines) if pointer.epoch == switch.expect else (conflict(switch, pointer),)

        return self._settled(switch.reader, tables, look)

    def report(self, switch: Switch) -> tuple[Finding, ...]:
        """Return what stands against the switch, and what readers will find changed."""
        tables = self._tables(switch.reader)

        def look(db: Database) -> tuple[Finding, ...]:
            pointer = tables.read(db, switch.dataset)
            stops = self._obstacles(db, switch, pointer)
            if stops and tables.read(db, switch.dataset).epoch != switch.expect:
                stops = []  # somebody switches in this moment, which the switch will tell
            live = Relation.parse(pointer.relation) if pointer.relation else switch.reader
            there = self._target.kind(db, switch.relation) == "table"
            notes = differences(db, self._target, switch, live) if there else []
            return (*(Finding(text=line, stops=True) for line in stops), *(Finding(text=line) for line in notes))

        return self._settled(switch.reader, tables, look)

    def _prepare(self, db: Database, beside: Relation) -> None:
        """Make the session and the schema ready to be written to."""
        self._target.prepare(db)
        if beside.schema:
            self._target.ensure_schema(db, beside.schema)

    def _tables(self, beside: Relation) -> PointerTables:
        return PointerTables(
            beside.schema, lambda db, table: self._target.kind(db, table) is not None, self._target.wording
        )

    def _settled(self, reader: Relation, tables: PointerTables, look: Callable[[Database], T]) -> T:
        """Return what ``look`` finds where view and pointer agree, having put right what a killed switch left."""
        with self._connector.open(read_only=True) as db:
            if self._looks_only:
                return look(db)
            if not self._target.apart(db, reader, tables):
                found = look(db)
                if not self._target.apart(db, reader, tables):
                    return found

        def work(db: Database, patience: Patience) -> None:
            self._prepare(db, reader)
            with self._target.switching(db), self._target.alone(db, reader, tables, patience):
                pass

        self._patiently(f"show in {reader} what its pointer says", work, alone=(reader,))
        with self._connector.open(read_only=True) as db:
            return look(db)

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
