"""PostgreSQL's own ways."""

from __future__ import annotations

from sqlglot import exp

from airflow_dataops.core.predicates import Kind
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.rules import Rules


class Postgres(Rules):
    """PostgreSQL 12 and newer."""

    name = "postgres"
    label = "PostgreSQL"

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``column ~ pattern`` in PostgreSQL's advanced regular expressions."""
        found = patterns.rewritten(pattern, patterns.postgres, self.label)
        return exp.RegexpLike(this=column, expression=exp.Literal.string(found))

    def sorts_fast(self, kinds: tuple[Kind, ...]) -> bool:
        """Whether one column of numbers or times is counted.

        1M rows: 0.1 to 0.3 s against 0.5 s; for text 0.8 s against 0.6 s, for two columns 2.0 s against 0.5 s. It
        counts values only, so the caller's condition must leave nulls out.
        """
        return len(kinds) == 1 and kinds[0] in (Kind.NUMBER, Kind.TIME)
