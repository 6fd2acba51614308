"""Rows against the row before them, in an order that columns give, or in which the rows come."""

from __future__ import annotations

from sqlglot import exp

from airflow_dataops.core.metrics import OutOfOrder
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned, rows_that

# The value of the row before: a column beside the table's own, so named that it is none of them.
BEFORE = "dataops_before"


def plan_out_of_order(source: Source, expressions: Expressions, metric: OutOfOrder) -> Planned:
    """Return the count of rows that break the order, in one scan and a sort by the order's columns."""
    value = expressions.sql(expressions.column(metric.column))
    pairs = f"SELECT {value} AS value, {_before(expressions, metric)} FROM {source.sql}"
    broken = f"COUNT(CASE WHEN value {_wrong(metric)} {BEFORE} THEN 1 END)"
    return Planned((Answer(metric, broken, int),), f"({pairs}{rows_that(expressions, metric.where)}) AS pairs")


def disordered_rows(source: Source, expressions: Expressions, broken: OutOfOrder, limit: int) -> str:
    """Return a SELECT that shows rows that break the order, each with the value before it."""
    value = expressions.sql(expressions.column(broken.column))
    pairs = f"SELECT *, {_before(expressions, broken)} FROM {source.sql}{rows_that(expressions, broken.where)}"
    return f"SELECT * FROM ({pairs}) AS pairs WHERE {value} {_wrong(broken)} {BEFORE} LIMIT {limit}"


def _wrong(metric: OutOfOrder) -> str:
    return (">" if metric.descending else "<") + ("=" if metric.strictly else "")


def _before(expressions: Expressions, metric: OutOfOrder) -> str:
    """Return the value of the row before.

    Rows that ``order_by`` does not tell apart follow each other as suits the check: so the count is the same each time.
    """
    value = expressions.column(metric.column)
    keys = [exp.Ordered(this=expressions.column(name), nulls_first=False) for name in metric.order_by]
    if keys:
        keys.append(exp.Ordered(this=value.copy(), desc=metric.descending, nulls_first=False))
    order = f"ORDER BY {', '.join(expressions.sql(key) for key in keys)}" if keys else ""
    return f"LAG({expressions.sql(value)}) OVER ({order}) AS {BEFORE}"
