"""The reader against databases that say themselves which columns a query needs: SQLite while it prepares one, and
PostgreSQL of a view.

What is told must be so; what is not told must be told as unknown, or be meant by an output's name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from random import Random

import psycopg
import pytest

from airflow_dataops.core.usage import ALL
from airflow_dataops.lineage.sql import lineage_of
from tests.lineage.generated import TABLES, Writer

Columns = dict[str, set[str]]
Ask = Callable[[str], Columns | None]
"""Returns the columns that a query needs, ``None`` where the database refuses it."""


@pytest.fixture
def written() -> Columns:
    """What SQLite says is written by the statement that was asked about."""
    return {}


@pytest.fixture
def ask_sqlite(written: Columns) -> Iterator[Ask]:
    needed: Columns = {}

    def note(action: int, table: str | None, column: str | None, *rest: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table in TABLES and column:
            needed.setdefault(table, set()).add(column)
        if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and table in TABLES:
            written.setdefault(table, set()).update([column] if column else ())
        return sqlite3.SQLITE_OK

    def ask(sql: str) -> Columns | None:
        needed.clear()
        written.clear()
        try:
            connection.execute(f"EXPLAIN {sql}").close()
        except sqlite3.OperationalError:
            return None
        return dict(needed)

    connection = sqlite3.connect(":memory:", cached_statements=0)
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{column} INT' for column in columns)})")
    connection.set_authorizer(note)
    yield ask
    connection.close()


_NEEDED = """
SELECT DISTINCT c.relname, a.attname FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'r'
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
WHERE r.ev_class = 'asked'::regclass
"""


@pytest.fixture
def ask_postgres(postgres_url: str) -> Iterator[Ask]:
    def ask(sql: str) -> Columns | None:
        needed: Columns = {}
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(f"CREATE VIEW asked AS SELECT count(*) FROM ({sql}) AS w")
                for table, column in connection.execute(_NEEDED):
                    needed.setdefault(table, set()).update([column] if column else ())
        except psycopg.Error:
            return None
        return needed

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(f'{column} INT' for column in columns)})")
        yield ask


def _disagreements(
    ask: Ask, dialect: str, writer: Writer, statements: int, written: Columns | None = None
) -> Iterator[str]:
    """Yield what is wrong about each statement that the database takes, of which there must be enough.

    :param written: where what is written is found; without it, queries alone are asked about.
    """
    taken = told = 0
    for _ in range(statements):
        sql = writer.query() if written is None else writer.change()
        needed = ask(sql)
        if needed is None:
            continue
        taken += 1
        lineage = lineage_of([(sql, dialect)])
        if lineage.unparsed:
            yield f"not parsed: {sql}"
        writes = {touch.relation: set(touch.columns or ()) for touch in lineage.writes}
        inserted = sql.partition("INSERT INTO ")[2].partition(" SELECT")[0]  # SQLite does not tell their columns
        if writes.keys() != (written or {}).keys() or (not inserted and writes != (written or {})):
            yield f"{writes} told, {written} written: {sql}"
        reads = {touch.relation: touch.columns for touch in lineage.reads}
        hidden = {table for table in TABLES if f"{table} AS (" in sql}  # SQLite tells a CTE as a table of its name
        if not needed.keys() - hidden <= reads.keys() <= TABLES.keys():
            yield f"{sorted(reads)} told, {sorted(needed)} needed: {sql}"
        for table, columns in reads.items():
            truth = needed.get(table, set())
            if columns in (None, ALL):
                continue
            told += 1
            if not set(columns or ()) <= truth or (truth - set(columns or ()) - writer.outputs and table not in hidden):
                yield f"{table}: {columns} told, {sorted(truth)} needed: {sql}"
    assert taken > statements // 5
    assert told > taken // 2


def test_sqlite_agrees(ask_sqlite: Ask) -> None:
    writer = Writer(Random(20), using=False)  # SQLite does not tell what USING needs
    assert list(_disagreements(ask_sqlite, "sqlite", writer, 4_000)) == []


def test_sqlite_agrees_on_changes(ask_sqlite: Ask, written: Columns) -> None:
    writer = Writer(Random(22), using=False)
    assert list(_disagreements(ask_sqlite, "sqlite", writer, 4_000, written)) == []


def test_postgres_agrees(ask_postgres: Ask) -> None:
    assert list(_disagreements(ask_postgres, "postgres", Writer(Random(21)), 4_000)) == []
