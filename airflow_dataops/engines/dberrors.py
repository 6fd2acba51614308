"""What a driver's exception means: the database's own words, whether waiting can help, and no row's values."""

from __future__ import annotations

import re
import sqlite3

from airflow_dataops.core.errors import DataOpsError, LockTimeout, MeasureError

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# PostgreSQL's SQLSTATE classes and codes after which the same statement may succeed: lost connection, serialisation
# failure and deadlock, resources, cancelled or time-out, server shutting down or starting.
_RETRYABLE = re.compile(r"^(08...|40001|40P01|53...|57014|57P0.|25P03)$")
_QUOTED = re.compile(r"""(["'])(?:(?!\1).)*\1""")


def translated(error: Exception, dialect: str) -> DataOpsError | None:
    """Return the error of this package that ``error`` stands for, or ``None`` if no driver raised it."""
    return {"duckdb": _duckdb, "postgres": _postgres, "sqlite": _sqlite}[dialect](error)


def _sqlite(error: Exception) -> DataOpsError | None:
    if not isinstance(error, sqlite3.Error):
        return None
    # The low byte is the primary code; the rest only says which kind of busy.
    if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _BUSY:
        return LockTimeout(f"SQLite: {error}")
    return MeasureError(f"SQLite: {error}", retryable="interrupted" in str(error))


def _duckdb(error: Exception) -> DataOpsError | None:
    import duckdb

    if not isinstance(error, duckdb.Error):
        return None
    text = str(error).split("\n\n")[0].split("\nLINE ")[0]
    text = " ".join(text.split())
    if "Could not set lock on file" in text or ("onflict" in text and isinstance(error, duckdb.TransactionException)):
        return LockTimeout(f"DuckDB: {text}")
    if isinstance(error, duckdb.ConversionException | duckdb.ConstraintException | duckdb.OutOfRangeException):
        text = _QUOTED.sub("'…'", text)
    waiting_helps = isinstance(error, duckdb.InterruptException | duckdb.ConnectionException)
    return MeasureError(f"DuckDB: {text}", retryable=waiting_helps)


def _postgres(error: Exception) -> DataOpsError | None:
    # psycopg2 and psycopg share the DB-API's class names and the SQLSTATE; neither need be installed.
    names = {cls.__name__ for cls in type(error).__mro__ if cls.__module__.split(".")[0].startswith("psycopg")}
    if "Error" not in names:
        return None
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    diagnosis = getattr(error, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error).strip().split("\n")[0]
    if state == "55P03":
        return LockTimeout(f"PostgreSQL: {text}")
    if state and state.startswith("22") and state != "2201B":  # data exceptions quote the value, a bad regex does not
        text = _QUOTED.sub("'…'", text)
    if state is None:
        return MeasureError(f"PostgreSQL: {text}", retryable=bool(names & {"OperationalError", "InterfaceError"}))
    return MeasureError(f"PostgreSQL: {text}", retryable=bool(_RETRYABLE.match(state)))
