"""Which of a suite's values a column has: looked for among the different ones, of which only places are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airflow_dataops.core.metrics import Metric, Present
from airflow_dataops.core.predicates import Compare, InSet, Value, both
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned, rows_that


@dataclass(frozen=True)
class Places(Planned):
    """A SELECT that answers one metric with a row for each place."""

    def read(self, rows: Sequence[Sequence[Any]]) -> dict[Metric, Any]:
        """Return the places, of all rows that the database answered."""
        return {answer.metric: frozenset(int(place) for (place,) in rows) for answer in self.answers}


def plan_present(source: Source, expressions: Expressions, metric: Present) -> Planned:
    """Return one scan of the rows that have one of the values; each is told from the others only once.

    A count for each value, over 1M rows in DuckDB, took 4 s for 100 values and 99 s for 500; this takes 0.2 and 0.3 s.
    """
    place = exp.Case(
        ifs=[
            exp.If(
                this=expressions.predicate(Compare(Value(metric.column), "=", value)),
                true=exp.Literal.number(position),
            )
            for position, value in enumerate(metric.values)
        ]
    )
    # Named as the column is, so that the values are compared as the column's own are.
    name = expressions.rules.quoted(expressions.stored(metric.column))
    column = expressions.sql(expressions.column(metric.column))
    key = expressions.sql(expressions.key(metric.column))
    having = rows_that(expressions, both(metric.where, InSet(metric.column, metric.values)))
    different = (
        f"SELECT DISTINCT {column} AS {name} FROM {source.sql}{having}"
        if key == column
        else f"SELECT MIN({column}) AS {name} FROM {source.sql}{having} GROUP BY {key}"
    )
    return Places((Answer(metric, expressions.sql(place), int),), f"({different}) AS different")
