"""Publishing by pointer view, on PostgreSQL: the reader-facing name asks the pointer's row which release to read.

A switch updates that row and waits for no reader; a snapshot older than the switch reads what was live then, whole.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from airflow_dataops.core.ports import Connector, Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch
from airflow_dataops.publishers.grants import Grants
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.pointers import PointerTables
from airflow_dataops.publishers.postgres import PostgresTarget, Shape, shape, shapes
from airflow_dataops.publishers.view import ViewPublisher

log = logging.getLogger(__name__)

RELEASES = 8
"""How many releases a view reads at most: each query plans and locks them all. What was live longest ago leaves it."""

_NUMBER = re.compile(r"__r(\d+)$")
_LINKS = """
    FROM pg_depend AS link JOIN pg_rewrite AS rule ON link.classid = 'pg_rewrite'::regclass AND link.objid = rule.oid
    JOIN pg_class AS view ON view.oid = rule.ev_class AND view.relkind = 'v'
    JOIN pg_class AS read ON link.refclassid = 'pg_class'::regclass AND link.refobjid = read.oid
    WHERE read.oid <> view.oid AND read.relnamespace = view.relnamespace AND
"""
_READ_BY = f"SELECT DISTINCT read.relname::text {_LINKS} view.oid = to_regclass(?)"
_READERS_OF = f"""
    SELECT view.relname::text {_LINKS} read.oid IN (to_regclass(?), to_regclass(?))
    GROUP BY view.oid, view.relname HAVING count(DISTINCT read.oid) = 2
"""
# The planner gives each branch a filter that is asked once, before a row of it is read, and reads the pointer once.
# The aggregate has a row even where the pointer has none yet: a snapshot older than the first switch reads release 0,
# the plain table that was adopted. A release that is not among the view's is an error, never an empty table: a cast of
# text raises it without a function of our own.
_VIEW = """
SELECT {columns} FROM (
{branches}
) AS releases WHERE {number} = (
SELECT CASE WHEN live IN ({numbers}) THEN live ELSE CAST({told} || live AS bigint) END
FROM (SELECT coalesce(max("release"), 0) AS live FROM {pointer} WHERE dataset = {dataset}) AS pointer)"""


class PointerViewPublisher(ViewPublisher):
    """Moves the pointer that a view reads: no lock that readers feel, except where the view's text must change.

    It changes before a release's first switch, in a transaction of its own, and within the switch if the release has
    other columns than the view; both wait for readers as :class:`ViewPublisher` does.

    :param connector: opens sessions of a PostgreSQL database.
    :param deadline: seconds to try for a lock before giving up.
    """

    name = "pointer_view"
    dialects = ("postgres",)

    def __init__(self, connector: Connector, *, deadline: float = 60.0) -> None:
        super().__init__(connector, deadline=deadline)
        self._target: PointerViewTarget = PointerViewTarget()

    def _ready(self, db: Database, switch: Switch) -> None:
        """Let the view read the release before it goes live, so that the switch need not touch the view."""
        if self._target.reads(db, switch):
            return
        with db.transaction():
            self._target.guard(db)
            live = self._target.hold(db, switch.reader, switch.dataset)
            if live.epoch == switch.expect and not self._obstacles(db, switch, live):
                self._target.make_ready(db, switch, live)

    def dependents(self, relation: Relation) -> tuple[str, ...]:
        """Return what reads ``relation``, but for the dataset's own view, which lets go of what is dropped."""
        with self._connector.open(read_only=True) as db:
            views = [view for view, _ in self._target.readers(db, relation)]
            own = {db.execute("SELECT to_regclass(?)::text", (view.sql,))[0][0] for view in views}
            return tuple(name for name in self._target.dependents(db, relation) if name not in own)

    def _remove(self, db: Database, relation: Relation) -> None:
        """Take a release that is not live out of the view that reads it, and drop its table."""
        for view, found in self._target.readers(db, relation):
            pointer = self._target.hold(db, view, found.dataset)
            if pointer.relation != str(relation):
                self._target.leave_out(db, view, pointer.dataset, relation)
        super()._remove(db, relation)


class PointerViewTarget(PostgresTarget):
    """PostgreSQL, where the view reads several releases, and rows of the one alone that the pointer names."""

    def flip(self, db: Database, switches: Sequence[Switch], patience: Patience) -> None:
        """Do nothing where a view can read the release: the pointer has moved, and it is what the view asks.

        Else replace the view: at the first switch, where columns change, or where somebody else has replaced it.
        """
        blind = [switch for switch in switches if not self.reads(db, switch)]
        if blind:
            super().flip(db, blind, patience)

    def _flip(self, db: Database, switch: Switch) -> None:
        grants, kept = Grants.read(db, switch.reader), self._releases(db, switch.reader)
        if self._adopt(db, switch) and switch.adopt:
            kept = {0: switch.adopt}
        elif kept:
            log.info("%s did not read %s as it is, and is replaced within the switch", switch.reader, switch.relation)
        self._write(db, switch.reader, switch.relation, switch.dataset, self._latest(db, switch, kept), grants)

    def reads(self, db: Database, switch: Switch) -> bool:
        """Return whether the view, as it is, reads the release whenever the pointer names it."""
        needed = {switch.relation.name, self._tables(switch.reader).pointer.name}
        return needed <= self._read_by(db, switch.reader) and self._alike(db, switch)

    def make_ready(self, db: Database, switch: Switch, live: Pointer) -> None:
        """Let the view read the release too; do nothing where that would change what readers get now.

        :param live: the pointer, held by the transaction.
        """
        kept = self._releases(db, switch.reader)
        if live.relation in map(str, kept.values()) and self._alike(db, switch):
            releases, grants = self._latest(db, switch, kept), Grants.read(db, switch.reader)
            self._write(db, switch.reader, switch.reader, switch.dataset, releases, grants)

    def leave_out(self, db: Database, view: Relation, dataset: str, relation: Relation) -> None:
        """Let the view read all its releases but ``relation``."""
        kept = {number: each for number, each in self._releases(db, view).items() if each != relation}
        self._write(db, view, view, dataset, kept, Grants.read(db, view))

    def readers(self, db: Database, relation: Relation) -> list[tuple[Relation, Pointer]]:
        """Return the pointer views that read a release, each with the pointer that it asks."""
        tables = self._tables(relation)
        found = []
        for (name,) in db.execute(_READERS_OF, (relation.sql, tables.pointer.sql)):
            view = Relation(schema=relation.schema, name=name)
            read = set(map(str, self._releases(db, view).values()))
            found += [(view, pointer) for pointer in tables.live(db) if pointer.relation in read]
        return found

    def hold(self, db: Database, beside: Relation, dataset: str) -> Pointer:
        """Return the pointer and let nobody move it until the transaction ends.

        Whoever changes what a view reads holds it, and a switch does: neither takes a release away from the other.
        """
        tables = self._tables(beside)
        db.execute(f"SELECT 1 FROM {tables.pointer.sql} WHERE dataset = ? FOR UPDATE", (dataset,))
        return tables.read(db, dataset)

    def _tables(self, beside: Relation) -> PointerTables:
        return PointerTables(beside.schema, lambda db, table: self.kind(db, table) is not None, self.wording)

    def _read_by(self, db: Database, view: Relation) -> set[str]:
        """Return the names of what the view reads in its own schema; empty where it is no view."""
        return {name for (name,) in db.execute(_READ_BY, (view.sql,))}

    def _releases(self, db: Database, view: Relation) -> dict[int, Relation]:
        """Return the releases that the view reads, by number."""
        found = ((_NUMBER.search(name), name) for name in self._read_by(db, view))
        return {int(match[1]): Relation(schema=view.schema, name=name) for match, name in found if match}

    def _latest(self, db: Database, switch: Switch, kept: Mapping[int, Relation]) -> dict[int, Relation]:
        """Return the release to switch to and, of ``kept``, those that were live last."""
        table = self._tables(switch.reader).log
        query = f'SELECT "release", max(epoch) FROM {table.sql} WHERE dataset = ? GROUP BY "release"'
        lived: dict[int, int] = dict(db.execute(query, (switch.dataset,)))
        others = sorted(kept.keys() - {switch.release}, key=lambda number: -lived.get(number, 0))
        return {switch.release: switch.relation} | {number: kept[number] for number in others[: RELEASES - 1]}

    def _alike(self, db: Database, switch: Switch) -> bool:
        """Return whether the view has just the columns of the release."""
        one, other = shapes(db, switch.reader, switch.relation)
        return one == other

    def _write(
        self,
        db: Database,
        view: Relation,
        like: Relation,
        dataset: str,
        releases: Mapping[int, Relation],
        grants: Grants,
    ) -> None:
        """Make ``view`` read ``releases`` with the columns of ``like``."""
        pointer, columns = self._tables(view).pointer, shape(db, like)
        number = "dataops_release"
        while number in {name for name, _, _ in columns}:
            number += "_"
        branches = [
            f"SELECT {', '.join([f'CAST({key} AS bigint) AS {number}', *_as(columns, shape(db, relation))])}"
            f" FROM {relation.sql}"
            for key, relation in releases.items()
        ]
        body = _VIEW.format(
            columns=", ".join(Relation(name=name).sql for name, _, _ in columns),
            branches="\nUNION ALL ".join(branches),
            number=number,
            numbers=", ".join(map(str, releases)),
            told=_quoted(f"{view} keeps no release as old as this transaction, begin a new one; it was at r"),
            pointer=pointer.sql,
            dataset=_quoted(dataset),
        )
        self._show(db, view, like, body, [*releases.values(), pointer], grants)


def _as(columns: Shape, own: Shape) -> list[str]:
    """Return the expressions that read a release with columns ``own`` as one with ``columns``, by name.

    A column that it lacks is null; one of another type is converted by way of text, which fails rather than lies.
    """
    has = {name: (kind, collation) for name, kind, collation in own}
    expressions = []
    for name, kind, collation in columns:
        column = Relation(name=name).sql
        if has.get(name) == (kind, collation):
            expressions.append(column)
            continue
        value = f"CAST({column} AS text)" if name in has else "NULL"
        collate = f" COLLATE {collation}" if collation else ""
        expressions.append(f"CAST({value} AS {kind}){collate} AS {column}")
    return expressions


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
