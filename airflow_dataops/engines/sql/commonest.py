"""The most common value: found by the database, and told only if the suite itself names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from airflow_dataops.core.metrics import Commonest, MostCommon
from airflow_dataops.core.predicates import Compare, Value
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned, Record, rows_that


def plan_most_common(source: Source, expressions: Expressions, metric: MostCommon) -> Planned:
    """Return one scan, grouped by the value; of all that tie one row of counts is fetched, never their values."""
    named = exp.Case(
        ifs=[
            exp.If(
                this=expressions.predicate(Compare(Value(metric.column), "=", value)),
                true=exp.Literal.number(position),
            )
            for position, value in enumerate(metric.values)
        ]
    )
    groups = (
        # Of equal values; not every database sees by itself that what is named depends on the value alone.
        f"{expressions.rules.select_groups} MAX({expressions.sql(named)}) AS named, COUNT(*) AS times FROM {source.sql}"
        f"{rows_that(expressions, metric.where)} GROUP BY {expressions.sql(expressions.key(metric.column))}"
    )
    ranked = f"SELECT named, times, MAX(times) OVER () AS most FROM ({groups}) AS grouped"
    top = f"({ranked}) AS ranked WHERE times = most"
    return Record(
        (Answer(metric, "", _commonest),),
        top,
        columns=("MAX(times)", "COUNT(*)", "COUNT(named)", "MIN(named)"),
    )


def _commonest(row: Sequence[Any]) -> Commonest:
    rows, ties, known, first = row
    return Commonest(rows=int(rows or 0), ties=int(ties), known=int(known), first=None if first is None else int(first))
