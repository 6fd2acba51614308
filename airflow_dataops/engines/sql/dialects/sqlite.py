"""SQLite's own ways: columns have no types, times are text, and regexes and medians run in this process."""

from __future__ import annotations

from datetime import date, datetime

from sqlglot import exp

from airflow_dataops.core.predicates import Kind
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.rules import Rules

_STORED_AS = {
    Kind.NUMBER: ("integer", "real"),
    Kind.TEXT: ("text",),
    Kind.TIME: ("text",),
    Kind.BOOLEAN: ("integer",),
    Kind.OTHER: ("blob",),
}
_GLOB = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


class Sqlite(Rules):
    """SQLite 3.37 and newer, with the functions of :mod:`airflow_dataops.engines.sqlite_functions`."""

    name = "sqlite"
    label = "SQLite"
    typed = False

    def without_nan(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the column: SQLite stores NaN as null."""
        return column

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``REGEXP``, which is Python's own."""
        found = exp.Literal.string(patterns.rewritten(pattern, patterns.python, self.label))
        return exp.Anonymous(this="REGEXP", expressions=[found, column])

    def like(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``GLOB`` of the same pattern: LIKE would not tell upper from lower case."""
        glob = "".join(
            {"%": "*", "_": "?"}.get(letter, f"[{letter}]" if letter in "*?[" else letter) for letter in pattern
        )
        return exp.Glob(this=column, expression=self.literal(glob))

    def of_kind(self, column: exp.Expression, kinds: frozenset[Kind]) -> exp.Expression:
        """Return whether the value's storage class is of one of ``kinds``."""
        stored = sorted({name for kind in kinds for name in _STORED_AS[kind]} | {"null"})
        return exp.In(
            this=exp.Anonymous(this="TYPEOF", expressions=[column]),
            expressions=[exp.Literal.string(name) for name in stored],
        )

    def moment(self, value: date | datetime) -> exp.Expression:
        """Return the time as SQLite keeps it: text, a blank between day and time."""
        return exp.Literal.string(value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat())

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return the median by a function of this process."""
        return exp.Anonymous(this="DATAOPS_MEDIAN", expressions=[column])
