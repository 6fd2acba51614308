"""One open session over a raw DB-API connection of sqlite3, duckdb, psycopg2 or psycopg: the port ``Database``."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.dberrors import translated

DIALECTS = ("duckdb", "postgres", "sqlite")

_BEGIN = {"duckdb": "BEGIN TRANSACTION", "postgres": "BEGIN", "sqlite": "BEGIN IMMEDIATE"}
_SNAPSHOT = {
    "duckdb": "BEGIN TRANSACTION",
    "postgres": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "sqlite": "BEGIN",
}
_COLUMNS = {
    "duckdb": (
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()"
        " AND schema_name = COALESCE(?, current_schema()) AND lower(table_name) = lower(?) ORDER BY column_index"
    ),
    "postgres": (
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    ),
    "sqlite": "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid",
}
_PLACEHOLDERS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\?|%""")


class DbApiSession:
    """A session whose every statement commits by itself unless a transaction is open.

    The driver is put into autocommit and transactions are plain ``BEGIN … COMMIT``: one way for all drivers.

    :param connection: a raw connection, in no transaction; :meth:`close` closes it, :meth:`release` gives it back.
    :param dialect: ``"sqlite"``, ``"duckdb"`` or ``"postgres"``.
    :raises ConfigurationError: any other dialect.
    """

    def __init__(self, connection: Any, dialect: str) -> None:
        if dialect not in DIALECTS:
            raise ConfigurationError(
                f"Database {dialect!r} is not supported: expected one of {', '.join(DIALECTS)}. "
                "Use a connection to one of these."
            )
        self.dialect = dialect
        self._connection = connection
        self._open_transaction = False
        self._mode = {"sqlite": "isolation_level", "postgres": "autocommit"}.get(dialect)
        if self._mode:
            self._mode_before = getattr(connection, self._mode)
            setattr(connection, self._mode, None if dialect == "sqlite" else True)
        if dialect == "sqlite":
            from airflow_dataops.engines.sqlite_functions import register

            register(connection)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with ``?`` placeholders and return all its rows (none for DDL)."""
        return self._run(sql, parameters)[1]

    def _run(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, list[tuple[Any, ...]]]:
        """Run one statement; return the cursor's description and all rows."""
        arguments = (_format_style(sql) if self.dialect == "postgres" else sql, tuple(parameters))
        try:
            with self._cursor() as cursor:
                cursor.execute(*arguments) if parameters else cursor.execute(sql)
                # fetchall, always: one row fetched leaves the result open and the table locked.
                rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
                return cursor.description, rows
        except Exception as error:
            raised = translated(error, self.dialect)
            if raised is None:
                raise
            raise raised from error

    def _cursor(self) -> AbstractContextManager[Any]:
        # A cursor of DuckDB is a second session with transactions of its own: there the connection itself runs.
        if self.dialect == "duckdb":
            return contextlib.nullcontext(self._connection)
        return contextlib.closing(self._connection.cursor())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block in one transaction that takes the write lock at once where the engine has one."""
        with self._begun(_BEGIN[self.dialect]):
            yield

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run a block of reads on one state of the data; inside an open transaction, on that one's."""
        if self._open_transaction:
            yield
            return
        with self._begun(_SNAPSHOT[self.dialect]):
            yield

    @contextlib.contextmanager
    def _begun(self, begin: str) -> Iterator[None]:
        if self._open_transaction:
            raise ConfigurationError("A transaction is open on this session: transactions do not nest.")
        self.execute(begin)
        self._open_transaction = True
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A lost connection has rolled back by itself, and the first error is the one to report.
            with contextlib.suppress(DataOpsError):
                self.execute("ROLLBACK")
            raise
        finally:
            self._open_transaction = False

    def columns(self, relation: Relation) -> list[Column]:
        """Return the relation's columns in order; empty where there is no such relation."""
        if self.dialect == "postgres":
            rows = self.execute(_COLUMNS["postgres"], (relation.sql,))
        elif self.dialect == "duckdb":
            rows = self.execute(_COLUMNS["duckdb"], (relation.schema, relation.name))
        elif relation.schema is None:
            rows = self.execute(_COLUMNS["sqlite"], (relation.name,))
        elif (relation.schema,) in self.execute("SELECT name FROM pragma_database_list"):
            rows = self.execute(_COLUMNS["sqlite"].replace("(?)", "(?, ?)"), (relation.name, relation.schema))
        else:  # of a schema that is not attached the pragma would make an error
            rows = []
        return [Column(name=name, type=kind) for name, kind in rows]

    def describe(self, query: str) -> list[Column]:
        """Return the columns that a SELECT yields, without running it over the data."""
        if self.dialect == "duckdb":
            return [Column(name=row[0], type=row[1]) for row in self.execute(f"DESCRIBE {query}")]
        if self.dialect == "sqlite":
            return self._describe_sqlite(query)
        description, _ = self._run(f"SELECT * FROM ({query}\n) AS described LIMIT 0")
        oids = ", ".join(f"format_type({int(entry[1])}, NULL)" for entry in description)
        types = self.execute(f"SELECT {oids}")[0] if oids else ()
        return [Column(name=entry[0], type=kind) for entry, kind in zip(description, types, strict=True)]

    def _describe_sqlite(self, query: str) -> list[Column]:
        """Describe through a temporary view, which a session that only reads must be allowed for a moment."""
        ((reads_only,),) = self.execute("PRAGMA query_only")
        self.execute("PRAGMA query_only = OFF")
        try:
            self.execute(f"CREATE TEMP VIEW dataops_described AS {query}")
            try:
                return self.columns(Relation(name="dataops_described"))
            finally:
                self.execute("DROP VIEW temp.dataops_described")
        finally:
            self.execute(f"PRAGMA query_only = {reads_only}")

    def cancel(self) -> None:
        """Interrupt the running statement, from another thread."""
        if self.dialect == "postgres":
            self._connection.cancel()
        else:
            self._connection.interrupt()

    def release(self) -> None:
        """Give the connection back as it came, without closing it: for one that a pool owns."""
        if self._open_transaction:
            self.execute("ROLLBACK")
            self._open_transaction = False
        if self._mode:
            setattr(self._connection, self._mode, self._mode_before)

    def close(self) -> None:
        """Close the session; a transaction that is open is rolled back."""
        self._connection.close()


def _format_style(sql: str) -> str:
    """Return ``sql`` with ``%s`` for each ``?`` that stands outside quotes and comments."""

    def swap(found: re.Match[str]) -> str:
        return "%s" if found[0] == "?" else found[0].replace("%", "%%")

    return _PLACEHOLDERS.sub(swap, sql)
