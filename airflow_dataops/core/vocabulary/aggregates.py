"""Checks of one number over a column: mean, deviation, median, min, max, sum, how many different values."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Aggregate, Count, Distinct, Facts, Function, Metric
from airflow_dataops.core.predicates import IsNull, Kind, Not, Predicate, both
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, bound, in_order, kind_of, number, range_of
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.ranges import Range
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import only_where

_NUMBERS = frozenset({Kind.NUMBER})
# What lies between two texts may be text or a time that SQLite, a CSV file or a person wrote as text.
_ORDERED = {
    Kind.NUMBER: _NUMBERS,
    Kind.TEXT: frozenset({Kind.TEXT, Kind.TIME}),
    Kind.TIME: frozenset({Kind.TIME}),
}


def _in_range(
    check: Check,
    arguments: dict[str, Any],
    *,
    name: str,
    metrics: tuple[Metric, ...],
    observe: Callable[[Facts], Any],
    kinds: frozenset[Kind] | None = None,
    no_value: str | None = None,
) -> CompiledCheck:
    """Return a check that one number lies in a range.

    :param observe: makes the number of the metrics; ``None`` where there was no value to make it of, NaN where
        infinities have no such number.
    :param no_value: why there is none, where it can be for more than nulls.
    """
    in_order(arguments, limited=False)  # without a limit it asks for a value, as in GX
    limits = Range.read(arguments)
    column, condition = arguments["column"], arguments["row_condition"]
    number = name + only_where(condition)

    def judge(facts: Facts) -> Finding:
        observed = observe(facts)
        if observed is None or observed != observed:
            why = "as every value is null" if observed is None else "as it holds infinities"
            return Finding(
                holds=False,
                observed=None,
                expected=str(limits),
                message=f"{column}: has no {number}, {no_value or why}; expected {limits}",
            )
        return Finding(
            holds=limits.holds(observed),
            observed=observed,
            expected=str(limits),
            message=f"{column}: {number} is {limits.told(observed)}; expected {limits}",
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=str(limits),
        needs=(Need(column=column, kinds=kinds), *needs_of(condition)),
        metrics=metrics,
        rows=Count(condition),
    )


def _aggregate(check: Check, arguments: dict[str, Any], *, function: Function) -> CompiledCheck:
    metric = Aggregate(function, arguments["column"], arguments["row_condition"])
    kinds: frozenset[Kind] | None = _NUMBERS
    if function in (Function.MIN, Function.MAX):
        known = [arguments[name] for name in ("min_value", "max_value") if arguments[name] is not None]
        kinds = _ORDERED[kind_of(known[0])] if known else None
    return _in_range(
        check,
        arguments,
        name=str(function),
        metrics=(metric,),
        observe=lambda facts: facts[metric],
        kinds=kinds,
        no_value="which takes two finite values" if function is Function.STDEV else None,
    )


def _there(arguments: dict[str, Any]) -> Predicate | None:
    return both(arguments["row_condition"], Not(IsNull(arguments["column"])))


def _unique_count(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    distinct = Distinct((arguments["column"],), _there(arguments))
    return _in_range(
        check,
        arguments,
        name="number of different values",
        metrics=(distinct,),
        observe=lambda facts: facts[distinct],
    )


def _unique_share(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    where = _there(arguments)
    distinct = Distinct((arguments["column"],), where)

    def observe(facts: Facts) -> float:
        rows = facts.count(where)
        return float(Fraction(facts[distinct], rows)) if rows else 0.0

    return _in_range(
        check,
        arguments,
        name="share of different values",
        metrics=(distinct, Count(where)),
        observe=observe,
    )


def _there_share(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    rows, there = Count(arguments["row_condition"]), Count(_there(arguments))
    return _in_range(
        check,
        arguments,
        name="share of values that are not null",
        metrics=(rows, there),
        observe=lambda facts: float(Fraction(facts.count(there.where), facts.count(rows.where))),
    )


_NUMBER_RANGE = {**COLUMN, **range_of(number), **CONDITION}
_ANY_RANGE = {**COLUMN, **range_of(bound), **CONDITION}

TERMS = {
    "expect_column_mean_to_be_between": Term(_NUMBER_RANGE, partial(_aggregate, function=Function.MEAN)),
    "expect_column_median_to_be_between": Term(_NUMBER_RANGE, partial(_aggregate, function=Function.MEDIAN)),
    "expect_column_stdev_to_be_between": Term(_NUMBER_RANGE, partial(_aggregate, function=Function.STDEV)),
    "expect_column_sum_to_be_between": Term(_NUMBER_RANGE, partial(_aggregate, function=Function.SUM)),
    "expect_column_min_to_be_between": Term(_ANY_RANGE, partial(_aggregate, function=Function.MIN)),
    "expect_column_max_to_be_between": Term(_ANY_RANGE, partial(_aggregate, function=Function.MAX)),
    "expect_column_unique_value_count_to_be_between": Term(_NUMBER_RANGE, _unique_count),
    "expect_column_proportion_of_unique_values_to_be_between": Term(_NUMBER_RANGE, _unique_share),
    "expect_column_proportion_of_non_null_values_to_be_between": Term(_NUMBER_RANGE, _there_share),
}
