"""Everything that a store and a target hold, to compare before and after."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from airflow_dataops.services.releasing import Target
from airflow_dataops.stores.models import Base
from airflow_dataops.stores.store import Store

_CATALOGUE = {
    "sqlite": ("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY 1, 2",),
    "duckdb": (
        "SELECT schema_name, table_name, table_oid, sql, estimated_size FROM duckdb_tables() ORDER BY ALL",
        "SELECT schema_name, view_name, view_oid, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    ),
    "postgres": (
        "SELECT oid::bigint, relname::text, relnamespace::bigint, relkind::text, relfilenode::bigint, relacl::text,"
        " CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) END FROM pg_class"
        " WHERE relnamespace <> 'pg_catalog'::regnamespace AND relname NOT LIKE 'pg_toast%'"
        " AND relnamespace <> 'information_schema'::regnamespace ORDER BY 1",
    ),
}


def everything(target: Target) -> dict[str, Any]:
    """Return all rows of the store, the target's catalogue, and its pointers and switches."""
    return {"store": rows_of(target.store), "target": relations_of(target)}


def rows_of(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of the store."""
    with store.reading() as session:
        return {
            table.name: sorted(tuple(map(str, row)) for row in session.execute(select(table)))
            for table in Base.metadata.sorted_tables
        }


def relations_of(target: Target) -> list[list[tuple[Any, ...]]]:
    """Return what the target's catalogue says, and the rows of its pointer and its log."""
    reader = target.publisher.reader("nyc.flights")
    schema = f'"{reader.schema}".' if reader.schema else ""
    with target.connector.open(read_only=True) as db:
        found = [db.execute(query) for query in _CATALOGUE[db.dialect]]
        if any("dataops_pointer" in row for rows in found for row in rows):
            for table in ("dataops_pointer", "dataops_switch"):
                found.append(sorted(db.execute(f"SELECT * FROM {schema}{table}")))
        return found
