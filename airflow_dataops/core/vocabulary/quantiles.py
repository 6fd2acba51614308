"""Quantiles, each in a range of its own.

Great Expectations picks the nearest value on pandas, and the first that reaches the share (``percentile_disc``) on SQL:
two answers for the same data. Here it is the nearest everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import QUANTILE_METHODS, Count, Facts, Quantiles
from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, Parameter, number, share
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.ranges import Range
from airflow_dataops.core.vocabulary.rows import needs_of

_KEYS = ("quantiles", "value_ranges")


def _quantiles(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, condition = arguments["column"], arguments["row_condition"]
    shares, ranges = zip(*arguments["quantile_ranges"], strict=True)
    metric = Quantiles(column, shares, arguments["allow_relative_error"], condition)
    expected = ", ".join(f"{one:g} {limits}".strip() for one, limits in zip(shares, ranges, strict=True))

    def judge(facts: Facts) -> Finding:
        values = facts[metric]
        observed = {"quantiles": list(shares), "values": list(values)}
        if None in values:
            message = f"{column}: has no quantiles, as every value is null; expected {expected}"
            return Finding(holds=False, observed=observed, expected=expected, message=message)
        outside = [
            f"quantile {one:g} is {limits.told(value)}, expected {limits}"
            for one, value, limits in zip(shares, values, ranges, strict=True)
            if not _lies_in(value, limits)
        ]
        told = "; ".join(outside) or f"as expected: {expected}"
        return Finding(holds=not outside, observed=observed, expected=expected, message=f"{column}: {told}")

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=expected,
        needs=(Need(column=column, kinds=frozenset({Kind.NUMBER})), *needs_of(condition)),
        metrics=(metric,),
        rows=Count(condition),
    )


def _lies_in(value: Any, limits: Range) -> bool:
    """Whether a quantile is in its range or, as Great Expectations has it, within a ten-thousandth of a bound."""
    bounds = [float(bound) for bound in (limits.low, limits.high) if bound is not None]
    near = any(math.isclose(float(value), bound, rel_tol=0, abs_tol=1e-8 + 1e-4 * abs(bound)) for bound in bounds)
    return near or limits.holds(value)


def _ranges(value: Any) -> tuple[tuple[float, Range], ...]:
    """The quantiles, each with its range."""
    if not isinstance(value, Mapping) or set(value) != set(_KEYS):
        raise SuiteError(f"expected {' and '.join(_KEYS)}, two lists of one length, got {value!r}")
    shares, ranges = value["quantiles"], value["value_ranges"]
    if not isinstance(shares, list | tuple) or not isinstance(ranges, list | tuple) or len(shares) != len(ranges):
        raise SuiteError("quantiles and value_ranges must be lists of one length")
    if not shares:
        raise SuiteError("quantiles is empty, which asks for nothing")
    return tuple((float(share(one)), _range(limits)) for one, limits in zip(shares, ranges, strict=True))


def _range(value: Any) -> Range:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SuiteError(f"expected a pair [min, max] for each quantile, got {value!r}")
    low, high = (None if bound is None else number(bound) for bound in value)
    if low is not None and high is not None and low > high:
        raise SuiteError(f"the range [{low}, {high}] has its min above its max")
    return Range(low=low, high=high)


def _method(value: Any) -> str:
    """GX's ``allow_relative_error``: no error is ever made here; on pandas GX reads it as the way to interpolate."""
    if isinstance(value, bool):
        return "nearest"
    if value not in QUANTILE_METHODS:
        raise SuiteError(f"expected true, false or one of {', '.join(QUANTILE_METHODS)}, got {value!r}")
    return str(value)


TERMS = {
    "expect_column_quantile_values_to_be_between": Term(
        {
            **COLUMN,
            "quantile_ranges": Parameter(_ranges),
            "allow_relative_error": Parameter(_method, "nearest"),
            **CONDITION,
        },
        _quantiles,
    ),
}
