"""Trino's own ways; generated, and not run by our tests."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlglot import exp

from airflow_dataops.core.predicates import Kind, Scalar
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.catalogs import InCatalogs
from airflow_dataops.engines.sql.kinds import moment_of


class Trino(InCatalogs):
    """Trino, with its default library for regular expressions, Joni."""

    name = "trino"
    label = "Trino"
    has_median = False
    nan_equals_itself = False

    def stored(self, name: str) -> str:
        """Return the name in lower case: Trino tells no cases apart."""
        return name.lower()

    def compared(self, value: Scalar, type_name: str) -> exp.Expression:
        """Return the literal; a text that names a time as one, and without a zone as UTC if the column has one."""
        if self.kind_of(type_name) is not Kind.TIME or type_name.startswith(("time(", "interval")):
            return self.literal(value)
        if not isinstance(value, date | str):
            return self.literal(value)
        moment = moment_of(value) if isinstance(value, str) else value
        if "with time zone" not in type_name:
            return self.moment(moment)
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        return self.moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    def averaged(self, column: exp.Expression) -> exp.Expression:
        """Return the value as a float: an average of decimals has no more decimals than they."""
        return self.as_float(column)

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``REGEXP_LIKE``, which looks anywhere in the text."""
        found = patterns.rewritten(pattern, patterns.joni, self.label)
        return exp.Anonymous(this="REGEXP_LIKE", expressions=[column, exp.Literal.string(found)])

    def moment(self, value: date | datetime) -> exp.Expression:
        """Return a date, or a time as precise as it is written: a cast to TIMESTAMP has milliseconds."""
        if not isinstance(value, datetime):
            return exp.Var(this=f"DATE '{value.isoformat()}'")
        zone = " UTC" if value.tzinfo else ""
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return exp.Var(this=f"TIMESTAMP '{moment.isoformat(sep=' ')}{zone}'")
