"""What Great Expectations itself measures: a column is handed to it whole, where the database is in this process."""

from __future__ import annotations

from functools import partial

from sqlglot import exp

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import ExpectationResult
from airflow_dataops.engines import gx
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.dialects import DIALECTS, rules_of
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned, rows_that


def refusal(dialect: str, metric: ExpectationResult) -> str | None:
    """Return why Great Expectations cannot measure an expectation there; ``None`` if it can."""
    rules = rules_of(dialect)
    if rules.hands_over:
        wrong = gx.wrong_schema(metric)
        return wrong and f"{metric.kind}: {wrong}"
    where = ", ".join(rules.label for rules in DIALECTS if rules.hands_over)
    return f"{metric.kind} cannot be measured on {rules.label}; it can on {where}, and on frames and files"


def plan_expectation(source: Source, expressions: Expressions, metric: ExpectationResult) -> Planned:
    """Return a SELECT of the column as one list, which Great Expectations then looks at."""
    refused = refusal(source.dialect, metric)
    if refused:
        raise MeasureError(refused)
    column = exp.Anonymous(this="LIST", expressions=[expressions.column(metric.column)])
    values = f"COALESCE({expressions.sql(column)}, []) /* for Great Expectations: {metric.kind} */"
    rows = f"{source.sql}{rows_that(expressions, metric.where)}"
    return Planned((Answer(metric, values, partial(gx.result_of, metric)),), rows)
