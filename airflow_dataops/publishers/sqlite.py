"""SQLite: no schemas, one writer at a time, views bound by name; WAL keeps readers going during a switch."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.target import breaks_dependents, mentioning

_FREEZE = (
    "CREATE TRIGGER IF NOT EXISTS {trigger} BEFORE {action} ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
)


class SqliteTarget:
    """How SQLite moves what readers see."""

    name_limit: int | None = None

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

    def freeze(self, db: Database, relation: Relation) -> None:
        """Refuse writes by triggers, which go with the table when it is dropped."""
        message = f"{relation.name} is a frozen release: stage a new one instead of changing it".replace("'", "''")
        for action in ("INSERT", "UPDATE", "DELETE"):
            trigger = Relation(name=f"{relation.name}__frozen_{action.lower()}").sql
            db.execute(_FREEZE.format(trigger=trigger, action=action, table=relation.sql, message=message))

    def flip(self, db: Database, switch: Switch, patience: Patience) -> None:
        """Drop the view and create it anew; readers see one or the other."""
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
