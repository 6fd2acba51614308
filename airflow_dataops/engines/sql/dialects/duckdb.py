"""DuckDB's own ways; frames and files are measured by it too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlglot import exp

from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.rules import Rules

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DuckDb(Rules):
    """DuckDB 1.3 and newer."""

    name = "duckdb"
    label = "DuckDB"

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``REGEXP_MATCHES``, which is RE2's."""
        found = patterns.rewritten(pattern, patterns.re2, self.label)
        return exp.Anonymous(this="REGEXP_MATCHES", expressions=[column, exp.Literal.string(found)])

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return ``MEDIAN``."""
        return exp.Anonymous(this="MEDIAN", expressions=[column])

    def fetchable(self, column: exp.Expression, type_name: str) -> tuple[exp.Expression, Callable[[Any], Any] | None]:
        """Return a zoned time as microseconds: fetching one would need pytz."""
        if "WITH TIME ZONE" not in type_name:
            return column, None
        return exp.Anonymous(this="EPOCH_US", expressions=[column]), _moment


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
