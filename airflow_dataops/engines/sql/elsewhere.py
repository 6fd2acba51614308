"""Metrics of another relation, in the same database or behind another connection."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from airflow_dataops.core.errors import DataOpsError, MeasureError
from airflow_dataops.core.metrics import Elsewhere, Metric, RowSet
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import Statement
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.rowsets import row_set
from airflow_dataops.engines.sql.sources import Source, schema_of, source_of
from airflow_dataops.engines.sql.statements import Answer, Planned


def plan_elsewhere(db: Database, metrics: Iterable[Elsewhere]) -> tuple[list[Planned], dict[Metric, MeasureError]]:
    """Return a statement for each other relation in ``db``, and what cannot be asked of it."""
    planned: list[Planned] = []
    refused: dict[Metric, MeasureError] = {}
    asked = list(metrics)
    for source in dict.fromkeys(metric.source for metric in asked):
        wanted = [metric for metric in asked if metric.source == source]
        try:
            planned += _planned(db, wanted)
        except MeasureError as error:
            refused |= dict.fromkeys(wanted, error)
    return planned, refused


def _planned(db: Database, metrics: list[Elsewhere]) -> list[Planned]:
    source = _source(db, metrics[0].source)
    expressions = Expressions(db.dialect, schema_of(db, source))
    answers = tuple(
        Answer(metric, expressions.sql(expressions.metric(metric.metric)), expressions.decoder(metric.metric))
        for metric in metrics
        if not isinstance(metric.metric, RowSet)
    )
    whole = [row_set(metric, source.sql) for metric in metrics if isinstance(metric.metric, RowSet)]
    return [*([Planned(answers, source.sql)] if answers else []), *whole]


def _source(db: Database, source: Relation | str) -> Source:
    try:
        if isinstance(source, Relation):
            return source_of(db.dialect, relation=source)
        return source_of(db.dialect, query=source)
    except DataOpsError as error:
        raise MeasureError(str(error)) from error


def ask_neighbour(
    occasion: Occasion, connection: str, metrics: Iterable[Elsewhere]
) -> tuple[dict[Metric, Any], list[Statement]]:
    """Return what another connection's database answers; what it cannot answer is a ``MeasureError``."""
    wanted = list(metrics)
    values: dict[Metric, Any] = {}
    statements: list[Statement] = []
    try:
        if occasion.neighbours is None:
            raise MeasureError("only a gate in Airflow knows connections by their id")
        with occasion.neighbours(connection) as other, other.snapshot():
            planned, refused = plan_elsewhere(other, wanted)
            values |= {metric: _of(connection, error) for metric, error in refused.items()}
            for statement in planned:
                started = time.perf_counter()
                values |= statement.read(other.execute(statement.sql))
                seconds = time.perf_counter() - started
                sql = f"-- on connection {connection}\n{statement.sql}"
                statements.append(Statement(sql=sql, seconds=seconds, metrics=len(statement.answers)))
    except DataOpsError as error:
        values |= {metric: _of(connection, error) for metric in wanted if metric not in values}
    return values, statements


def _of(connection: str, error: DataOpsError) -> MeasureError:
    return MeasureError(f"connection {connection!r}: {error}", retryable=error.retryable)
