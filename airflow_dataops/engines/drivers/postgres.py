"""PostgreSQL through psycopg2 or psycopg."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from airflow_dataops.core.errors import DataOpsError, LockTimeout, MeasureError
from airflow_dataops.core.harvest import MARK
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Driver, Running, family, percent_style, without_values

# SQLSTATE classes and codes after which the same statement may succeed: lost connection, serialisation failure,
# resources, cancelled or time-out, server shutting down or starting.
_RETRYABLE = re.compile(r"^(08...|40001|53...|57014|57P0.|25P03)$")
# A lock that was not had in time, and a deadlock, which the server ends by refusing one of those who wait.
_LOCKED = ("55P03", "40P01")
# A domain is told as the type that it is made of, as the protocol has it of a query's columns.
_COLUMNS = """
WITH RECURSIVE made AS (
  SELECT attnum, attname, atttypid AS type, atttypmod AS modifier FROM pg_attribute
  WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT attnum, attname, typbasetype, typtypmod FROM made JOIN pg_type AS t ON t.oid = type AND typtype = 'd'
)
SELECT attname, format_type(type, modifier) FROM made
WHERE NOT EXISTS (SELECT 1 FROM pg_type AS t WHERE t.oid = type AND typtype = 'd') ORDER BY attnum
"""


class PostgresDriver(Driver):
    """Both drivers share the DB-API's class names and the SQLSTATE; neither need be installed."""

    dialect = "postgres"
    label = "PostgreSQL"
    names = ("postgres", "postgresql")
    snapshot = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",)
    mark = f"\n{MARK}"

    def enter(self, connection: Any) -> Callable[[], None]:
        """Put the driver into autocommit."""
        before = connection.autocommit
        connection.autocommit = True
        return lambda: setattr(connection, "autocommit", before)

    def styled(self, sql: str, connection: Any) -> str:
        """Write ``%s``."""
        return percent_style(sql)

    def reads_only(self, db: Asks) -> None:
        """Let every transaction of the session be one that reads."""
        db.execute("SET default_transaction_read_only = on")

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask the catalogue, along the search path."""
        return [Column(name=name, type=kind) for name, kind in db.execute(_COLUMNS, (relation.sql,))]

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Describe an empty result and ask the server for the types' names."""
        description = db.described(f"SELECT * FROM ({query}\n) AS described LIMIT 0")
        oids = ", ".join(f"format_type({int(entry[1])}, NULL)" for entry in description)
        types = db.execute(f"SELECT {oids}")[0] if oids else ()
        return [Column(name=entry[0], type=kind) for entry, kind in zip(description, types, strict=True)]

    def cancel(self, running: Running) -> None:
        """Ask the server over a connection that the driver opens for it."""
        running.connection.cancel()

    def understood(self, error: Exception) -> DataOpsError | None:
        """Judge by the SQLSTATE."""
        names = family(error, "psycopg", "psycopg2", "psycopg_binary", "psycopg_c")
        if "Error" not in names:
            return None
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        diagnosis = getattr(error, "diag", None)
        text = getattr(diagnosis, "message_primary", None) or str(error).strip().split("\n")[0]
        if state in _LOCKED:
            return LockTimeout(f"PostgreSQL: {text}")
        # Data exceptions quote the value, a bad regex does not.
        if state and state.startswith("22") and state != "2201B":
            text = without_values(text)
        if state is None:
            if "DataError" in names:  # psycopg's own, of a value that Python cannot hold
                text = without_values(text)
            waiting_helps = bool(names & {"OperationalError", "InterfaceError"})
            return MeasureError(f"PostgreSQL: {text}", retryable=waiting_helps)
        return MeasureError(f"PostgreSQL: {text}", retryable=bool(_RETRYABLE.match(state)))
