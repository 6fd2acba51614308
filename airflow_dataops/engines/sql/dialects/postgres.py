"""PostgreSQL's own ways."""

from __future__ import annotations

from sqlglot import exp

from airflow_dataops.core.metrics import Function
from airflow_dataops.core.predicates import Kind
from airflow_dataops.engines.sql import patterns
from airflow_dataops.engines.sql.dialects.rules import Rules
from airflow_dataops.engines.sql.simple_patterns import SimplePattern, simple


class Postgres(Rules):
    """PostgreSQL 12 and newer."""

    name = "postgres"
    label = "PostgreSQL"
    interpolates = True
    picks_by_array = True
    sorts_alone = frozenset({Function.MEDIAN})
    proves_uniqueness_first = True

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return ``column ~ pattern`` in PostgreSQL's advanced regular expressions."""
        found = patterns.rewritten(pattern, patterns.postgres, self.label)
        return exp.RegexpLike(this=column, expression=exp.Literal.string(found))

    def matched(self, column: exp.Expression, pattern: str, type_name: str) -> exp.Expression:
        """Return a comparison of texts where that says the same as the regular expression.

        1M rows, net of the scan: ``^LIC-`` 0.03 s against 0.22 s, ``^LIC-[0-9]{6}$`` 0.14 s against 0.22 s. Bytes are
        compared, whatever the column's collation; ``char(n)`` is padded, and other types are no texts.
        """
        found = simple(pattern) if type_name.lower().partition("(")[0] in ("text", "character varying") else None
        if found is None:
            return self.matches(column, pattern)
        text = exp.Collate(this=column, expression=exp.to_identifier("C", quoted=True))
        literal, length = exp.Literal.string(found.literal), exp.Literal.number(len(found.literal))
        if found.trailing:
            return self._trimmed(text, found, literal)
        if found.start and found.end:
            return exp.EQ(this=text, expression=literal)
        if found.start:
            return exp.Anonymous(this="STARTS_WITH", expressions=[text, literal])
        if found.end:
            last = exp.Anonymous(this="RIGHT", expressions=[text, length])
            return exp.EQ(this=last, expression=literal)
        place = exp.Anonymous(this="STRPOS", expressions=[text, literal])
        return exp.GT(this=place, expression=exp.Literal.number(0))

    def _trimmed(self, text: exp.Expression, found: SimplePattern, literal: exp.Expression) -> exp.Expression:
        """Return whether nothing but the literal is left of the text without what trails it, which is long enough."""
        rest = exp.Anonymous(this="RTRIM", expressions=[text, exp.Literal.string(found.trailing)])
        least = len(found.literal) + (1 if found.times is None else found.times)
        long = exp.GTE if found.times is None else exp.EQ
        return exp.Paren(
            this=exp.and_(
                long(this=self.length(text.copy()), expression=exp.Literal.number(least)),
                exp.EQ(this=rest, expression=literal),
            )
        )

    def sorts_fast(self, kinds: tuple[Kind, ...]) -> bool:
        """Whether one column of numbers or times is counted.

        1M rows: 0.1 to 0.3 s against 0.5 s; for text 0.8 s against 0.6 s, for two columns 2.0 s against 0.5 s. It
        counts values only, so the caller's condition must leave nulls out.
        """
        return len(kinds) == 1 and kinds[0] in (Kind.NUMBER, Kind.TIME)
