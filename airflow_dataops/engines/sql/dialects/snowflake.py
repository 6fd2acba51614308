"""Snowflake's own ways; generated, and not run by our tests."""

from __future__ import annotations

import re
from datetime import date, datetime

from sqlglot import exp

from airflow_dataops.core.predicates import Kind
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.catalogs import InCatalogs

_LOWER = re.compile(r"[a-z_][a-z0-9_$]*")


class Snowflake(InCatalogs):
    """Snowflake; a relation's name in lower case alone is one that was written without quotes."""

    name = "snowflake"
    label = "Snowflake"
    has_filter = False
    interpolates = True

    def stored(self, name: str) -> str:
        """Return the name in upper case, as Snowflake stores what is written without quotes."""
        return name.upper() if _LOWER.fullmatch(name) else name

    def kind_of(self, type_name: str) -> Kind:
        """Return what columns of the type hold; its own three kinds of timestamps are times."""
        return Kind.TIME if type_name.lower().startswith("timestamp") else super().kind_of(type_name)

    def averaged(self, column: exp.Expression) -> exp.Expression:
        """Return the value as a float: an average of NUMBERs is rounded to a few digits more than they have."""
        return self.as_float(column)

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether ``REGEXP_INSTR`` finds it anywhere: ``REGEXP_LIKE`` wants the whole text to match."""
        found = patterns.rewritten(pattern, patterns.snowflake, self.label)
        arguments: list[exp.Expression] = [column]
        if found.startswith("(?i)"):
            first, nothing = exp.Literal.number("1"), exp.Literal.number("0")
            text = exp.Literal.string(found.removeprefix("(?i)"))
            arguments += [text, first, first.copy(), nothing, exp.Literal.string("i")]
        else:
            arguments.append(exp.Literal.string(found))
        position = exp.Anonymous(this="REGEXP_INSTR", expressions=arguments)
        return exp.GT(this=position, expression=exp.Literal.number("0"))

    def moment(self, value: date | datetime) -> exp.Expression:
        """Return a time without a zone as one that has none, whatever the account takes TIMESTAMP for."""
        if not isinstance(value, datetime) or value.tzinfo:
            return super().moment(value)
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestampntz")

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return ``MEDIAN`` of floats."""
        return exp.Median(this=self.as_float(column))

    def quantile(self, column: exp.Expression, share: float) -> exp.Expression:
        """Return ``PERCENTILE_CONT`` of floats."""
        return super().quantile(self.as_float(column), share)
