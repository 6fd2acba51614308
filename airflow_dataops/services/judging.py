"""Where a suite meets an engine: compile, measure in one snapshot, judge."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.checks import Suite
from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.judging import ALL_ROWS, OnEmpty, judge_all, misfits, refused_by_schema, unmeasured
from airflow_dataops.core.metrics import Facts, Fingerprint, Metric, Schema
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import CheckResult, GateResult, Statement
from airflow_dataops.core.values import jsonable
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.core.vocabulary import CompiledCheck, compile_check

if TYPE_CHECKING:
    from airflow_dataops.engines.sql.sources import Source

log = logging.getLogger(__name__)

# What a person pastes into a console; samples, which are stored, have their own limit.
_SHOWN_ROWS = 100


def judge(
    db: Database,
    source: Relation | str,
    suite: Suite,
    *,
    on_empty: str = "fail",
    fingerprint: bool = False,
    samples: int = 0,
    where: str | None = None,
    label: str | None = None,
) -> GateResult:
    """Judge ``source`` with ``suite``: all metrics, and the fingerprint, from one snapshot of the data.

    :param source: a table or view, or the text of a SELECT.
    :param on_empty: what data without a row is: ``"fail"``, ``"warn"`` or ``"pass"``.
    :param fingerprint: measure the relation's fingerprint in the same snapshot.
    :param samples: how many failing rows of each row-wise check to keep; they are raw values.
    :param where: a SQL condition; rows that do not meet it are not looked at.
    :param label: the source as a person names it; else the table's name or the SELECT.
    :raises SuiteError: a check is unknown or lacks what it needs.
    :raises ConfigurationError: ``source`` or ``where`` is not one SQL expression.
    """
    from airflow_dataops.engines.sql.sources import source_of

    started = time.perf_counter()
    policy = _policy(on_empty)
    compiled = tuple(compile_check(check) for check in suite)
    named: dict[str, Any] = {"relation": source} if isinstance(source, Relation) else {"query": source}
    measured_source = source_of(db.dialect, where=where, label=label, **named)
    results, statements, facts = _measure_and_judge(db, measured_source, compiled, policy, fingerprint=fingerprint)
    if facts is not None:
        results = tuple(_with_rows(db, measured_source, facts, compiled, results, samples))
    return GateResult(
        suite=suite.name,
        suite_hash=suite.hash,
        source=str(measured_source),
        results=results,
        statements=statements,
        row_count=_value(facts, ALL_ROWS),
        fingerprint=_value(facts, Fingerprint()),
        seconds=time.perf_counter() - started,
    )


def _measure_and_judge(
    db: Database, source: Source, compiled: tuple[CompiledCheck, ...], policy: OnEmpty, *, fingerprint: bool
) -> tuple[tuple[CheckResult, ...], tuple[Statement, ...], Facts | None]:
    """Return the results, the statements and, unless the source could not be read at all, the facts."""
    from airflow_dataops.engines.sql.measuring import measure

    def ask(schema: Schema) -> Iterator[Metric]:
        yield ALL_ROWS
        if fingerprint:
            yield Fingerprint()
        for one in _measurable(compiled, schema):
            yield from one.metrics
            yield from misfits(one, schema).values()
            if one.rows is not None:
                yield one.rows

    def follow_up(facts: Facts) -> Iterator[Metric]:
        for one in _measurable(compiled, facts.schema):
            try:
                yield from one.follow_up(facts)
            except MeasureError:
                continue  # the judge will say so of this check

    try:
        measured = measure(db, source, ask, follow_up)
    except MeasureError as error:
        return tuple(unmeasured(one, error) for one in compiled), (), None
    return judge_all(compiled, measured.facts, policy), measured.statements, measured.facts


def _policy(on_empty: str) -> OnEmpty:
    try:
        return OnEmpty(on_empty)
    except ValueError:
        raise ConfigurationError(f"on_empty is {on_empty!r}; expected one of {', '.join(OnEmpty)}.") from None


def _measurable(compiled: tuple[CompiledCheck, ...], schema: Schema) -> Iterator[CompiledCheck]:
    return (one for one in compiled if refused_by_schema(one, schema) is None)


def _with_rows(
    db: Database,
    source: Source,
    facts: Facts,
    compiled: tuple[CompiledCheck, ...],
    results: Iterable[CheckResult],
    samples: int,
) -> Iterator[CheckResult]:
    """Yield the results, row-wise ones with the SELECT of their failing rows and, if asked for, a few of these."""
    from airflow_dataops.engines.sql.compiling import Expressions
    from airflow_dataops.engines.sql.planning import failing_rows

    broken = {id(one.check): one.broken for one in compiled}
    expressions = Expressions(db.dialect, facts.schema)
    for result in results:
        rows = broken.get(id(result.check))
        if rows is None or result.unexpected_count is None:
            yield result
            continue
        taken: tuple[dict[str, Any], ...] = ()
        if samples and result.unexpected_count and result.outcome is not Outcome.PASS:
            taken = _sample(db, facts.schema, failing_rows(source, expressions, rows, samples))
        yield replace(result, failing_rows_sql=failing_rows(source, expressions, rows, _SHOWN_ROWS), samples=taken)


def _sample(db: Database, schema: Schema, sql: str) -> tuple[dict[str, Any], ...]:
    try:
        rows = db.execute(sql)
    except MeasureError as error:
        log.warning("Failing rows could not be read: %s", error)
        return ()
    # A sample of repeated rows has one column more, how many times, which is left out.
    return tuple(jsonable(dict(zip(schema.names, row, strict=False))) for row in rows)


def _value(facts: Facts | None, metric: Metric) -> Any:
    value = None if facts is None else facts.values.get(metric)
    return None if isinstance(value, MeasureError) else value
