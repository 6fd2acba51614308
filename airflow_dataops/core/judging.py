"""The rules by which a gate judges: pure, over what was measured. What cannot be told to be good is not good."""

from __future__ import annotations

from enum import StrEnum

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Count, Facts, OutOfOrder, Schema
from airflow_dataops.core.predicates import And, Kind, Not, OfKind, Or, both
from airflow_dataops.core.results import UNMEASURED, CheckResult
from airflow_dataops.core.values import counted
from airflow_dataops.core.verdicts import Outcome, Severity, Verdict, outcome_of, worst
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Need
from airflow_dataops.core.vocabulary.table import missing
from airflow_dataops.core.vocabulary.wording import condition_words


class OnEmpty(StrEnum):
    """What a gate says of data without a row."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - a policy, not a password


ALL_ROWS = Count()
NO_ORDER = "the rows of a table have no order of their own; say what orders them, as in order_by: [created_at, id]"

_EMPTY = {OnEmpty.FAIL: Verdict.FAIL, OnEmpty.WARN: Verdict.WARN, OnEmpty.PASS: Verdict.PASS}
_AS_OUTCOME = {Verdict.FAIL: Outcome.FAIL, Verdict.WARN: Outcome.WARN}
_ROWS_WANTED = Check(kind="expect_table_row_count_to_be_between", kwargs={"min_value": 1}, name="data is not empty")


def lacks_order(compiled: CompiledCheck) -> bool:
    """Whether a check of the order of rows leaves that order to the source, which only frames and files have."""
    return any(isinstance(metric, OutOfOrder) and not metric.order_by for metric in compiled.metrics)


def refused_by_schema(compiled: CompiledCheck, schema: Schema) -> CheckResult | None:
    """Return the failure of a check whose column is missing or of the wrong type; ``None`` if it can be measured."""
    for need in compiled.needs:
        stored = schema.find(need.column)
        if stored is None:
            return _failure(compiled, missing(need.column, schema), list(schema.names))
        if schema.typed and need.kinds is not None and not schema.holds(stored, need.kinds):
            found = f"{schema.kinds[stored]} ({schema.type_of(stored)})"
            return _failure(compiled, _wrong_type(need, found, compiled.expected), schema.type_of(stored))
        other = schema.find(need.like) if need.like else None
        if schema.typed and other is not None and not schema.comparable(stored, other):
            return _failure(compiled, _unlike(compiled, schema, stored, other), schema.type_of(stored))
    return None


def _unlike(compiled: CompiledCheck, schema: Schema, one: str, other: str) -> str:
    found, against = (f"{schema.kinds[name]} ({schema.type_of(name)})" for name in (one, other))
    differ = f"the column is {found} and {other} is {against}, so they cannot be compared"
    return f"{one}: {differ}; expected {compiled.expected}"


def _failure(compiled: CompiledCheck, message: str, observed: object) -> CheckResult:
    return CheckResult(
        check=compiled.check,
        outcome=outcome_of(False, compiled.check.severity),
        observed=observed,
        expected=compiled.expected,
        message=message,
    )


def _wrong_type(need: Need, found: str, expected: str) -> str:
    if need.like is not None:
        return f"{need.column}: the column is {found}, compared with {need.like}; expected {expected}"
    kinds = need.kinds or frozenset()
    # Columns of no kind we know (an enum, a UUID) are let through; nobody writes one to mend what is wrong here.
    wanted = " or ".join(sorted(kinds - {Kind.OTHER} or kinds))
    return f"{need.column}: the column is {found}, where {wanted} is needed; expected {expected}"


# What an untyped database keeps apart, value by value.
_KEPT_APART = (frozenset({Kind.NUMBER, Kind.BOOLEAN}), frozenset({Kind.TEXT, Kind.TIME}), frozenset({Kind.OTHER}))


def misfits(compiled: CompiledCheck, schema: Schema) -> dict[Need, Count]:
    """Return the counts that tell whether values are of the kinds needed, where the database's columns do not."""
    if schema.typed:
        return {}
    condition = compiled.rows.where if compiled.rows else None
    found: dict[Need, Count] = {}
    for need in compiled.needs:
        if need.kinds is not None:
            found[need] = Count(both(condition, Not(OfKind(need.column, need.kinds))))
        elif need.like is not None:
            both_of = tuple(And((OfKind(need.column, kinds), OfKind(need.like, kinds))) for kinds in _KEPT_APART)
            found[need] = Count(both(condition, Not(Or(both_of))))
    return found


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
                found_kind = f"of another kind in {counted(count, 'row')}"
                return _failure(compiled, _wrong_type(need, found_kind, compiled.expected), found_kind)
        found = compiled.judge(facts)
    except MeasureError as error:
        return unmeasured(compiled, error)
    except (ArithmeticError, TypeError, ValueError) as error:
        # A value that no check was made for must not take the evidence of all others with it, nor be told.
        return unmeasured(compiled, MeasureError(f"{type(error).__name__} in judging what the database answered"))
    return CheckResult(
        check=check,
        outcome=outcome_of(found.holds, check.severity) if not found.warns else _warned(check.severity),
        observed=found.observed,
        expected=found.expected,
        unexpected_count=found.unexpected_count,
        element_count=found.element_count,
        message=found.message,
    )


def _warned(severity: Severity) -> Outcome:
    """Return the outcome of a check that holds and is beyond its warning limit."""
    return Outcome.INFO if severity is Severity.INFO else Outcome.WARN


def unmeasured(compiled: CompiledCheck, error: MeasureError) -> CheckResult:
    """Return the result of a check that could not be measured, with the database's message."""
    return CheckResult(
        check=compiled.check,
        outcome=Outcome.ERROR,
        expected=compiled.expected,
        message=f"{compiled.place}{UNMEASURED}{error}",
        retryable=error.retryable,
    )


def _empty(compiled: CompiledCheck, on_empty: OnEmpty) -> CheckResult:
    """Return the result of a check that had no row to look at."""
    severity = compiled.check.severity
    if on_empty is OnEmpty.WARN and severity is Severity.CRITICAL:
        severity = Severity.WARNING
    condition = compiled.rows.where if compiled.rows else None
    why = f"no row meets {condition_words(condition)}" if condition else "the data is empty"
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
        expected="at least 1 row",
        message=f"table: the data is empty, which no check of the suite stops (on_empty={on_empty}); expected rows",
    )
    return (*results, empty)
