"""Databricks through its SQL connector; not run by our tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Running, columns_of_no_row
from airflow_dataops.engines.drivers.warehouse import Warehouse, in_utc

_MISSING = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "NO_SUCH_CATALOG")


class DatabricksDriver(Warehouse):
    """No transactions over several statements."""

    dialect = "databricks"
    label = "Databricks"
    names = ("databricks",)
    modules = ("databricks",)
    passing = frozenset({"OperationalError", "InterfaceError"})

    def enter(self, connection: Any) -> Callable[[], None]:
        """Put the session into UTC."""
        return in_utc(connection, "SET TIME ZONE 'UTC'")

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Describe no row of it: not every catalog has an information schema."""
        return columns_of_no_row(self, db, relation, missing=_MISSING)

    def cancel(self, running: Running) -> None:
        """Cancel the running cursor's command."""
        if running.cursor is not None:
            running.cursor.cancel()

    def quotes_values(self, error: Exception, text: str) -> bool:
        """Whether it is a data exception."""
        return "SQLSTATE: 22" in text or "CAST_INVALID_INPUT" in text

    def goes_by(self, error: Exception, text: str) -> bool:
        """Whether it was cancelled, or resources were short."""
        return any(f"SQLSTATE: {state}" in text for state in ("08", "53", "57", "58")) or "OPERATION_CANCELED" in text
