"""BigQuery's own ways; generated, and not run by our tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlglot import exp

from airflow_dataops.core.predicates import Kind, Scalar
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.catalogs import InCatalogs
from airflow_dataops.engines.sql.kinds import from_micros, moment_of


class BigQuery(InCatalogs):
    """GoogleSQL."""

    name = "bigquery"
    label = "BigQuery"
    has_filter = False
    has_median = False
    nan_equals_itself = False

    def kind_of(self, type_name: str) -> Kind:
        """Return what columns of the type hold; arrays and structs, which nest others' names, are OTHER."""
        return Kind.OTHER if "<" in type_name else super().kind_of(type_name)

    def compared(self, value: Scalar, type_name: str) -> exp.Expression:
        """Return the literal in the column's own type, as next to nothing is converted to be compared."""
        name = type_name.partition("(")[0].upper()
        if name in ("NUMERIC", "BIGNUMERIC") and isinstance(value, float | Decimal):
            return exp.cast(
                exp.Literal.string(f"{Decimal(repr(value)) if isinstance(value, float) else value:f}"), name
            )
        if name not in ("TIMESTAMP", "DATETIME") or not isinstance(value, date | str):
            return self.literal(value)
        moment = moment_of(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        if name == "TIMESTAMP":
            return self.moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        return self.moment(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)

    def averaged(self, column: exp.Expression) -> exp.Expression:
        """Return the value as a float: of NUMERIC, an average has nine decimals."""
        return self.as_float(column)

    def summed(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the value as the first of a row's sum: NUMERIC holds no 38 digits before the point."""
        return exp.cast(column, "bigdecimal") if type_name.upper() == "INT64" else column

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``REGEXP_CONTAINS``, which is RE2's."""
        found = patterns.rewritten(pattern, patterns.re2, self.label)
        return exp.Anonymous(this="REGEXP_CONTAINS", expressions=[column, exp.Literal.string(found)])

    def like(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``LIKE``, which takes no other escape than a backslash."""
        escaped = pattern.replace("\\", "\\\\")
        escaped = escaped.replace("!!", "\0").replace("!%", "\\%").replace("!_", "\\_").replace("\0", "!")
        return exp.Like(this=column, expression=exp.Literal.string(escaped))

    def fetchable(self, column: exp.Expression, type_name: str) -> tuple[exp.Expression, Callable[[Any], Any] | None]:
        """Return a TIMESTAMP as microseconds: Airflow's cursor makes a rounded float of one."""
        if type_name.upper() != "TIMESTAMP":
            return column, None
        return exp.Anonymous(this="UNIX_MICROS", expressions=[column]), from_micros
