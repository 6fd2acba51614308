"""Values too far from the others: how far is measured first, and only then who lies beyond. At most two rounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Aggregate, Count, Facts, Function, Metric, Quantiles
from airflow_dataops.core.predicates import Compare, IsNull, Kind, Not, Or, Predicate, ZScore, both
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, MOSTLY, Parameter, flag, number, one_of
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.ranges import Range
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import asked, rowwise

_QUARTILES = (0.25, 0.75)


@dataclass(frozen=True)
class _Far:
    """The values that lie too far off, and the range that they are not in."""

    values: Predicate
    allowed: Range


def _beyond(
    check: Check,
    arguments: dict[str, Any],
    *,
    first: tuple[Metric, ...],
    far: Callable[[Facts], _Far | None],
    wanted: str,
) -> CompiledCheck:
    """Return a row-wise check whose predicate the first round's metrics make.

    :param far: which values break it; ``None`` where there is nothing to measure distance by, and so no value breaks
        it, as Great Expectations has it. It is not asked where all values are equal: their deviation need not be zero,
        nor their mean one of them, once both are rounded.
    """
    column, condition, mostly = arguments["column"], arguments["row_condition"], arguments["mostly"]
    there = both(condition, Not(IsNull(column)))
    least, most = (Aggregate(function, column, condition) for function in (Function.MIN, Function.MAX))

    def looked(facts: Facts) -> _Far | None:
        return None if facts[least] == facts[most] else far(facts)

    def broken(facts: Facts) -> Predicate | None:
        found = looked(facts)
        return None if found is None else both(condition, found.values)

    def follow_up(facts: Facts) -> tuple[Metric, ...]:
        distant = broken(facts)
        return () if distant is None else (Count(distant),)

    def judge(facts: Facts) -> Finding:
        found = looked(facts)
        return rowwise(
            column,
            broken=0 if found is None else facts.count(broken(facts)),
            rows=facts.count(there),
            mostly=mostly,
            wanted=wanted,
            breaks="" if found is None else f"are not {found.allowed.short()}",
            noun="values",
            condition=condition,
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, wanted),
        needs=(Need(column=column, kinds=frozenset({Kind.NUMBER})), *needs_of(condition)),
        metrics=(Count(there), least, most, *first),
        rows=Count(condition),
        broken=broken,
        follow_up=follow_up,
    )


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _z_scores(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, condition, threshold = arguments["column"], arguments["row_condition"], arguments["threshold"]
    mean, deviation = (Aggregate(function, column, condition) for function in (Function.MEAN, Function.STDEV))
    double_sided = arguments["double_sided"]
    limit = abs(threshold) if double_sided else threshold

    def far(facts: Facts) -> _Far | None:
        middle, spread = _finite(facts[mean]), _finite(facts[deviation])
        if middle is None or not spread:
            return None
        score, reach = ZScore(column, middle, spread), float(limit) * spread
        above = Compare(score, ">=", limit)
        if not double_sided:
            return _Far(above, Range(high=middle + reach, strict_high=True))
        return _Far(Or((above, Compare(score, "<=", -limit))), _around(middle, reach))

    side = "from" if double_sided else "above"
    return _beyond(
        check,
        arguments,
        first=(mean, deviation),
        far=far,
        wanted=f"less than {readable(limit)} standard deviations {side} the mean",
    )


def _outliers(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, condition, times = arguments["column"], arguments["row_condition"], arguments["multiplier"]
    if arguments["method"] == "iqr":
        quartiles = Quantiles(column, _QUARTILES, "linear", condition)
        return _beyond(
            check,
            arguments,
            first=(quartiles,),
            far=lambda facts: _outside_fences(column, facts[quartiles], float(times)),
            wanted=f"within {readable(times)} interquartile ranges of the quartiles",
        )
    mean, deviation = (Aggregate(function, column, condition) for function in (Function.MEAN, Function.STDEV))
    return _beyond(
        check,
        arguments,
        first=(mean, deviation),
        far=lambda facts: _far_from_mean(column, _finite(facts[mean]), _finite(facts[deviation]), float(times)),
        wanted=f"less than {readable(times)} standard deviations from the mean" if times else "equal to the mean",
    )


def _outside_fences(column: str, quartiles: tuple[Any, ...], times: float) -> _Far | None:
    """Return the values outside Tukey's fences; one that lies on a fence is inside."""
    first, third = (_finite(quartile) for quartile in quartiles)
    if first is None or third is None:
        return None
    reach = times * (third - first)
    fences = Range(low=first - reach, high=third + reach)
    return _Far(fences.outside(_as_float(column)), fences)


def _far_from_mean(column: str, mean: float | None, deviation: float | None, times: float) -> _Far | None:
    """Return the values so far from the mean or farther; without any distance, those that are not the mean itself."""
    if mean is None or deviation is None:
        return None
    reach = times * deviation
    if reach <= 0:
        return _Far(Compare(_as_float(column), "<>", mean), Range(low=mean, high=mean))
    distance = ZScore(column, mean, 1.0)
    return _Far(Or((Compare(distance, ">=", reach), Compare(distance, "<=", -reach))), _around(mean, reach))


def _as_float(column: str) -> ZScore:
    """Return the value itself, rounded as what it is compared with has been."""
    return ZScore(column, 0.0, 1.0)


def _around(middle: float, reach: float) -> Range:
    return Range(low=middle - reach, high=middle + reach, strict_low=True, strict_high=True)


def _multiplier(value: Any) -> Any:
    """A number, zero or more."""
    if number(value) < 0:
        raise SuiteError(f"expected zero or more, got {value!r}")
    return value


TERMS = {
    "expect_column_value_z_scores_to_be_less_than": Term(
        {
            **COLUMN,
            "threshold": Parameter(number),
            "double_sided": Parameter(flag, True),
            **MOSTLY,
            **CONDITION,
        },
        _z_scores,
    ),
    "expect_column_values_to_not_be_outliers": Term(
        {
            **COLUMN,
            "method": Parameter(one_of("iqr", "std"), "iqr"),
            "multiplier": Parameter(_multiplier, 1.5),
            **MOSTLY,
            **CONDITION,
        },
        _outliers,
    ),
}
