"""MariaDB and MySQL: DDL commits by itself, so a named lock keeps view, pointer and log together.

The view is flipped first; the commit of pointer and log makes it so. Waiting for readers is what fails, and in this
order it fails before anything is recorded. A process that is killed between the two leaves readers a whole release,
verified like every other, of which the record knows nothing: its lock goes with its session, and whoever comes next
shows again what the pointer says. The other order would record what is not so yet, and take it back before others'
eyes when a reader does not end.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, LockTimeout, MeasureError
from airflow_dataops.core.ports import Connector, Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, Switch
from airflow_dataops.publishers.freezing import by_row_triggers
from airflow_dataops.publishers.mysql_locks import NAMED, holders
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.pointers import PointerTables, Wording
from airflow_dataops.publishers.target import Target, Turn, breaks_dependents, own_relation, standing

log = logging.getLogger(__name__)

_HERE = "table_schema = COALESCE(?, DATABASE()) AND table_name = ?"
_KINDS = {"BASE TABLE": "table", "VIEW": "view"}
# The view's own alias tells it from everybody else's, and whether it came in a plain table's place.
_RELEASE, _ADOPTED = "dataops_release", "dataops_adopted"
_NAME = "`((?:[^`]|``)+)`"
_OURS = re.compile(rf" from {_NAME}\.{_NAME}\) `({_RELEASE}|{_ADOPTED})`$")
_VIEWS = """
    SELECT table_schema, table_name FROM information_schema.views
    WHERE LOCATE(CAST(? AS BINARY), CAST(CONVERT(view_definition USING utf8mb4) AS BINARY)) > 0 ORDER BY 1, 2
"""
_REFERRING = """
    SELECT DISTINCT constraint_schema, table_name FROM information_schema.referential_constraints
    WHERE unique_constraint_schema = COALESCE(?, DATABASE()) AND referenced_table_name = ? ORDER BY 1, 2
"""
_FITTINGS = f"""
    SELECT CONCAT('NOT NULL on ', column_name) FROM information_schema.columns WHERE is_nullable = 'NO' AND {_HERE}
    UNION ALL SELECT CONCAT('the default of ', column_name, ': ', column_default) FROM information_schema.columns
    WHERE column_default <> 'NULL' AND {_HERE}
    UNION ALL SELECT CONCAT('AUTO_INCREMENT of ', column_name) FROM information_schema.columns
    WHERE extra LIKE '%auto_increment%' AND {_HERE}
    UNION ALL SELECT CONCAT(CASE WHEN index_name = 'PRIMARY' THEN 'PRIMARY KEY' WHEN non_unique = 0 THEN 'UNIQUE'
    ELSE CONCAT('index ', LOWER(index_type)) END, ' (', GROUP_CONCAT(column_name ORDER BY seq_in_index), ')')
    FROM information_schema.statistics WHERE {_HERE} GROUP BY index_name, non_unique, index_type
    UNION ALL SELECT CONCAT('FOREIGN KEY (', GROUP_CONCAT(column_name ORDER BY ordinal_position), ') to ',
    referenced_table_name) FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL AND {_HERE}
    GROUP BY constraint_name, referenced_table_name
    ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a view of ours shows.

    :param adopted: whether a plain table was renamed to make place for it.
    """

    relation: str
    adopted: bool


class MysqlTarget(Target):
    """How MariaDB and MySQL move what readers see."""

    name_limit: int | None = 64
    freezing: Mapping[str, str | None] = {
        "triggers": None,
        "grants": "MariaDB and MySQL hold most grants for a whole database, and take none back for one table of it",
    }
    one_by_one: str | None = (
        "MariaDB and MySQL commit each DDL statement by itself, so that no transaction holds several"
    )
    wording = Wording(
        quote="`",
        key="VARCHAR(255)",
        storage=" ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        unless_there="ON DUPLICATE KEY UPDATE epoch = epoch",
        returning=False,
    )

    def relation(self, name: str) -> Relation:
        """Return ``nyc_flights`` for ``nyc.flights``: a schema is a database here, and the connection names that.

        :raises ConfigurationError: it holds what names cannot hold here.
        """
        if name.endswith(" ") or any(not 0 < ord(character) < 0x10000 for character in name):
            raise ConfigurationError(
                f"target={name!r} cannot be a name in MariaDB or MySQL: expected no blank at the end and no character "
                "above U+FFFF. Choose another target=."
            )
        return Relation(name=name.replace(".", "_"))

    def kind(self, db: Database, relation: Relation) -> str | None:
        """Return ``"table"``, ``"view"``, another word such as ``"sequence"``, or ``None``."""
        rows = db.execute(
            f"SELECT table_type FROM information_schema.tables WHERE {_HERE}", (relation.schema, relation.name)
        )
        return _KINDS.get(rows[0][0], rows[0][0].lower()) if rows else None

    def resolve(self, db: Database, relation: Relation) -> Relation | None:
        """Return the relation as the catalogue names it, or ``None``."""
        rows = db.execute(
            f"SELECT table_schema, table_name FROM information_schema.tables WHERE {_HERE}",
            (relation.schema, relation.name),
        )
        return Relation(schema=rows[0][0], name=rows[0][1]) if rows else None

    def prepare(self, db: Database) -> None:
        """Refuse a connection without a database.

        :raises ConfigurationError: there is none.
        """
        if db.execute("SELECT DATABASE()") == [(None,)]:
            raise ConfigurationError(
                "The connection names no database, and releases live in one: expected its schema to be set. Name the "
                "database in the connection."
            )

    def ensure_schema(self, db: Database, schema: str) -> None:
        """Do nothing: the connection's database is there."""

    def guard(self, db: Database) -> None:
        """Wait for no lock longer than a second, the least that MySQL takes: new readers queue behind a waiting one."""
        db.execute("SET SESSION lock_wait_timeout = 1, SESSION innodb_lock_wait_timeout = 1")

    @contextlib.contextmanager
    def switching(self, db: Database) -> Iterator[None]:
        """Run each statement by itself: the lock of :meth:`alone` keeps together what belongs together."""
        self.guard(db)
        yield

    @contextlib.contextmanager
    def steadied(self, db: Database, relations: Sequence[Relation], connector: Connector) -> Iterator[None]:
        """Keep writers off from a second session: in the first one, the flip would let them in."""
        with connector.open() as keeper:
            keeper.execute("SET SESSION lock_wait_timeout = 2")
            keeper.execute(f"LOCK TABLES {', '.join(f'{_sql(relation)} READ' for relation in relations)}")
            yield

    def publish(self, db: Database, turns: Sequence[Turn], patience: Patience) -> list[Pointer]:
        """Flip, then record, and read back; nothing if the pointer was not there any more."""
        (turn,) = turns
        tables, switch, before = turn.tables, turn.switch, turn.before
        seconds = 0.1
        with self.alone(db, switch.reader, tables, patience):
            if before.release is None:
                tables.announce(db, before, str(switch.relation))
            # A fence may come while we wait for readers: then this switch has lost.
            while self._recordable(db, tables, switch, before):
                try:
                    self._flip(db, switch, seconds)
                except LockTimeout:
                    if not patience.wait():
                        raise
                    seconds = min(2 * seconds, 1.0)
                else:
                    with db.transaction():
                        after = _record(db, tables, switch, before)
                    return [after] if after is not None else []
        return []

    @contextlib.contextmanager
    def alone(self, db: Database, reader: Relation, tables: PointerTables, patience: Patience) -> Iterator[None]:
        """Run a block under the named lock; before and after it, ``reader`` shows what the pointer says."""
        while db.execute(f"SELECT GET_LOCK({NAMED}, 1)", (reader.name,)) != [(1,)]:
            if not patience.wait():
                raise LockTimeout(f"another switch of {reader} is under way")
        try:
            self._put_right(db, reader, tables)
            try:
                yield
            except BaseException:
                with contextlib.suppress(DataOpsError):  # the first error is the one to report
                    self._put_right(db, reader, tables)
                raise
            self._put_right(db, reader, tables)
        finally:
            with contextlib.suppress(DataOpsError):  # with the connection the lock is gone too
                db.execute(f"SELECT RELEASE_LOCK({NAMED})", (reader.name,))

    def apart(self, db: Database, reader: Relation, tables: PointerTables) -> bool:
        """Return whether ``reader`` shows another release than its pointer says: amid a switch, or a killed one's."""
        shown = self._shown(db, reader)
        pointer = standing(tables, db, reader, self.name_limit)
        if pointer is None:
            return bool(shown and tables.announced(db, shown.relation)) or self.kind(db, _spare(reader)) == "view"
        return shown is not None and not _same(shown.relation, pointer.relation)

    def _put_right(self, db: Database, reader: Relation, tables: PointerTables) -> None:
        """Show again what the pointer says, where a switch was killed before it could record itself."""
        pointer = standing(tables, db, reader, self.name_limit)
        shown = self._shown(db, reader)
        if pointer is None or pointer.relation is None:
            self._undo_first(db, reader, shown if shown and tables.announced(db, shown.relation) else None)
        elif shown and not _same(shown.relation, pointer.relation):
            relation = Relation(name=pointer.relation)
            if self.kind(db, relation) == "table":
                self._show(db, reader, relation, _RELEASE, 1.0)
                log.warning("%s shows %s again, and not %s: that switch was killed", reader, relation, shown.relation)

    def _undo_first(self, db: Database, reader: Relation, shown: Shown | None) -> None:
        """Undo a first switch that was killed: no view was there before it, or a plain table."""
        spare, plain = _spare(reader), own_relation(reader, 0, self.name_limit)
        if self.kind(db, spare) == "view":
            db.execute(f"DROP VIEW {_sql(spare)}")
        if shown is None:
            return
        if shown.adopted and self.kind(db, plain) == "table":
            db.execute(f"RENAME TABLE {_sql(reader)} TO {_sql(spare)}, {_sql(plain)} TO {_sql(reader)}")
            db.execute(f"DROP VIEW {_sql(spare)}")
        else:
            db.execute(f"DROP VIEW {_sql(reader)}")
        log.warning("%s is as it was before %s: that switch was killed", reader, shown.relation)

    def _recordable(self, db: Database, tables: PointerTables, switch: Switch, before: Pointer) -> bool:
        """Return whether the pointer is still at ``before``: by recording the switch, and rolling that back.

        What could keep us from recording is told before readers see anything.
        """
        after = None
        try:
            with db.transaction():
                after = _record(db, tables, switch, before)
                raise _Rehearsed
        except _Rehearsed:
            return after is not None

    def _flip(self, db: Database, switch: Switch, seconds: float) -> None:
        """Replace the view; a plain table makes place for it in one statement."""
        if switch.adopt is None or self.kind(db, switch.reader) != "table":
            self._show(db, switch.reader, switch.relation, _RELEASE, seconds)
            return
        spare = _spare(switch.reader)
        self._show(db, spare, switch.relation, _ADOPTED, seconds)
        db.execute(
            f"RENAME TABLE {_sql(switch.reader)} TO {_sql(switch.adopt)}, {_sql(spare)} TO {_sql(switch.reader)}"
        )

    def _show(self, db: Database, view: Relation, relation: Relation, alias: str, seconds: float) -> None:
        """Create or replace a view over ``relation``, whose columns the server lists in it at this moment.

        Through a sub-select no view can be written to, and the planner sees through it.

        :param seconds: to wait for its readers, where the server takes less than one.
        :raises LockTimeout: they did not end.
        """
        found = db.execute(f"SELECT security_type FROM information_schema.views WHERE {_HERE}", (None, view.name))
        security = "INVOKER" if found == [("INVOKER",)] else "DEFINER"
        try:
            db.execute(
                f"/*M!100101 SET STATEMENT max_statement_time = {seconds:g} FOR */ CREATE OR REPLACE SQL SECURITY "
                f"{security} VIEW {_sql(view)} AS SELECT * FROM (SELECT * FROM {_sql(relation)}) AS {alias}"
            )
        except MeasureError as error:
            if "max_statement_time" not in str(error):
                raise
            shown = self._shown(db, view)
            if shown is None or not _same(shown.relation, str(relation)):  # else time was up when it was done
                raise LockTimeout(str(error)) from error

    def _shown(self, db: Database, view: Relation) -> Shown | None:
        """Return what ``view`` shows, if it is ours."""
        found = _OURS.search(self._definition(db, view))
        return Shown(relation=found[2].replace("``", "`"), adopted=found[3] == _ADOPTED) if found else None

    def _definition(self, db: Database, view: Relation) -> str:
        """Return the view's SQL as the server keeps it; empty where there is none, or this user may not see it."""
        rows = db.execute(
            f"SELECT CONVERT(view_definition USING utf8mb4) FROM information_schema.views WHERE {_HERE}",
            (None, view.name),
        )
        return (rows[0][0] or "") if rows else ""

    def claim(self, db: Database, relation: Relation, tables: PointerTables) -> None:
        """Lock the table before it is looked up: else it could go live between the look and the drop."""
        also = f", {_sql(tables.pointer)} READ" if self.kind(db, tables.pointer) else ""
        db.execute(f"LOCK TABLES {_sql(relation)} WRITE{also}")

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return lines for a view that we cannot read, foreign keys to a table to adopt, and views left behind."""
        kind = self.kind(db, switch.reader)
        lines = []
        if kind == "view" and not self._definition(db, switch.reader):
            lines.append(f"the definition of {switch.reader} cannot be read. Grant SHOW VIEW on it to this user.")
        if kind == "table" and (referring := self._referring(db, switch.reader)):
            lines.append(
                f"{switch.reader} is adopted, and foreign keys of these would follow it to its new name: "
                f"{', '.join(referring)}. Drop them first."
            )
        return lines + breaks_dependents(db, self, switch)

    def rename(self, db: Database, source: Relation, relation: Relation) -> None:
        """Rename the table, from another database too; views and grants stay with the name."""
        db.execute(f"RENAME TABLE {_sql(source)} TO {_sql(relation)}")

    def freeze(self, db: Database, relation: Relation, by: str | None = None) -> None:
        """Gather statistics, so that the first readers get good plans; the server would do so a moment later."""
        db.execute(f"ANALYZE TABLE {_sql(relation)}")
        if by is not None:
            by_row_triggers(db, relation)

    def dependents(self, db: Database, relation: Relation) -> list[str]:
        """Return the views that read ``relation``, and the tables whose foreign keys refer to it."""
        here = self.resolve(db, relation)
        if here is None:
            return []
        views = [Relation(schema=schema, name=name) for schema, name in db.execute(_VIEWS, (_sql(here),))]
        return [str(view) for view in views if view != here] + self._referring(db, relation)

    def fittings(self, db: Database, relation: Relation) -> list[str]:
        """Return keys, indexes, defaults, NOT NULL and what counts up by itself."""
        return [fitting for (fitting,) in db.execute(_FITTINGS, (relation.schema, relation.name) * 5)]

    def _referring(self, db: Database, relation: Relation) -> list[str]:
        """Return the tables whose foreign keys refer to ``relation``."""
        rows = db.execute(_REFERRING, (relation.schema, relation.name))
        return [str(Relation(schema=schema, name=name)) for schema, name in rows]

    def hand_back(self, db: Database, view: Relation, table: Relation) -> None:
        """Refuse: between the DDL and the pointer's record there is no transaction to fall back on.

        :raises ConfigurationError: always.
        """
        raise ConfigurationError(
            f"{view} cannot be handed back on MariaDB or MySQL, where no transaction holds DDL and pointer together. "
            f"Leave {table} live: readers of {view} get it, and a stage with relation= goes on from there."
        )

    def tables(self, db: Database, beside: Relation) -> list[str]:
        """Return the names of all tables in the connection's database."""
        rows = db.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema = DATABASE() ORDER BY table_name"
        )
        return [name for (name,) in rows]

    def blockers(self, db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
        """Return who switches or uses ``alone``, or writes ``unwritten``."""
        return holders(db, alone, unwritten)


class _Rehearsed(Exception):
    """Rolls back what was only tried."""


def _record(db: Database, tables: PointerTables, switch: Switch, before: Pointer) -> Pointer | None:
    """Move the pointer and write the log's row; ``None`` if the pointer was not there any more."""
    after = tables.advance(db, before, switch.release, str(switch.relation))
    if after is not None:
        tables.append(db, switch, after.epoch)
    return after


def _spare(reader: Relation) -> Relation:
    """Return the name under which a first view is made, and the last one taken away, beside a plain table."""
    return Relation(name=f"dataops_spare_{hashlib.sha256(reader.name.encode()).hexdigest()[:16]}")


def _same(one: str, other: str | None) -> bool:
    """Return whether two releases' tables are one: some servers store all names in lower case."""
    return other is not None and one.lower() == other.lower()


def _sql(relation: Relation) -> str:
    return relation.quoted("`")
