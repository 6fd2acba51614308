"""Snowflake through its connector; not run by our tests."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

from airflow_dataops.core.harvest import MARK
from airflow_dataops.engines.drivers.base import Running, log
from airflow_dataops.engines.drivers.warehouse import Warehouse, in_utc

# The connector's numbers of types, in the words of the information schema.
_TYPES = (
    "NUMBER",
    "FLOAT",
    "TEXT",
    "DATE",
    "TIMESTAMP",
    "VARIANT",
    "TIMESTAMP_LTZ",
    "TIMESTAMP_TZ",
    "TIMESTAMP_NTZ",
    "OBJECT",
    "ARRAY",
    "BINARY",
    "TIME",
    "BOOLEAN",
    "GEOGRAPHY",
    "GEOMETRY",
    "VECTOR",
    "MAP",
    "FILE",
)
_PASSING_STATES = re.compile(r"^(08...|40...|53...|57...)$")


class SnowflakeDriver(Warehouse):
    """Transactions are READ COMMITTED: there is no snapshot."""

    dialect = "snowflake"
    label = "Snowflake"
    names = ("snowflake",)
    mark = f"\n{MARK}"
    modules = ("snowflake",)
    current_schema = "CURRENT_SCHEMA()"
    passing = frozenset(
        {
            "OperationalError",
            "ServiceUnavailableError",
            "GatewayTimeoutError",
            "InternalServerError",
            "RequestTimeoutError",
            "TooManyRequests",
            "BadGatewayError",
        }
    )

    def enter(self, connection: Any) -> Callable[[], None]:
        """Put the session into UTC; statements commit by themselves if the connection was not told otherwise."""
        return in_utc(connection, "ALTER SESSION SET TIMEZONE = 'UTC'")

    def number(self, connection: Any) -> int | None:
        """Return the session's number."""
        return int(connection.session_id)

    def type_name(self, entry: Any) -> str:
        """Return the type behind the connector's number."""
        code = int(entry[1])
        return _TYPES[code] if code < len(_TYPES) else "VARIANT"

    def cancel(self, running: Running) -> None:
        """Cancel what the session runs, from a second one: a statement has no id until it is answered."""
        if running.another is None:
            log.debug("Snowflake: without a second connection a statement cannot be cancelled; it runs to its end.")
            return
        with contextlib.closing(running.another()) as other, contextlib.closing(other.cursor()) as cursor:
            cursor.execute(f"SELECT SYSTEM$CANCEL_ALL_QUERIES({running.number})")

    def words(self, error: Exception) -> str:
        """Return the message without the numbers before it, where the connector keeps it."""
        return str(getattr(error, "raw_msg", None) or error)

    def quotes_values(self, error: Exception, text: str) -> bool:
        """Whether it is a data exception or an integrity constraint's."""
        return str(getattr(error, "sqlstate", "")).startswith(("22", "23"))

    def goes_by(self, error: Exception, text: str) -> bool:
        """Whether the SQLSTATE speaks of the connection, of resources or of somebody's intervention."""
        return bool(_PASSING_STATES.match(str(getattr(error, "sqlstate", ""))))
