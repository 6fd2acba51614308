"""What is dear to ask of each row, asked once for each value: of a column that has few."""

from __future__ import annotations

from airflow_dataops.core.metrics import Aggregate, Count
from airflow_dataops.core.predicates import Matches, Predicate, Sql, columns_of, leaves
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.profiles import Profile
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer

_MEMBERS = "dataops_members"


def dear_column(metric: object, expressions: Expressions) -> str | None:
    """Return the column, as stored, whose values alone decide a count with a regular expression; else ``None``."""
    if not isinstance(metric, Count) or metric.where is None:
        return None
    parts = list(leaves(metric.where))
    columns = {expressions.stored(column) for part in parts for column in columns_of(part)}
    if len(columns) != 1 or any(isinstance(part, Sql) for part in parts):
        return None
    return columns.pop() if any(isinstance(part, Matches) for part in parts) else None


def few_valued(metric: Count | Aggregate, expressions: Expressions, profile: Profile) -> str | None:
    """Return the column, as stored, by whose values the metric is best counted; ``None`` for a look at each row."""
    column = dear_column(metric, expressions)
    return column if column in profile.few else None


def by_value(source: Source, expressions: Expressions, column: str) -> str:
    """Return the column's values, under its own name, each with the number of its rows."""
    key, name = expressions.sql(expressions.key(column)), expressions.rules.quoted(column)
    value = name if key == name else f"{key} AS {name}"
    return f"(SELECT {value}, COUNT(*) AS {_MEMBERS} FROM {source.sql} GROUP BY {key}) AS grouped"


def answer_by_value(metric: Count, expressions: Expressions) -> Answer:
    """Return the count of the rows whose value meets the metric's condition."""
    condition: Predicate | None = metric.where
    assert condition is not None  # few_valued has seen to it
    sql = f"COALESCE(SUM({_MEMBERS}) FILTER (WHERE {expressions.sql(expressions.predicate(condition))}), 0)"
    return Answer(metric, sql, int)
