"""Queries that users wrote into a suite: one SELECT each, in which ``{batch}`` stands for the data."""

from __future__ import annotations

import re
import string

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokens import TokenType

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.metrics import QueryRows
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source, source_of
from airflow_dataops.engines.sql.statements import Answer, Planned

_FIRST_WORDS = re.compile(r"""\s*("[^"]*"|`[^`]*`|\w+(\s+\w+)?)""")  # two of them: GROUP BY, ORDER BY


def plan_query_rows(source: Source, expressions: Expressions, metric: QueryRows) -> Planned:
    """Return the count of the rows that the query yields."""
    return Planned((Answer(metric, "COUNT(*)", int),), rows_of(source.dialect, filled(metric.query, source)))


def rows_of(dialect: str, query: str) -> str:
    """Return a user's query as it stands behind FROM.

    :raises MeasureError: it is not one SELECT.
    """
    try:
        return source_of(dialect, query=query).sql
    except ConfigurationError as error:
        raise MeasureError(str(error)) from error


def filled(template: str, source: Source) -> str:
    """Return the query with the data in the place of each ``{batch}``; doubled braces become single ones."""
    pieces: list[str] = []
    parsed = list(string.Formatter().parse(template))
    for index, (literal, field, _, _) in enumerate(parsed):
        pieces.append(literal)
        if field is not None:
            behind = parsed[index + 1][0] if index + 1 < len(parsed) else ""
            pieces.append(source.unnamed if _names(behind, source.dialect) else source.sql)
    return "".join(pieces)


def _names(behind: str, dialect: str) -> bool:
    """Whether the text behind ``{batch}`` begins with an alias: ``AS b``, ``b``, ``"b"``."""
    words = _FIRST_WORDS.match(behind)
    if words is None:
        return False
    known = Dialect.get_or_raise(dialect)
    return known.tokenize(words[1])[0].token_type in {TokenType.ALIAS, *known.parser_class.TABLE_ALIAS_TOKENS}
