"""Publishing by view: the reader-facing name is a view over the live release's own table."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Self

from airflow_dataops.core.errors import ConfigurationError, PublishConflict, RelationTaken
from airflow_dataops.core.ports import Connector, Database, Run, run_plainly
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch, conflict, still
from airflow_dataops.publishers.duckdb import DuckdbTarget
from airflow_dataops.publishers.looks import ViewLooks
from airflow_dataops.publishers.mysql import MysqlTarget
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.postgres import PostgresTarget
from airflow_dataops.publishers.sqlite import SqliteTarget
from airflow_dataops.publishers.target import Target, Turn, refuse_dependents

TARGETS: Mapping[str, type[Target]] = {
    "duckdb": DuckdbTarget,
    "mysql": MysqlTarget,
    "postgres": PostgresTarget,
    "sqlite": SqliteTarget,
}


class ViewPublisher(ViewLooks):
    """Moves a view between releases; the flip, the pointer and the log's row are one transaction.

    Where DDL is no part of transactions, a lock keeps the three together, and whoever comes after a kill does.

    :param connector: opens the target's sessions; its dialect is one of :data:`TARGETS`.
    :param deadline: seconds to try for a lock before giving up.
    """

    name = "view"
    takes = "relation"
    dialects: Collection[str] = tuple(TARGETS)

    def __init__(self, connector: Connector, *, deadline: float = 60.0) -> None:
        super().__init__(connector, TARGETS[connector.dialect](), deadline=deadline)
        self._frozen_by: str | None = None

    def freezing(self, by: str) -> Self:
        """Return a publisher that also keeps what it builds or takes from being changed.

        :param by: ``triggers`` or ``grants``.
        :raises ConfigurationError: it is neither, or cannot be had in this database.
        """
        ways = self._target.freezing
        if not isinstance(by, str) or by not in ways:
            raise ConfigurationError(
                f"frozen_by={by!r:.80} is no way to freeze a release: expected {' or '.join(ways)}."
            )
        why_not = ways[by]
        if why_not is not None:
            raise ConfigurationError(
                f"frozen_by={by!r} cannot be had in connection {self._connector.label!r}: {why_not}. Leave it out: "
                "promote refuses a release that has changed since its gates judged it."
            )
        other = copy.copy(self)
        other._frozen_by = by
        return other

    @property
    def one_by_one(self) -> str | None:
        """Why several datasets cannot be switched in one transaction here; ``None`` where they can."""
        return self._target.one_by_one

    def build(self, relation: Relation, sql: str, run: Run = run_plainly) -> None:
        """Create and freeze ``relation`` from a SELECT, in one transaction.

        :raises ConfigurationError: there is a relation of that name.
        """

        def work(db: Database, patience: Patience) -> None:
            self._prepare(db, relation)
            with db.transaction():
                self._refuse_taken(db, relation)
                name = relation.quoted(self._target.wording.quote)
                run(db, f"CREATE TABLE {name} AS\n{sql.strip().rstrip(';')}")
                self._target.freeze(db, relation, self._frozen_by)

        self._patiently(f"build {relation}", work, alone=(relation,))

    def build_part(self, relation: Relation, base: Relation, where: str, rows: str, run: Run = run_plainly) -> bool:
        """Return ``False``: a table shares no rows with another."""
        return False

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
                self._target.freeze(db, relation, self._frozen_by)

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
            raise RelationTaken(
                f"There is a {kind} {relation} already, and nothing is overwritten. Drop it if nobody needs it."
            )

    def _remove(self, db: Database, relation: Relation) -> None:
        """Drop a table inside a transaction, unless somebody needs it."""
        if self._target.kind(db, relation) is None:
            return
        tables = self._tables(relation)
        self._target.claim(db, relation, tables)
        for pointer in tables.live(db):
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
        db.execute(f"DROP TABLE {relation.quoted(self._target.wording.quote)}")

    def switch(self, switch: Switch, verify: Callable[[Database], None]) -> Pointer:
        """Flip the reader-facing name, the pointer and the log row, all or none; done already is fine.

        :raises ConfigurationError: something stands against it that waiting cannot change.
        """
        return self.switch_all([(switch, verify)])[0]

    def switch_all(self, switches: Sequence[tuple[Switch, Callable[[Database], None]]]) -> tuple[Pointer, ...]:
        """Make several switches in one transaction, each with what verifies it; done already is fine.

        :raises ConfigurationError: something stands against one of them, or no transaction holds several here.
        """
        if len(switches) > 1 and self.one_by_one is not None:
            raise ConfigurationError(f"Nothing was switched: {self.one_by_one}. Switch one dataset at a time.")
        # By name: of two that overlap, neither waits for what the other will want next.
        ordered = sorted(switches, key=lambda each: each[0].dataset)
        orders = [switch for switch, _ in ordered]
        tables = {switch.dataset: self._tables(switch.reader) for switch in orders}

        def work(db: Database, patience: Patience) -> dict[str, Pointer]:
            self._target.prepare(db)
            for switch in orders:
                if not tables[switch.dataset].found(db):
                    self._prepare(db, switch.reader)
                tables[switch.dataset].ensure(db, switch.dataset)
            for switch in orders:
                self._ready(db, switch)
            with self._target.switching(db):
                turns = [
                    Turn(switch=each, tables=tables[each.dataset], before=tables[each.dataset].read(db, each.dataset))
                    for each in orders
                ]
                if any(turn.before.epoch != turn.switch.expect for turn in turns):
                    return self._done_already(db, orders)
                for turn in turns:
                    if self._stopped(db, turn, patience):
                        return self._done_already(db, orders)
                with self._target.steadied(db, [switch.relation for switch in orders], self._connector):
                    for _, verify in ordered:
                        verify(db)
                    moved = self._target.publish(db, turns, patience)
                if len(moved) < len(turns):  # somebody has switched since our first look
                    if moved:
                        lost = turns[len(moved)]
                        raise PublishConflict(conflict(lost.switch, lost.tables.read(db, lost.switch.dataset)))
                    return self._done_already(db, orders)
                return {pointer.dataset: pointer for pointer in moved}

        found = self._patiently(
            f"make {', '.join(f'{switch.dataset}@r{switch.release}' for switch, _ in switches)} live",
            work,
            alone=tuple(switch.reader for switch in orders),
            unwritten=tuple(each for switch in orders for each in (switch.relation, tables[switch.dataset].pointer)),
        )
        return tuple(found[switch.dataset] for switch, _ in switches)

    def _stopped(self, db: Database, turn: Turn, patience: Patience) -> bool:
        """Return whether somebody has switched since our first look, who may be what stands in the way.

        :raises ConfigurationError: something stands in the way, and nobody has.
        """
        switch = turn.switch
        if not self._obstacles(db, switch, turn.before):
            return False
        with self._target.alone(db, switch.reader, turn.tables, patience):
            now = turn.tables.read(db, switch.dataset)
            lines = self._obstacles(db, switch, now)
        if lines and now.epoch == switch.expect:
            raise ConfigurationError(
                f"{switch.dataset}@r{switch.release} cannot go live: {' '.join(lines)} {still(turn.before)}"
            )
        return now.epoch != switch.expect

    def hand_back(self, switch: Switch) -> Pointer:
        """Put the release's table in the place of the view over it, in one transaction; done already is fine.

        :raises ConfigurationError: its table is not there, or views depend on what is dropped.
        """
        tables = self._tables(switch.reader)

        def work(db: Database, patience: Patience) -> Pointer:
            self._prepare(db, switch.reader)
            with db.transaction():
                self._target.guard(db)
                before = tables.read(db, switch.dataset)
                if before.epoch != switch.expect:
                    return self._done_already(db, [switch])[switch.dataset]
                after = tables.advance(db, before, None, None)
                if after is None:
                    return self._done_already(db, [switch])[switch.dataset]
                tables.append(db, switch, after.epoch)
                if self._target.kind(db, switch.relation) != "table" or self._target.kind(db, switch.reader) != "view":
                    raise ConfigurationError(
                        f"{switch.reader} cannot be handed back: expected a view there over the table "
                        f"{switch.relation}, and one of them is not there."
                    )
                refuse_dependents(switch.reader, self._target.dependents(db, switch.reader))
                self._target.hand_back(db, switch.reader, switch.relation)
                return after

        what = f"hand {switch.reader} back"
        return self._patiently(what, work, alone=(switch.reader, switch.relation), unwritten=(tables.pointer,))

    def fence(self, dataset: str, target: str, expect: int) -> Pointer:
        """Raise the epoch by one and leave the relation, so that a switch begun before loses."""
        reader = self.reader(target)
        tables = self._tables(reader)

        def work(db: Database, patience: Patience) -> Pointer:
            self._prepare(db, reader)
            tables.ensure(db, dataset)
            with self._target.switching(db):
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

    def _ready(self, db: Database, switch: Switch) -> None:
        """Do before the switch's transaction what need not be part of it: here nothing."""

    def _done_already(self, db: Database, switches: Sequence[Switch]) -> dict[str, Pointer]:
        """Return the pointers if these very switches have been made: a commit whose answer got lost, or a twin.

        :raises PublishConflict: one of them has not.
        """
        done = {}
        found = [(each, self._tables(each.reader).read(db, each.dataset)) for each in switches]
        # Those whose pointers have moved come first: of the others there is no conflict to tell.
        for switch, pointer in sorted(found, key=lambda each: each[1].epoch == each[0].expect):
            record = self._tables(switch.reader).record(db, switch.dataset, switch.op_id)
            if record is None or (record.epoch, record.release) != (switch.expect + 1, switch.release):
                raise PublishConflict(conflict(switch, pointer))
            done[switch.dataset] = Pointer(
                dataset=switch.dataset, epoch=record.epoch, release=record.release, relation=str(switch.relation)
            )
        return done
