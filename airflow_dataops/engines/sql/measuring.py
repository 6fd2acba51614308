"""One snapshot, all metrics: planned, run, and what fails told apart from what does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import LockTimeout, MeasureError
from airflow_dataops.core.metrics import Count, Elsewhere, Facts, Fingerprint, Metric, Schema
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.ports import Database, Voucher
from airflow_dataops.core.results import Statement
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.engines.proofs.constraints import constraints_of
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.elsewhere import ask_neighbour, plan_elsewhere
from airflow_dataops.engines.sql.planning import halves, plan, profiled_columns
from airflow_dataops.engines.sql.profiles import Profile, profile_of
from airflow_dataops.engines.sql.sources import Source, schema_of
from airflow_dataops.engines.sql.statements import Planned
from airflow_dataops.engines.sql.uniqueness import Enough, Hashed
from airflow_dataops.engines.sql.vouching import Vouched
from airflow_dataops.engines.sql.watching import Watch

log = logging.getLogger(__name__)


Fetch = Callable[[str, int], list[tuple[Any, ...]]]
"""Runs one more SELECT in the snapshot, which reads all rows so many times, and returns its rows."""


def _nothing(facts: Facts, fetch: Fetch) -> None:
    """Look at no row."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured in one snapshot, and with which statements.

    :param proved: the metrics for which no row was read, with who vouches for them.
    """

    facts: Facts
    statements: tuple[Statement, ...]
    proved: Mapping[Metric, str]


class _StatementFailed(Exception):
    """A statement was refused: its snapshot is gone, and with it what was measured in it."""

    def __init__(self, planned: Planned, error: MeasureError) -> None:
        super().__init__(str(error))
        self.planned = planned
        self.error = error


class _SourceRefused(Exception):
    """Another source could not be described: the database may have ended the snapshot for it."""

    def __init__(self, refused: Mapping[Metric, MeasureError]) -> None:
        super().__init__(", ".join(str(error) for error in refused.values()))
        self.refused = refused


class _ProfileFailed(Exception):
    """The engine's catalogue could not be read, and the snapshot is gone."""


@dataclass(kw_only=True)
class _Lessons:
    """What snapshots that were lost have taught.

    :param culprits: metrics that the database refuses.
    :param exactly: metrics whose cheaper statement it refuses.
    :param profiled: whether its catalogue, statistics and constraints, can be read.
    """

    culprits: dict[Metric, MeasureError]
    exactly: set[Metric]
    profiled: bool = True


def measure(
    db: Database,
    source: Source,
    ask: Callable[[Schema], Iterable[Metric]],
    follow_up: Callable[[Facts], Iterable[Metric]],
    occasion: Occasion,
    *,
    look: Callable[[Facts, Fetch], None] = _nothing,
    vouchers: Sequence[Voucher] = (),
    watch: Watch | None = None,
) -> Measured:
    """Measure in one snapshot; a metric that cannot be measured has its ``MeasureError`` as value.

    A refused statement ends the snapshot. The culprit is then looked for by halving, and all others are measured
    again in a new one, so that every value comes from the same state of the data.

    :param ask: what to measure, given the columns that are there.
    :param follow_up: what the first values call for in addition.
    :param occasion: the time, and the way to other connections that metrics are measured on.
    :param look: is called at last with all facts, and may fetch rows from the same snapshot; not more than once.
    :param vouchers: what is known of the source without reading a row; what they know is not measured.
    :param watch: runs the statements, and can be told to stop.
    :raises MeasureError: the source cannot be read at all.
    :raises MeasurementStopped: the watch was told to stop.
    """
    lessons = _Lessons(culprits={}, exactly=set())
    culprits = lessons.culprits
    watch = watch or Watch()
    while True:
        try:
            with db.snapshot():
                return _Snapshot(db, source, lessons, occasion, vouchers, watch).run(ask, follow_up, look)
        except LockTimeout as error:
            raise MeasureError(str(error), retryable=True) from error
        except _SourceRefused as failed:
            culprits |= failed.refused
        except _ProfileFailed as failed:
            log.warning("The catalogue says nothing of %s, measuring without: %s", source, failed)
            lessons.profiled = False
        except _StatementFailed as failed:
            if isinstance(failed.planned, Enough | Hashed) and not failed.error.retryable:
                lessons.exactly |= {answer.metric for answer in failed.planned.answers}
                continue
            culprits |= _culprits(db, watch, failed.planned, failed.error)
            log.info("What the database refused is left out, all else is measured anew: %s", failed.error)


class _Snapshot:
    """The statements of one snapshot."""

    def __init__(
        self,
        db: Database,
        source: Source,
        lessons: _Lessons,
        occasion: Occasion,
        vouchers: Sequence[Voucher],
        watch: Watch,
    ) -> None:
        self.db = db
        self.occasion = occasion
        self.source = source
        self.watch = watch
        self.schema = schema_of(db, source)
        self.expressions = Expressions(source.dialect, self.schema)
        self.lessons = lessons
        self.values: dict[Metric, Any] = dict(lessons.culprits)
        self.vouched = Vouched([*vouchers, *self.constraints()], filtered=source.where is not None)
        self.statements: list[Statement] = []
        self.planned = 0

    def run(
        self,
        ask: Callable[[Schema], Iterable[Metric]],
        follow_up: Callable[[Facts], Iterable[Metric]],
        look: Callable[[Facts, Fetch], None],
    ) -> Measured:
        self.answer(ask(self.schema))
        facts = Facts(schema=self.schema, values=self.values, occasion=self.occasion)
        self.answer(follow_up(facts))
        look(facts, self.fetch)
        return Measured(facts=facts, statements=tuple(self.statements), proved=self.vouched.by)

    def answer(self, metrics: Iterable[Metric]) -> None:
        """Measure what is not known yet."""
        wanted = self.vouched.sift(metrics, self.values)
        self.elsewhere([metric for metric in wanted if isinstance(metric, Elsewhere)])
        plannable = [metric for metric in wanted if not isinstance(metric, Fingerprint | Elsewhere)]
        planned = plan(
            self.source,
            self.expressions,
            plannable,
            self.profile(plannable),
            exactly=self.lessons.exactly,
            known=self.values,
        )
        self.values.update(planned.refused)
        self.planned += len(planned.statements)
        for statement in planned.statements:
            self.timed(statement)
        if Fingerprint() in wanted:
            self.fingerprint()
        self.vouched.complete(self.values)

    def constraints(self) -> Iterator[Voucher]:
        """Yield what the table's source and its constraints vouch for."""
        if self.source.relation is None or not self.lessons.profiled:
            return
        yield from self.db.vouchers(self.source.relation)
        try:
            enforced = constraints_of(self.db, self.source.relation, self.schema)
        except MeasureError as error:
            raise _ProfileFailed(str(error)) from error
        if enforced is not None:
            yield enforced

    def profile(self, metrics: Sequence[Metric]) -> Profile:
        """Return what the engine's statistics say, as far as it decides how these metrics are measured."""
        texts, keys = profiled_columns(metrics, self.expressions)
        if not self.lessons.profiled or not texts | keys:
            return Profile()
        try:
            return profile_of(self.db, self.source, self.schema, texts=texts, keys=keys)
        except MeasureError as error:
            raise _ProfileFailed(str(error)) from error

    def elsewhere(self, metrics: list[Elsewhere]) -> None:
        """Measure on other relations: of this database in this snapshot, of others in one of theirs."""
        planned, refused = plan_elsewhere(self.db, (metric for metric in metrics if metric.connection is None))
        if refused:
            raise _SourceRefused(refused)
        self.planned += len(planned)
        for statement in planned:
            self.timed(statement, over=statement.source)
        for connection in dict.fromkeys(metric.connection for metric in metrics if metric.connection is not None):
            asked = [metric for metric in metrics if metric.connection == connection]
            values, statements = ask_neighbour(self.occasion, connection, asked)
            self.values.update(values)
            self.planned += len(statements)
            for statement in statements:
                self.statements.append(statement)
                self.tell(statement, over=f"connection {connection}")

    def timed(self, planned: Planned, over: str | None = None) -> None:
        """Run a statement; keep its values, and what it cost.

        :param over: what it reads, where that is another relation.
        """
        planned = planned.suited(self.values)
        label = f"Statement {len(self.statements) + 1} of {self.planned} over {over or self.source}"
        started = time.perf_counter()
        try:
            found, rest = planned.settled(_run(self.db, self.watch, planned, label), self.values)
        except MeasureError as error:
            raise _StatementFailed(planned, error) from error
        self.values.update(found)
        self.planned += rest is not None
        self.note(planned.sql, len(planned.answers), started, scans=planned.scans, over=over)
        if rest is not None:
            self.timed(rest, over)

    def fetch(self, sql: str, scans: int) -> list[tuple[Any, ...]]:
        """Run one more SELECT and return its rows; what it cost is noted too."""
        started = time.perf_counter()
        self.planned += 1
        rows = self.watch.run(self.db, lambda db: db.execute(sql), f"Looking for failing rows of {self.source}")
        self.note(sql, 0, started, scans=scans)
        return rows

    def fingerprint(self) -> None:
        if self.source.relation is None:
            raise MeasureError("a query has no fingerprint; gate the table that was built from it")
        started = time.perf_counter()
        self.planned += 1
        self.values[Fingerprint()] = fingerprint(self.db, self.source.relation)
        self.note(f"-- fingerprint of {self.source.relation}", 1, started)

    def note(self, sql: str, metrics: int, started: float, *, scans: int = 1, over: str | None = None) -> None:
        """Keep what a statement cost, and tell it in one line."""
        seconds = time.perf_counter() - started
        count = None if over else self.values.get(Count())
        rows = count if isinstance(count, int) else None
        read = None if rows is None else rows * scans
        self.statements.append(Statement(sql=sql, seconds=seconds, metrics=metrics, scans=scans, rows=read))
        self.tell(self.statements[-1], over=over, rows=rows)

    def tell(self, statement: Statement, *, over: str | None, rows: int | None = None) -> None:
        """Log what the last statement did, in one line.

        :param over: what it read, where that is not the source.
        :param rows: how many rows that has, where this is known.
        """
        metrics = statement.metrics
        log.info(
            "Statement %d of %d: %s over %s%s in %.2f s.",
            len(self.statements),
            self.planned,
            f"{metrics} {'metric' if metrics == 1 else 'metrics'}" if metrics else "failing rows",
            over or self.source,
            "" if rows is None else f" ({rows:,} {'row' if rows == 1 else 'rows'})",
            statement.seconds,
        )


def _run(db: Database, watch: Watch, planned: Planned, label: str) -> dict[Metric, Any]:
    return planned.read(watch.run(db, planned.run, label))


def _culprits(db: Database, watch: Watch, planned: Planned, error: MeasureError) -> dict[Metric, MeasureError]:
    """Return the metrics for which the statement is refused, each with the database's message."""
    if error.retryable or len(planned.answers) == 1:
        return {answer.metric: error for answer in planned.answers}
    found: dict[Metric, MeasureError] = {}
    for half in halves(planned):
        try:
            with db.snapshot():
                _run(db, watch, half, "looking for what was refused")
        except MeasureError as refused:
            found |= _culprits(db, watch, half, refused)
    # Refused as a whole and not in halves: nothing can be told apart.
    return found or {answer.metric: error for answer in planned.answers}
