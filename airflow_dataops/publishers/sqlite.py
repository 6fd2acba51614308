"""SQLite: no schemas, one writer at a time, views bound by name; WAL keeps readers going during a switch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.freezing import SAID, WRITES
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.target import Transactional, breaks_dependents, mentioning

_FREEZE = (
    "CREATE TRIGGER IF NOT EXISTS {trigger} BEFORE {action} ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
)
# https://www.sqlite.org/datatype3.html#determination_of_column_affinity
_AFFINITIES = (
    ("INT", ("INT",)),
    ("TEXT", ("CHAR", "CLOB", "TEXT")),
    ("BLOB", ("BLOB",)),
    ("REAL", ("REAL", "FLOA", "DOUB")),
)
_FITTINGS = """
    SELECT 'PRIMARY KEY (' || group_concat(name, ', ') || ')'
        FROM (SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk) HAVING count(*) > 0
    UNION ALL SELECT CASE "unique" WHEN 1 THEN 'unique ' ELSE '' END || 'index ('
            || (SELECT group_concat(coalesce(name, 'an expression'), ', ') FROM pragma_index_info(list.name)) || ')'
        FROM pragma_index_list(?) AS list WHERE origin <> 'pk'
    UNION ALL SELECT 'NOT NULL on ' || name FROM pragma_table_info(?) WHERE "notnull" = 1
    UNION ALL SELECT 'the default of ' || name FROM pragma_table_info(?) WHERE dflt_value IS NOT NULL
    UNION ALL SELECT 'FOREIGN KEY (' || "from" || ') REFERENCES ' || "table" FROM pragma_foreign_key_list(?)
"""


class SqliteTarget(Transactional):
    """How SQLite moves what readers see."""

    name_limit: int | None = None
    freezing: Mapping[str, str | None] = {
        "triggers": None,
        "grants": "SQLite has no grants, and always has the triggers",
    }

    def relation(self, name: str) -> Relation:
        """Return ``nyc_flights`` for ``nyc.flights``."""
        return Relation(name=name.replace(".", "_"))

    def kind(self, db: Database, relation: Relation) -> str | None:
        """Return ``"table"``, ``"view"`` or ``None``."""
        rows = db.execute(
            "SELECT type FROM sqlite_master WHERE lower(name) = lower(?) AND type IN ('table', 'view')",
            (relation.name,),
        )
        return rows[0][0] if rows else None

    def resolve(self, db: Database, relation: Relation) -> Relation | None:
        """Return the relation as the catalogue names it, or ``None``."""
        rows = db.execute("SELECT name FROM sqlite_master WHERE lower(name) = lower(?)", (relation.name,))
        return Relation(name=rows[0][0]) if rows else None

    def prepare(self, db: Database) -> None:
        """Turn write-ahead logging on, which stays with the file: else every read stalls every switch."""
        if db.execute("PRAGMA journal_mode")[0][0] != "wal":
            db.execute("PRAGMA journal_mode = WAL")

    def ensure_schema(self, db: Database, schema: str) -> None:
        """Do nothing: there are no schemas."""

    def guard(self, db: Database) -> None:
        """Do nothing: the transaction has had the only write lock since it began."""

    def steady(self, db: Database, relation: Relation) -> None:
        """Do nothing: nobody else can write."""

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return a line if dependent views would lose a column."""
        return breaks_dependents(db, self, switch)

    def rename(self, db: Database, source: Relation, relation: Relation) -> None:
        """Rename the table alone: SQLite would rewrite dependent views to the old table, and stop at a broken one."""
        before = db.execute("PRAGMA legacy_alter_table")[0][0]
        db.execute("PRAGMA legacy_alter_table = ON")
        try:
            db.execute(f"ALTER TABLE {source.sql} RENAME TO {Relation(name=relation.name).sql}")
        finally:
            db.execute(f"PRAGMA legacy_alter_table = {int(before)}")

    def freeze(self, db: Database, relation: Relation, by: str | None = None) -> None:
        """Refuse writes by triggers, asked for or not; they go with the table when it is dropped."""
        message = f"{relation.name} {SAID}".replace("'", "''")
        for action in WRITES:
            trigger = _trigger(relation, action)
            db.execute(_FREEZE.format(trigger=trigger, action=action, table=relation.sql, message=message))

    def hand_back(self, db: Database, view: Relation, table: Relation) -> None:
        """Let the table be written to again, too."""
        for action in WRITES:
            db.execute(f"DROP TRIGGER IF EXISTS {_trigger(table, action)}")
        super().hand_back(db, view, table)

    def tables(self, db: Database, beside: Relation) -> list[str]:
        """Return the names of all tables."""
        return [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]

    def fittings(self, db: Database, relation: Relation) -> list[str]:
        """Return keys, indexes, defaults, NOT NULL and foreign keys."""
        return [fitting for (fitting,) in db.execute(_FITTINGS, (relation.name,) * 5)]

    def comparable(self, type_: str) -> str:
        """Return the type's affinity: all that SQLite keeps of it in a table that is made from a SELECT."""
        found = (affinity for affinity, words in _AFFINITIES if any(word in type_.upper() for word in words))
        return next(found, "NUM" if type_ else "BLOB")

    def file(self, db: Database) -> str | None:
        """Return the database's file."""
        return db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'")[0][0] or None

    def flip(self, db: Database, switches: Sequence[Switch], patience: Patience) -> None:
        """Drop each view and create it anew; readers see one or the other."""
        for switch in switches:
            if switch.adopt and self.kind(db, switch.reader) == "table":
                self.rename(db, switch.reader, switch.adopt)
                self.freeze(db, switch.adopt)
            db.execute(f"DROP VIEW IF EXISTS {switch.reader.sql}")
            db.execute(f"CREATE VIEW {switch.reader.sql} AS SELECT * FROM {switch.relation.sql}")

    def dependents(self, db: Database, relation: Relation) -> list[str]:
        """Return the views whose SQL mentions ``relation``."""
        views = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'view' AND lower(name) <> lower(?) ORDER BY name",
            (relation.name,),
        )
        return mentioning(relation.name, ((name, sql) for name, sql in views))

    def blockers(self, db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
        """Return nothing: SQLite does not know who holds its lock."""
        return []


def _trigger(relation: Relation, action: str) -> str:
    """Return the name, quoted, of the trigger that refuses ``action``."""
    return Relation(name=f"{relation.name}__frozen_{action.lower()}").sql
