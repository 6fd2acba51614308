"""The rules by which a gate judges: pure, over what was measured. What cannot be told to be good is not good."""

from __future__ import annotations

from enum import StrEnum

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Count, Facts, Schema
from airflow_dataops.core.predicates import Not, OfKind, both
from airflow_dataops.core.results import CheckResult
from airflow_dataops.core.verdicts import Outcome, Severity, Verdict, outcome_of, worst
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Need
from airflow_dataops.core.vocabulary.table import missing


class OnEmpty(StrEnum):
    """What a gate says of data without a row."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - a policy, not a password


ALL_ROWS = Count()

_EMPTY = {OnEmpty.FAIL: Verdict.FAIL, OnEmpty.WARN: Verdict.WARN, OnEmpty.PASS: Verdict.PASS}
_AS_OUTCOME = {Verdict.FAIL: Outcome.FAIL, Verdict.WARN: Outcome.WARN}
_ROWS_WANTED = Check(kind="expect_table_row_count_to_be_between", kwargs={"min_value": 1}, name="data is not empty")


def refused_by_schema(compiled: CompiledCheck, schema: Schema) -> CheckResult | None:
    """Return the failure of a check whose column is missing or of the wrong type; ``None`` if it can be measured."""
    for need in compiled.needs:
        stored = schema.find(need.column)
        if stored is None:
            return _failure(compiled, missing(need.column, schema), list(schema.names))
        if schema.typed and need.kinds is not None and schema.kinds[stored] not in need.kinds:
            found = f"{schema.kinds[stored]} ({schema.type_of(stored)})"
            return _failure(compiled, _wrong_type(need, found, compiled.expected), schema.type_of(stored))
    return None


def _failure(compiled: CompiledCheck, message: str, observed: object) -> CheckResult:
    return CheckResult(
        check=compiled.check,
        outcome=outcome_of(False, compiled.check.severity),
        observed=observed,
        expected=compiled.expected,
        message=message,
    )


def _wrong_type(need: Need, found: str, expected: str) -> str:
    wanted = " or ".join(sorted(need.kinds or ()))
    return f"{need.column}: the column is {found}, where {wanted} is needed; expected {expected}"


def misfits(compiled: CompiledCheck, schema: Schema) -> dict[Need, Count]:
    """Return the counts that tell whether values are of the kinds needed, where the database's columns do not."""
    if schema.typed:
        return {}
    condition = compiled.rows.where if compiled.rows else None
    return {
        need: Count(both(condition, Not(OfKind(need.column, need.kinds))))
        for need in compiled.needs
        if need.kinds is not None
    }


def judge_check(compiled: CompiledCheck, facts: Facts, on_empty: OnEmpty) -> CheckResult:
    """Return how a check came out: missing facts are ERROR, no rows are what ``on_empty`` says."""
    check = compiled.check
    try:
        refused = refused_by_schema(compiled, facts.schema)
        if refused is not None:
            return refused
        if compiled.rows is not None and facts.count(compiled.rows.where) == 0:
            return _empty(compiled, on_empty)
        for need, metric in misfits(compiled, facts.schema).items():
            count = facts.count(metric.where)
            if count:
                found_kind = f"of another kind in {count:,} rows"
                return _failure(compiled, _wrong_type(need, found_kind, compiled.expected), count)
        found = compiled.judge(facts)
    except MeasureError as error:
        return unmeasured(compiled, error)
    return CheckResult(
        check=check,
        outcome=outcome_of(found.holds, check.severity),
        observed=found.observed,
        expected=found.expected,
        unexpected_count=found.unexpected_count,
        element_count=found.element_count,
        message=found.message,
    )


def unmeasured(compiled: CompiledCheck, error: MeasureError) -> CheckResult:
    """Return the result of a check that could not be measured, with the database's message."""
    return CheckResult(
        check=compiled.check,
        outcome=Outcome.ERROR,
        expected=compiled.expected,
        message=f"{compiled.place}: could not be measured: {error}",
        retryable=error.retryable,
    )


def _empty(compiled: CompiledCheck, on_empty: OnEmpty) -> CheckResult:
    """Return the result of a check that had no row to look at."""
    severity = compiled.check.severity
    if on_empty is OnEmpty.WARN and severity is Severity.CRITICAL:
        severity = Severity.WARNING
    condition = compiled.check.kwargs.get("row_condition")
    why = f"no row meets {condition}" if condition else "the data is empty"
    return CheckResult(
        check=compiled.check,
        outcome=outcome_of(on_empty is OnEmpty.PASS, severity),
        observed=None,
        expected=compiled.expected,
        element_count=0,
        message=(
            f"{compiled.place}: {why}, so nothing was looked at (on_empty={on_empty}); expected {compiled.expected}"
        ),
    )


def judge_all(compiled: tuple[CompiledCheck, ...], facts: Facts, on_empty: OnEmpty) -> tuple[CheckResult, ...]:
    """Return a result for each check, and one more where empty data would look better than ``on_empty`` says."""
    results = tuple(judge_check(one, facts, on_empty) for one in compiled)
    rows = facts.values.get(ALL_ROWS)
    if not results or rows != 0 or isinstance(rows, MeasureError):
        return results
    wanted = _EMPTY[on_empty]
    if wanted is Verdict.PASS or list(Verdict).index(worst(r.outcome for r in results)) >= list(Verdict).index(wanted):
        return results
    empty = CheckResult(
        check=_ROWS_WANTED,
        outcome=_AS_OUTCOME[wanted],
        observed=0,
        expected="at least 1 rows",
        message=f"table: the data is empty, which no check of the suite stops (on_empty={on_empty}); expected rows",
    )
    return (*results, empty)
