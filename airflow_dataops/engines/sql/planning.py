"""Metrics grouped into statements: all plain aggregates in one scan, each distinct count in a statement of its own.

A distinct count inside the aggregates would cost PostgreSQL its parallel plan (5.1 s against 2.3 s over 1M rows), and
GROUP BY is the faster form on DuckDB too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Aggregate, Count, Distinct, Fingerprint, Metric, Repeats
from airflow_dataops.core.predicates import Predicate, Repeated
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source

# How often a repeated row is there: a column beside the table's own, so named that it is none of them.
TIMES = "dataops_times"


@dataclass(frozen=True)
class Answer:
    """One value of a statement's row, and how it becomes the metric's."""

    metric: Metric
    sql: str
    decode: Callable[[Any], Any]


@dataclass(frozen=True)
class Planned:
    """A SELECT that answers its metrics with one row and one scan."""

    answers: tuple[Answer, ...]
    source: str

    @property
    def sql(self) -> str:
        """The statement's text."""
        columns = ",\n  ".join(f"{answer.sql} AS m{index}" for index, answer in enumerate(self.answers))
        return f"SELECT\n  {columns}\nFROM {self.source}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run, and what cannot be asked of this engine at all."""

    statements: tuple[Planned, ...]
    refused: dict[Metric, MeasureError]


def plan(source: Source, expressions: Expressions, metrics: Iterable[Metric]) -> Plan:
    """Return the statements that measure ``metrics``, each metric once; the fingerprint is not among them."""
    aggregates: list[Answer] = []
    alone: list[Planned] = []
    refused: dict[Metric, MeasureError] = {}
    for metric in dict.fromkeys(metrics):
        try:
            match metric:
                case Count() | Aggregate():
                    sql = expressions.sql(expressions.metric(metric))
                    aggregates.append(Answer(metric, sql, expressions.decoder(metric)))
                case Distinct():
                    alone.append(_distinct(source, expressions, metric))
                case Repeats(columns, where):
                    groups = _groups(source, expressions, columns, where) + " HAVING COUNT(*) > 1"
                    alone.append(Planned((Answer(metric, "COALESCE(SUM(members), 0)", int),), f"({groups}) AS groups"))
                case Fingerprint():
                    continue
        except MeasureError as error:
            refused[metric] = error
    first = (Planned(tuple(aggregates), source.sql),) if aggregates else ()
    return Plan(statements=(*first, *alone), refused=refused)


def _distinct(source: Source, expressions: Expressions, metric: Distinct) -> Planned:
    if expressions.sorts_fast(metric.columns):
        key = expressions.sql(expressions.column(metric.columns[0]))
        rows = f"(SELECT {key} AS value FROM {source.sql}{_where(expressions, metric.where)}) AS data"
        return Planned((Answer(metric, "COUNT(DISTINCT value)", int),), rows)
    groups = _groups(source, expressions, metric.columns, metric.where)
    return Planned((Answer(metric, "COUNT(*)", int),), f"({groups}) AS groups")


def _groups(source: Source, expressions: Expressions, columns: tuple[str, ...], where: Predicate | None) -> str:
    keys = ", ".join(expressions.sql(expressions.column(column)) for column in columns)
    return f"SELECT COUNT(*) AS members FROM {source.sql}{_where(expressions, where)} GROUP BY {keys}"


def failing_rows(source: Source, expressions: Expressions, broken: Predicate | Repeated, limit: int) -> str:
    """Return a SELECT that shows rows that break a check, ready to paste."""
    if not isinstance(broken, Repeated):
        return f"SELECT * FROM {source.sql}{_where(expressions, broken)} LIMIT {limit}"
    keys = ", ".join(expressions.sql(expressions.column(column)) for column in broken.columns)
    counted = f"SELECT *, COUNT(*) OVER (PARTITION BY {keys}) AS {TIMES} FROM {source.sql}"
    repeated = f"SELECT * FROM ({counted}{_where(expressions, broken.where)}) AS repeated WHERE {TIMES} > 1"
    return f"{repeated} ORDER BY {keys} LIMIT {limit}"


def _where(expressions: Expressions, predicate: Predicate | None) -> str:
    return "" if predicate is None else f" WHERE {expressions.sql(expressions.predicate(predicate))}"


def halves(planned: Planned) -> tuple[Planned, Planned]:
    """Return the statement as two with half the metrics each."""
    middle = len(planned.answers) // 2
    return Planned(planned.answers[:middle], planned.source), Planned(planned.answers[middle:], planned.source)
