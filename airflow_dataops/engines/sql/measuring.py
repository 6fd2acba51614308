"""One snapshot, all metrics: planned, run, and what fails told apart from what does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import LockTimeout, MeasureError
from airflow_dataops.core.metrics import Facts, Fingerprint, Metric, Schema
from airflow_dataops.core.ports import Database
from airflow_dataops.core.results import Statement
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.planning import Planned, halves, plan
from airflow_dataops.engines.sql.sources import Source, schema_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured in one snapshot, and with which statements."""

    facts: Facts
    statements: tuple[Statement, ...]


class _StatementFailed(Exception):
    """A statement was refused: its snapshot is gone, and with it what was measured in it."""

    def __init__(self, planned: Planned, error: MeasureError) -> None:
        super().__init__(str(error))
        self.planned = planned
        self.error = error


def measure(
    db: Database,
    source: Source,
    ask: Callable[[Schema], Iterable[Metric]],
    follow_up: Callable[[Facts], Iterable[Metric]],
) -> Measured:
    """Measure in one snapshot; a metric that cannot be measured has its ``MeasureError`` as value.

    A refused statement ends the snapshot. The culprit is then looked for by halving, and all others are measured
    again in a new one, so that every value comes from the same state of the data.

    :param ask: what to measure, given the columns that are there.
    :param follow_up: what the first values call for in addition.
    :raises MeasureError: the source cannot be read at all.
    """
    culprits: dict[Metric, MeasureError] = {}
    while True:
        try:
            with db.snapshot():
                return _Snapshot(db, source, culprits).run(ask, follow_up)
        except LockTimeout as error:
            raise MeasureError(str(error), retryable=True) from error
        except _StatementFailed as failed:
            culprits |= _culprits(db, failed.planned, failed.error)


class _Snapshot:
    """The statements of one snapshot."""

    def __init__(self, db: Database, source: Source, culprits: dict[Metric, MeasureError]) -> None:
        self.db = db
        self.source = source
        self.schema = schema_of(db, source)
        self.values: dict[Metric, Any] = dict(culprits)
        self.statements: list[Statement] = []

    def run(
        self, ask: Callable[[Schema], Iterable[Metric]], follow_up: Callable[[Facts], Iterable[Metric]]
    ) -> Measured:
        self.answer(ask(self.schema))
        facts = Facts(schema=self.schema, values=self.values)
        self.answer(follow_up(facts))
        return Measured(facts=facts, statements=tuple(self.statements))

    def answer(self, metrics: Iterable[Metric]) -> None:
        wanted = [metric for metric in metrics if metric not in self.values]
        planned = plan(self.source, Expressions(self.source.dialect, self.schema), wanted)
        self.values.update(planned.refused)
        for statement in planned.statements:
            self.values.update(self.timed(statement))
        if Fingerprint() in wanted:
            self.fingerprint()

    def timed(self, planned: Planned) -> dict[Metric, Any]:
        started = time.perf_counter()
        try:
            values = _run(self.db, planned)
        except MeasureError as error:
            raise _StatementFailed(planned, error) from error
        self.note(planned.sql, len(planned.answers), started)
        return values

    def fingerprint(self) -> None:
        if self.source.relation is None:
            raise MeasureError("a query has no fingerprint; gate the table that was built from it")
        started = time.perf_counter()
        self.values[Fingerprint()] = fingerprint(self.db, self.source.relation)
        self.note(f"-- fingerprint of {self.source.relation}", 1, started)

    def note(self, sql: str, metrics: int, started: float) -> None:
        statement = Statement(sql=sql, seconds=time.perf_counter() - started, metrics=metrics)
        self.statements.append(statement)
        log.info("%s: metrics measured: %d, in %.2f s.", self.source, metrics, statement.seconds)


def _run(db: Database, planned: Planned) -> dict[Metric, Any]:
    row = db.execute(planned.sql)[0]
    return {answer.metric: answer.decode(value) for answer, value in zip(planned.answers, row, strict=True)}


def _culprits(db: Database, planned: Planned, error: MeasureError) -> dict[Metric, MeasureError]:
    """Return the metrics for which the statement is refused, each with the database's message."""
    if error.retryable or len(planned.answers) == 1:
        return {answer.metric: error for answer in planned.answers}
    found: dict[Metric, MeasureError] = {}
    for half in halves(planned):
        try:
            with db.snapshot():
                _run(db, half)
        except MeasureError as refused:
            found |= _culprits(db, half, refused)
    # Refused as a whole and not in halves: nothing can be told apart.
    return found or {answer.metric: error for answer in planned.answers}
