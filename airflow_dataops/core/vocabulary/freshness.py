"""Freshness: how old the newest value of a column of times is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.durations import read_duration, said
from airflow_dataops.core.errors import MeasureError, SuiteError
from airflow_dataops.core.metrics import Aggregate, Count, Facts, Function
from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, Parameter, one_of
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.ranges import moment_of
from airflow_dataops.core.vocabulary.rows import needs_of

INTERVAL_END, NOW = "data_interval_end", "now"
_AHEAD = timedelta(days=1)
"""A clock without a zone may be that far ahead of UTC."""


def _duration(value: Any) -> timedelta:
    """A length of time: ``36 hours``, ``PT36H``."""
    found = read_duration(value) if isinstance(value, str) else value if isinstance(value, timedelta) else None
    if found is None or found <= timedelta(0):
        raise SuiteError(f"expected a length of time such as '36 hours' or 'PT36H', got {value!r}")
    return found


def _fresh(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, max_age, condition = arguments["column"], arguments["max_age"], arguments["row_condition"]
    newest = Aggregate(Function.MAX, column, condition)
    expected = f"at most {said(max_age)} old"

    def judge(facts: Facts) -> Finding:
        value = facts[newest]
        if value is None:
            return Finding(
                holds=False,
                observed=None,
                expected=expected,
                message=f"{column}: has no newest value, as every value is null; expected {expected}",
            )
        at = _read(value)
        as_of, which = _as_of(facts, arguments["relative_to"])
        age = as_of - at
        if facts.occasion and at - facts.occasion.now > _AHEAD:
            # One row of the year 2999 would make any table look fresh for ever.
            return Finding(
                holds=False,
                observed=value,
                expected=expected,
                message=f"{column}: newest is {at.isoformat()}, in the future; expected {expected}",
            )
        when = "after" if age < timedelta(0) else "before"
        return Finding(
            holds=age <= max_age,
            observed=value,
            expected=expected,
            message=(
                f"{column}: newest is {at.isoformat()}, {said(age)} {when} {which} ({as_of:%Y-%m-%d %H:%M %Z}); "
                f"expected {expected}"
            ),
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=expected,
        needs=(Need(column=column, kinds=frozenset({Kind.TIME})), *needs_of(condition)),
        metrics=(newest,),
        rows=Count(condition),
    )


def _read(value: Any) -> datetime:
    try:
        return moment_of(value)
    except (TypeError, ValueError, OverflowError):
        raise MeasureError("the column's newest value is no date, and no time of a day") from None


def _as_of(facts: Facts, relative_to: str | None) -> tuple[datetime, str]:
    """Return the moment that ages are counted from, and its name: the data interval's end where there is one."""
    occasion = facts.occasion
    if occasion is None:
        raise MeasureError("the time is not known")
    if relative_to != NOW and occasion.interval_end is not None:
        return moment_of(occasion.interval_end), "the data interval's end"
    if relative_to == INTERVAL_END:
        raise MeasureError("this run has no data interval; write relative_to: now")
    return occasion.now, "now"


TERMS = {
    "expect_column_newest_value_to_be_recent": Term(
        {
            **COLUMN,
            "max_age": Parameter(_duration),
            "relative_to": Parameter(one_of(INTERVAL_END, NOW), None),
            **CONDITION,
        },
        _fresh,
    ),
}
