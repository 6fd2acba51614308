"""DuckDB: transactional DDL, views bound by name, one process at a time; conflicts are told at once and retried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.target import Transactional, breaks_dependents, mentioning

_HERE = "= current_database() AND lower({schema}) = lower(COALESCE(?, current_schema()))"
_KINDS = {"BASE TABLE": "table", "VIEW": "view"}
_OF_TABLE = f"database_name {_HERE.format(schema='schema_name')} AND lower(table_name) = lower(?)"
_FITTINGS = f"""
    SELECT constraint_text || CASE constraint_type WHEN 'NOT NULL' THEN ' on ' || constraint_column_names[1] ELSE '' END
        FROM duckdb_constraints() WHERE {_OF_TABLE}
    UNION ALL SELECT CASE WHEN is_unique THEN 'unique ' ELSE '' END || 'index ' || expressions
        FROM duckdb_indexes() WHERE {_OF_TABLE}
    UNION ALL SELECT 'the default of ' || column_name || ': ' || column_default
        FROM duckdb_columns() WHERE {_OF_TABLE} AND column_default IS NOT NULL
    ORDER BY 1
"""


class DuckdbTarget(Transactional):
    """How DuckDB moves what readers see."""

    name_limit: int | None = None
    freezing: Mapping[str, str | None] = dict.fromkeys(("triggers", "grants"), "DuckDB has neither triggers nor grants")

    def relation(self, name: str) -> Relation:
        """Return ``nyc``.``flights`` for ``nyc.flights``."""
        return Relation.parse(name)

    def kind(self, db: Database, relation: Relation) -> str | None:
        """Return ``"table"``, ``"view"`` or ``None``."""
        rows = db.execute(
            "SELECT table_type FROM information_schema.tables"
            f" WHERE table_catalog {_HERE.format(schema='table_schema')} AND lower(table_name) = lower(?)",
            (relation.schema, relation.name),
        )
        return _KINDS.get(rows[0][0], rows[0][0].lower()) if rows else None

    def resolve(self, db: Database, relation: Relation) -> Relation | None:
        """Return the relation as the catalogue names it, or ``None``."""
        rows = db.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            f" WHERE table_catalog {_HERE.format(schema='table_schema')} AND lower(table_name) = lower(?)",
            (relation.schema, relation.name),
        )
        return Relation(schema=rows[0][0], name=rows[0][1]) if rows else None

    def prepare(self, db: Database) -> None:
        """Do nothing: DuckDB needs no settings."""

    def ensure_schema(self, db: Database, schema: str) -> None:
        """Create the schema where it is missing."""
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {Relation(name=schema).sql}")

    def guard(self, db: Database) -> None:
        """Do nothing: a conflict is an error at once, never a wait."""

    def steady(self, db: Database, relation: Relation) -> None:
        """Do nothing: the transaction sees one snapshot."""

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return a line if dependent views would lose a column, or the table to adopt cannot be renamed."""
        lines = breaks_dependents(db, self, switch)
        indexes = db.execute(
            "SELECT index_name FROM duckdb_indexes()"
            f" WHERE database_name {_HERE.format(schema='schema_name')} AND lower(table_name) = lower(?)",
            (switch.reader.schema, switch.reader.name),
        )
        if indexes:
            names = ", ".join(name for (name,) in indexes)
            lines.append(f"{switch.reader} has the index {names}, and DuckDB renames no indexed table. Drop the index.")
        return lines

    def rename(self, db: Database, source: Relation, relation: Relation) -> None:
        """Rename the table; DuckDB cannot move one to another schema, so there it is copied and dropped."""
        ((here,),) = db.execute("SELECT current_schema()")
        if (source.schema or here) == (relation.schema or here):
            db.execute(f"ALTER TABLE {source.sql} RENAME TO {Relation(name=relation.name).sql}")
            return
        db.execute(f"CREATE TABLE {relation.sql} AS SELECT * FROM {source.sql}")
        db.execute(f"DROP TABLE {source.sql}")

    def freeze(self, db: Database, relation: Relation, by: str | None = None) -> None:
        """Do nothing: DuckDB has neither triggers nor grants; the fingerprint tells of changes."""

    def flip(self, db: Database, switches: Sequence[Switch], patience: Patience) -> None:
        """Replace each view."""
        for switch in switches:
            if switch.adopt and self.kind(db, switch.reader) == "table":
                self.rename(db, switch.reader, switch.adopt)
            db.execute(f"CREATE OR REPLACE VIEW {switch.reader.sql} AS SELECT * FROM {switch.relation.sql}")

    def fittings(self, db: Database, relation: Relation) -> list[str]:
        """Return constraints, indexes and defaults."""
        return [fitting for (fitting,) in db.execute(_FITTINGS, (relation.schema, relation.name) * 3)]

    def file(self, db: Database) -> str | None:
        """Return the database's file."""
        return db.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()")[0][0]

    def dependents(self, db: Database, relation: Relation) -> list[str]:
        """Return the views whose SQL mentions ``relation``."""
        views = db.execute(
            "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal"
            " AND database_name = current_database() AND NOT (lower(view_name) = lower(?)"
            " AND lower(schema_name) = lower(COALESCE(?, current_schema()))) ORDER BY ALL",
            (relation.name, relation.schema),
        )
        return mentioning(relation.name, ((f"{schema}.{name}", sql) for schema, name, sql in views))

    def blockers(self, db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
        """Return nothing: sessions of one process do not see each other's locks."""
        return []
