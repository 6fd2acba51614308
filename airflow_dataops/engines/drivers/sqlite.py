"""The standard library's sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from airflow_dataops.core.errors import DataOpsError, LockTimeout, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Driver, Running, without_values

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_WAITING_HELPS = ("interrupted", "disk is full", "disk I/O error", "unable to open database file")
_COLUMNS = "SELECT name, type FROM pragma_table_xinfo({}) WHERE hidden <> 1 ORDER BY cid"


class SqliteDriver(Driver):
    """Files, and databases in this process's memory."""

    dialect = "sqlite"
    label = "SQLite"
    names = ("sqlite",)
    begin = ("BEGIN IMMEDIATE",)
    snapshot = ("BEGIN",)

    def enter(self, connection: Any) -> Callable[[], None]:
        """Put the driver into autocommit and add the functions that SQLite lacks."""
        from airflow_dataops.engines.sqlite_functions import register

        before = connection.isolation_level
        connection.isolation_level = None
        register(connection)
        return lambda: setattr(connection, "isolation_level", before)

    def reads_only(self, db: Asks) -> None:
        """Refuse every write."""
        db.execute("PRAGMA query_only = ON")

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the pragma; generated columns are among them."""
        if relation.schema is None:
            rows = db.execute(_COLUMNS.format("?"), (relation.name,))
        elif (relation.schema,) in db.execute("SELECT name FROM pragma_database_list"):
            rows = db.execute(_COLUMNS.format("?, ?"), (relation.name, relation.schema))
        else:  # of a schema that is not attached the pragma would make an error
            rows = []
        return [Column(name=name, type=kind) for name, kind in rows]

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Describe through a temporary view, which a session that only reads must be allowed for a moment."""
        ((reads_only,),) = db.execute("PRAGMA query_only")
        db.execute("PRAGMA query_only = OFF")
        try:
            db.execute(f"CREATE TEMP VIEW dataops_described AS {query}")
            try:
                return self.columns(db, Relation(name="dataops_described"))
            finally:
                db.execute("DROP VIEW temp.dataops_described")
        finally:
            db.execute(f"PRAGMA query_only = {reads_only}")

    def cancel(self, running: Running) -> None:
        """Interrupt."""
        running.connection.interrupt()

    def understood(self, error: Exception) -> DataOpsError | None:
        """Tell a lock from the rest."""
        if not isinstance(error, sqlite3.Error):
            return None
        # The low byte is the primary code; the rest only says which kind of busy.
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _BUSY:
            return LockTimeout(f"SQLite: {error}")
        text = str(error)
        if text.startswith("Could not decode"):  # it quotes the text that is none
            text = without_values(text)
        return MeasureError(f"SQLite: {text}", retryable=any(words in text for words in _WAITING_HELPS))
