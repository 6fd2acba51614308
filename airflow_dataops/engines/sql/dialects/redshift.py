"""Amazon Redshift's own ways; generated, and not run by our tests."""

from __future__ import annotations

from sqlglot import exp

from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.catalogs import InCatalogs


class Redshift(InCatalogs):
    """Redshift, provisioned or serverless; blanks at a text's end count for nothing there."""

    name = "redshift"
    label = "Redshift"
    has_filter = False
    has_median = False  # there is one, but only one order for all such aggregates of a statement

    def stored(self, name: str) -> str:
        """Return the name in lower case, as Redshift stores names unless it is told to tell cases apart."""
        return name.lower()

    def averaged(self, column: exp.Expression) -> exp.Expression:
        """Return the value as a float: an average of whole numbers is one itself."""
        return self.as_float(column)

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether ``REGEXP_INSTR`` finds it in PCRE: POSIX has no groups that are not kept."""
        found = patterns.rewritten(pattern, patterns.java, self.label)
        one, nothing = exp.Literal.number("1"), exp.Literal.number("0")
        arguments = [column, exp.Literal.string(found), one, one.copy(), nothing, exp.Literal.string("p")]
        return exp.GT(this=exp.Anonymous(this="REGEXP_INSTR", expressions=arguments), expression=nothing.copy())
