"""Trino through its Python client; not run by our tests."""

from __future__ import annotations

from airflow_dataops.engines.drivers.base import Running
from airflow_dataops.engines.drivers.warehouse import Warehouse

_ABOUT_VALUES = frozenset(
    {"INVALID_CAST_ARGUMENT", "INVALID_FUNCTION_ARGUMENT", "INVALID_LITERAL", "NUMERIC_VALUE_OUT_OF_RANGE"}
)


class TrinoDriver(Warehouse):
    """What a transaction is, its connectors say: none is opened."""

    dialect = "trino"
    label = "Trino"
    names = ("trino",)
    modules = ("trino",)
    passing = frozenset({"TrinoConnectionError", "TrinoExternalError", "Http502Error", "Http503Error", "Http504Error"})

    def cancel(self, running: Running) -> None:
        """Cancel the running cursor's query."""
        if running.cursor is not None:
            running.cursor.cancel()

    def words(self, error: Exception) -> str:
        """Return the server's message alone."""
        return str(getattr(error, "message", None) or error)

    def quotes_values(self, error: Exception, text: str) -> bool:
        """Whether it is about a value."""
        return getattr(error, "error_name", None) in _ABOUT_VALUES

    def goes_by(self, error: Exception, text: str) -> bool:
        """Whether it was cancelled, or resources were short."""
        name, kind = getattr(error, "error_name", None), getattr(error, "error_type", None)
        return name == "USER_CANCELED" or kind == "INSUFFICIENT_RESOURCES"
