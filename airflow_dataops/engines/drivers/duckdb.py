"""DuckDB, in this process."""

from __future__ import annotations

import contextlib
import re
from contextlib import AbstractContextManager
from typing import Any

from airflow_dataops.core.errors import DataOpsError, LockTimeout, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Driver, Running, without_values

_COLUMNS = (
    "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()"
    " AND schema_name = COALESCE(?, current_schema()) AND lower(table_name) = lower(?) ORDER BY column_index"
)
# A number that is no part of a word, nor of a type such as DECIMAL(4,1).
_NUMBER = re.compile(r"(?<!\w\()(?<![\w,.])-?\d[\w.+-]*")
_LINE_OF_FILE = re.compile(r"\nOriginal Line:[^\n]*")
_FILE = re.compile(r"""\bfile ["']""", re.IGNORECASE)


class DuckDbDriver(Driver):
    """Always in autocommit; a file is opened for reading or writing as a whole."""

    dialect = "duckdb"
    label = "DuckDB"
    names = ("duckdb",)
    begin = ("BEGIN TRANSACTION",)
    snapshot = ("BEGIN TRANSACTION",)

    def cursor(self, connection: Any) -> AbstractContextManager[Any]:
        """Return the connection itself: a cursor of it is a second session with transactions of its own."""
        return contextlib.nullcontext(connection)

    def repeated(self, cursor: Any) -> list[int]:
        """Sort the column as an array, which is a third of the work of a table of hashes."""
        (numbers,) = cursor.fetchnumpy().values()
        numbers.sort()
        return sorted({int(number) for number in numbers[1:][numbers[1:] == numbers[:-1]]})

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the catalogue."""
        rows = db.execute(_COLUMNS, (relation.schema, relation.name))
        return [Column(name=name, type=kind) for name, kind in rows]

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Let it be described."""
        return [Column(name=row[0], type=row[1]) for row in db.execute(f"DESCRIBE {query}")]

    def cancel(self, running: Running) -> None:
        """Interrupt."""
        running.connection.interrupt()

    def understood(self, error: Exception) -> DataOpsError | None:
        """Tell locks and write conflicts from the rest."""
        import duckdb

        if not isinstance(error, duckdb.Error):
            return None
        text = str(error).split("\n\n")[0].split("\nLINE ")[0]
        text = " ".join(_LINE_OF_FILE.sub("", text).split())
        conflict = "onflict" in text and isinstance(error, duckdb.TransactionException)
        if "Could not set lock on file" in text or conflict:
            return LockTimeout(f"DuckDB: {text}")
        if isinstance(error, duckdb.ConversionException | duckdb.ConstraintException | duckdb.OutOfRangeException):
            text = _NUMBER.sub("…", without_values(text))
        elif isinstance(error, duckdb.InvalidInputException):
            text = _of_invalid_input(str(error).split("\n\n")[0].split("\n"))
        waiting_helps = isinstance(error, duckdb.InterruptException | duckdb.ConnectionException)
        return MeasureError(f"DuckDB: {text}", retryable=waiting_helps)


def _of_invalid_input(lines: list[str]) -> str:
    """Return the message without the text that it quotes, says again in the next line, or shows as a file's own."""
    first, last = lines[0].strip(), lines[-1].strip()
    if "CSV Error" in first:
        return f"{first}: {last}" if len(lines) > 1 and not last.startswith("Original Line") else first
    return first if _FILE.search(first) else without_values(first)
