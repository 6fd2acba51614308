"""Spark's own ways: Java's regular expressions, and times that know their zone or do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlglot import exp

from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.rules import Rules
from airflow_dataops.engines.sql.kinds import from_micros


class Spark(Rules):
    """Spark 4, classic and Connect."""

    name = "spark"
    label = "Spark"
    interpolates = True

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``RLIKE``, which is Java's."""
        found = patterns.rewritten(pattern, patterns.java, self.label)
        return exp.RegexpLike(this=column, expression=exp.Literal.string(found))

    def moment(self, value: date | datetime) -> exp.Expression:
        """Return a time without a zone as one that has none: the session's zone is what Spark gives it."""
        if not isinstance(value, datetime) or value.tzinfo:
            return super().moment(value)
        return exp.Cast(this=exp.Literal.string(value.isoformat(sep=" ")), to=exp.DataType.build("TIMESTAMP_NTZ"))

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return ``MEDIAN``."""
        return exp.Anonymous(this="MEDIAN", expressions=[column])

    def quantile(self, column: exp.Expression, share: float) -> exp.Expression:
        """Return ``PERCENTILE``, the exact one."""
        return exp.Anonymous(this="PERCENTILE", expressions=[column, self.literal(share)])

    def fetchable(self, column: exp.Expression, type_name: str) -> tuple[exp.Expression, Callable[[Any], Any] | None]:
        """Return a zoned time as microseconds: collected, it would be in this machine's zone, and not say so."""
        if type_name.lower() != "timestamp":
            return column, None
        return exp.Anonymous(this="UNIX_MICROS", expressions=[column]), from_micros
