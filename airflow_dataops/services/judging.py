"""Where a suite meets an engine: compile, measure in one snapshot, judge."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.errors import ConfigurationError, MeasureError, SuiteError
from airflow_dataops.core.judging import (
    ALL_ROWS,
    NO_ORDER,
    OnEmpty,
    judge_all,
    lacks_order,
    misfits,
    refused_by_schema,
    unmeasured,
)
from airflow_dataops.core.metrics import ExpectationResult, Facts, Fingerprint, Metric, Schema
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.ports import Database, Voucher
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import CheckResult, GateResult, Statement
from airflow_dataops.core.values import jsonable
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.core.vocabulary import CompiledCheck, compile_check

if TYPE_CHECKING:
    from airflow_dataops.core.vocabulary.compiled import Broken
    from airflow_dataops.engines.sql.measuring import Fetch
    from airflow_dataops.engines.sql.sources import Source
    from airflow_dataops.engines.sql.watching import Watch

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
    ordered: bool = False,
    occasion: Occasion | None = None,
    vouchers: Sequence[Voucher] = (),
    watch: Watch | None = None,
) -> GateResult:
    """Judge ``source`` with ``suite``: all metrics, and the fingerprint, from one snapshot of the data.

    :param source: a table or view, or the text of a SELECT.
    :param on_empty: what data without a row is: ``"fail"``, ``"warn"`` or ``"pass"``.
    :param fingerprint: measure the relation's fingerprint in the same snapshot.
    :param samples: how many failing rows of each row-wise check to keep; they are raw values.
    :param where: a SQL condition; rows that do not meet it are not looked at.
    :param label: the source as a person names it; else the table's name or the SELECT.
    :param ordered: whether the rows have an order of their own, as those of frames and files have.
    :param occasion: the time and the data interval, and the way to other connections; else now, and none.
    :param vouchers: what is known of the source without reading a row.
    :param watch: runs the statements, and stops them when the task is killed.
    :raises SuiteError: a check is unknown, lacks what it needs, or cannot be measured on this database at all.
    :raises ConfigurationError: ``source`` or ``where`` is not one SQL expression.
    """
    from airflow_dataops.engines.sql.sources import source_of

    started = time.perf_counter()
    policy = _policy(on_empty)
    compiled, refused = _compiled(suite, db.dialect, ordered=ordered)
    named: dict[str, Any] = {"relation": source} if isinstance(source, Relation) else {"query": source}
    measured_source = source_of(db.dialect, where=where, label=label, **named)
    judging = _Judging(
        source=measured_source,
        compiled=compiled,
        policy=policy,
        fingerprint=fingerprint,
        occasion=occasion or Occasion(now=datetime.now(UTC)),
        samples=samples,
    )
    results, statements, facts = judging.judge(db, vouchers, watch)
    return GateResult(
        suite=suite.name,
        suite_hash=suite.hash,
        source=str(measured_source),
        results=(*results, *refused),
        statements=statements,
        row_count=_value(facts, ALL_ROWS),
        fingerprint=_value(facts, Fingerprint()),
        seconds=time.perf_counter() - started,
    )


def _compiled(
    suite: Suite, dialect: str, *, ordered: bool
) -> tuple[tuple[CompiledCheck, ...], tuple[CheckResult, ...]]:
    """Return the checks as metrics and judges, before anything is asked of the database.

    A contract's check that cannot be asked is an ERROR of that check: it is not for the gate's author to mend.
    """
    compiled, refused = [], []
    for position, check in enumerate(suite, start=1):
        place = f"{suite.name}: check {position}" if check.contract is None else check.label
        try:
            compiled.append(_compiled_check(check, place, dialect, ordered=ordered))
        except SuiteError as error:
            if check.contract is None:
                raise
            message = check.contract.get("problem") or str(error)
            refused.append(CheckResult(check=check, outcome=Outcome.ERROR, message=message))
    return tuple(compiled), tuple(refused)


def _compiled_check(check: Check, place: str, dialect: str, *, ordered: bool) -> CompiledCheck:
    from airflow_dataops.engines.sql.foreign import refusal

    one = compile_check(check)
    if not ordered and lacks_order(one):
        raise SuiteError(f"{place}: {check.kind}: {NO_ORDER}.")
    for metric in one.metrics:
        refused = refusal(dialect, metric) if isinstance(metric, ExpectationResult) else None
        if refused:
            raise SuiteError(f"{place}: {refused}.")
    return one


@dataclass(frozen=True, kw_only=True)
class _Judging:
    """One suite over one source."""

    source: Source
    compiled: tuple[CompiledCheck, ...]
    policy: OnEmpty
    fingerprint: bool
    occasion: Occasion
    samples: int

    def judge(
        self, db: Database, vouchers: Sequence[Voucher], watch: Watch | None
    ) -> tuple[tuple[CheckResult, ...], tuple[Statement, ...], Facts | None]:
        """Return the results, the statements and, unless the source could not be read at all, the facts."""
        from airflow_dataops.engines.sql.measuring import measure

        found: list[CheckResult] = []

        def look(facts: Facts, fetch: Fetch) -> None:
            found.extend(self.with_rows(facts, judge_all(self.compiled, facts, self.policy), fetch))

        try:
            measured = measure(
                db, self.source, self.ask, self.follow_up, self.occasion, look=look, vouchers=vouchers, watch=watch
            )
        except MeasureError as error:
            return tuple(unmeasured(one, error) for one in self.compiled), (), None
        proved = {id(one.check): _proved_by(one, measured.facts, measured.proved) for one in self.compiled}
        marked = (
            result if result.outcome is Outcome.ERROR else replace(result, proved_by=proved.get(id(result.check)))
            for result in found
        )
        return tuple(marked), measured.statements, measured.facts

    def ask(self, schema: Schema) -> Iterator[Metric]:
        """Yield what to measure, given the columns."""
        yield ALL_ROWS
        if self.fingerprint:
            yield Fingerprint()
        for one in _measurable(self.compiled, schema):
            yield from _asked(one, schema)

    def follow_up(self, facts: Facts) -> Iterator[Metric]:
        """Yield what the first values call for."""
        for one in _measurable(self.compiled, facts.schema):
            try:
                yield from one.follow_up(facts)
            except MeasureError:
                continue  # the judge will say so of this check

    def with_rows(self, facts: Facts, results: Iterable[CheckResult], fetch: Fetch) -> Iterator[CheckResult]:
        """Yield the results, row-wise ones with the SELECT of their failing rows and, if asked for, a few of these."""
        from airflow_dataops.engines.sql.compiling import Expressions
        from airflow_dataops.engines.sql.planning import failing_rows

        expressions = Expressions(self.source.dialect, facts.schema)
        told = list(results)
        rows = self.breaking(facts, told)
        taken = self.sampled(facts, told, rows, fetch) if self.samples else {}
        for number, result in enumerate(told):
            if number not in rows:
                yield result
                continue
            shown = failing_rows(self.source, expressions, rows[number], _SHOWN_ROWS)
            yield replace(result, failing_rows_sql=shown, samples=tuple(taken.get(number, ())))

    def breaking(self, facts: Facts, results: Sequence[CheckResult]) -> dict[int, Broken]:
        """Return, by the result's number, which rows break a row-wise check."""
        broken = {id(one.check): one.broken for one in self.compiled}
        found: dict[int, Broken] = {}
        for number, result in enumerate(results):
            rows = None if result.unexpected_count is None else broken.get(id(result.check))
            rows = rows(facts) if callable(rows) else rows
            if rows is not None:
                found[number] = rows
        return found

    def sampled(
        self, facts: Facts, results: Sequence[CheckResult], rows: Mapping[int, Broken], fetch: Fetch
    ) -> dict[int, list[dict[str, Any]]]:
        """Return a few of the rows that break each check that does not hold."""
        from airflow_dataops.engines.sql.compiling import Expressions
        from airflow_dataops.engines.sql.sampling import Breach, Sampler

        breaches = {
            number: Breach(rows=broken, count=results[number].unexpected_count or 0)
            for number, broken in rows.items()
            if results[number].unexpected_count and results[number].outcome is not Outcome.PASS
        }
        expressions = Expressions(self.source.dialect, facts.schema)
        sampler = Sampler(source=self.source, expressions=expressions, limit=self.samples, fetch=fetch)
        try:
            found = sampler.sample(breaches)
        except MeasureError as error:
            log.warning("Failing rows could not be read: %s", error)
            return {}
        return {number: jsonable(some) for number, some in found.items()}


def _asked(one: CompiledCheck, schema: Schema) -> Iterator[Metric]:
    yield from one.metrics
    yield from misfits(one, schema).values()
    if one.rows is not None:
        yield one.rows


def _proved_by(one: CompiledCheck, facts: Facts, proved: Mapping[Metric, str]) -> str | None:
    """Return who vouches for a check, if somebody does for each of its metrics; the number of rows does not count."""
    if refused_by_schema(one, facts.schema) is not None:
        return None
    try:
        metrics = {*_asked(one, facts.schema), *one.follow_up(facts)}
    except MeasureError:
        return None
    if metrics != {ALL_ROWS}:
        metrics.discard(ALL_ROWS)
    if not metrics or not all(metric in proved for metric in metrics):
        return None
    return ", ".join(dict.fromkeys(sorted(proved[metric] for metric in metrics)))


def _policy(on_empty: str) -> OnEmpty:
    try:
        return OnEmpty(on_empty)
    except ValueError:
        raise ConfigurationError(f"on_empty is {on_empty!r}; expected one of {', '.join(OnEmpty)}.") from None


def _measurable(compiled: tuple[CompiledCheck, ...], schema: Schema) -> Iterator[CompiledCheck]:
    return (one for one in compiled if refused_by_schema(one, schema) is None)


def _value(facts: Facts | None, metric: Metric) -> Any:
    value = None if facts is None else facts.values.get(metric)
    return None if isinstance(value, MeasureError) else value
