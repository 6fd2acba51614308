"""SQLite's own ways: columns have no types, times are text, and regexes and medians run in this process."""

from __future__ import annotations

import re
from datetime import date, datetime

from sqlglot import exp

from airflow_dataops.core.predicates import Kind
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.rules import Rules
from airflow_dataops.engines.sqlite_functions import moment_text

_STORED_AS = {
    Kind.NUMBER: ("integer", "real"),
    Kind.TEXT: ("text",),
    Kind.TIME: ("text",),
    Kind.BOOLEAN: ("integer",),
    Kind.OTHER: ("blob",),
}
_LIKE = re.compile("!(.)|.", re.DOTALL)
_WILDCARDS = {"%": "*", "_": "?"}


class Sqlite(Rules):
    """SQLite 3.37 and newer, with the functions of :mod:`airflow_dataops.engines.sqlite_functions`."""

    name = "sqlite"
    label = "SQLite"
    typed = False

    def sql(self, expression: exp.Expression) -> str:
        """Return the text, with truth as a number: ``TRUE`` is a column's value where there is one of that name."""
        numbers = {True: "1", False: "0"}
        return super().sql(
            expression.transform(
                lambda part: exp.Literal.number(numbers[part.this]) if isinstance(part, exp.Boolean) else part
            )
        )

    def without_nan(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the column: SQLite stores NaN as null."""
        return column

    def exact(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the value without its column's collation and affinity, which would have '1' equal 1."""
        return exp.Anonymous(this="IFNULL", expressions=[column, exp.Null()])

    def timed(self, column: exp.Expression) -> exp.Expression:
        """Return the time as :meth:`moment` writes one, from whichever ISO form it is stored in."""
        return exp.Anonymous(this="DATAOPS_MOMENT", expressions=[column])

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``REGEXP``, which is Python's own."""
        found = exp.Literal.string(patterns.rewritten(pattern, patterns.python, self.label))
        return exp.Anonymous(this="REGEXP", expressions=[found, column])

    def like(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``GLOB`` of the same pattern: LIKE would not tell upper from lower case."""
        glob = _LIKE.sub(lambda found: _WILDCARDS.get(found[0]) or _itself(found[1] or found[0]), pattern)
        return exp.Glob(this=column, expression=self.literal(glob))

    def of_kind(self, column: exp.Expression, kinds: frozenset[Kind]) -> exp.Expression:
        """Return whether the value's storage class is of one of ``kinds``, and a text that must be a time is one."""
        stored = sorted({name for kind in kinds for name in _STORED_AS[kind]} | {"null"})
        stored_so = exp.In(
            this=exp.Anonymous(this="TYPEOF", expressions=[column]),
            expressions=[exp.Literal.string(name) for name in stored],
        )
        if kinds != {Kind.TIME}:
            return stored_so
        no_value = exp.Is(this=column.copy(), expression=exp.Null())
        is_time = exp.Is(this=self.timed(column.copy()), expression=exp.Not(this=exp.Null()))
        return exp.paren(exp.or_(no_value, exp.and_(stored_so, is_time)))

    def infinity(self, value: float) -> exp.Expression:
        """Return a number that is too large: SQLite reads it as infinity."""
        return exp.Literal.number("9e999" if value > 0 else "-9e999")

    def moment(self, value: date | datetime) -> exp.Expression:
        """Return the time as text that sorts: in UTC, to the microsecond, a blank between day and time."""
        return exp.Literal.string(moment_text(value))

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return the median by a function of this process."""
        return exp.Anonymous(this="DATAOPS_MEDIAN", expressions=[column])


def _itself(letter: str) -> str:
    """Return a letter as GLOB takes it for itself."""
    return f"[{letter}]" if letter in "*?[" else letter
