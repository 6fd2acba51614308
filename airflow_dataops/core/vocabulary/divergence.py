"""The check of a distribution: how far the shares of a column's values are from those expected.

Great Expectations measures it with numpy; here each cell of the partition is a count of the common scan, and the
Kullback-Leibler divergence is made of the counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, Distinct, Entropy, Facts, Metric
from airflow_dataops.core.predicates import Compare, InSet, IsNull, Kind, Not, Predicate, Scalar, Value, both
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import (
    COLUMN,
    CONDITION,
    Parameter,
    bound,
    flag,
    number,
    scalars,
    share,
)
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import needs_of

# What lies closer together than this is apart by rounding only.
_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The shares expected: of each of some values, or of each bin between edges that rise.

    :param tails: the shares expected below the first edge and above the last.
    """

    weights: tuple[float, ...]
    values: tuple[Scalar, ...] = ()
    edges: tuple[float, ...] = ()
    tails: tuple[float, float] | None = None


def _partition(value: Any) -> Partition:
    """A partition as GX has it: ``values`` or ``bins``, their ``weights``, and with bins perhaps ``tail_weights``."""
    if not isinstance(value, Mapping) or "weights" not in value or not {"values", "bins"} & set(value):
        raise SuiteError(f"expected weights with values or bins, got {value!r}")
    weights = _numbers("weights", value["weights"])
    tails = tuple(_numbers("tail_weights", value["tail_weights"])) if "tail_weights" in value else ()
    if "values" in value:
        values = scalars(value["values"])
        if len(values) != len(value["values"]) or len(set(values)) != len(values):
            raise SuiteError("expected values that are all different and not null")
        wanted, tails = len(values), ()
    else:
        edges = _numbers("bins", value["bins"], finite=False)
        if len(edges) < 2:
            raise SuiteError("expected bins to have two edges at least")
        if any(not low < high for low, high in itertools.pairwise(edges)):
            raise SuiteError("expected bins whose edges rise")
        if tails and (len(tails) != 2 or math.isinf(edges[0]) or math.isinf(edges[-1])):
            raise SuiteError("expected two tail_weights, and these only where no edge is infinite")
        wanted = len(edges) - 1
    if wanted != len(weights):
        raise SuiteError(f"expected {wanted} weights, got {len(weights)}")
    if min(*weights, *tails, 0) < 0 or not math.isclose(sum(weights) + sum(tails), 1, rel_tol=1e-5):
        raise SuiteError(f"expected weights from 0 that sum to 1, got the sum {sum(weights) + sum(tails):g}")
    if "values" in value:
        return Partition(weights=weights, values=values)
    return Partition(weights=weights, edges=edges, tails=(tails[0], tails[1]) if tails else None)


def _numbers(name: str, value: Any, *, finite: bool = True) -> tuple[float, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise SuiteError(f"expected {name} to be a list of numbers, got {value!r}")
    ends = () if finite else (-math.inf, math.inf)
    return tuple(item if item in ends else float(number(item)) for item in value)


def _divergence(observed: Sequence[float], expected: Sequence[float]) -> float:
    """Return the Kullback-Leibler divergence in nats, infinite where something is observed that is not expected.

    Both are brought to the sum 1 first, as ``scipy.stats.entropy`` does.
    """
    seen, wanted = sum(observed), sum(expected)
    if any(p > 0 and q <= 0 for p, q in zip(observed, expected, strict=True)):
        return math.inf
    return math.fsum(
        p / seen * math.log((p / seen) / (q / wanted)) for p, q in zip(observed, expected, strict=True) if p > 0
    )


def _cells(partition: Partition, column: str, tail: float, internal: float) -> Iterator[tuple[Predicate, float]]:
    """Yield each bin's rows and the share expected in it; the tails too, where the outer edges are finite.

    :param tail: the share kept back for the tails; ``internal`` that for the bins of weight 0.
    """
    edges, tails = partition.edges, partition.tails or (tail / 2, tail / 2)
    if math.isinf(edges[0]) != math.isinf(edges[-1]):
        tails = (tail, tail)  # there is only the other one
    weights = [weight * (1 - tail - internal) for weight in partition.weights]
    unweighted = weights.count(0)
    if internal and unweighted:
        weights = [weight or internal / unweighted for weight in weights]
    value, last = Value(column), len(weights) - 1
    if not math.isinf(edges[0]):
        yield Compare(value, "<", edges[0]), tails[0]
    for index, weight in enumerate(weights):
        low, high = edges[index], edges[index + 1]
        above = None if math.isinf(low) else Compare(value, ">=", low)
        below = None if math.isinf(high) else Compare(value, "<=" if index == last else "<", high)
        yield both(above, below) or Not(IsNull(column)), weight
    if not math.isinf(edges[-1]):
        yield Compare(value, ">", edges[-1]), tails[1]


def _compile(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    partition: Partition = arguments["partition_object"]
    tail, internal = float(arguments["tail_weight_holdout"]), float(arguments["internal_weight_holdout"])
    if partition.values:
        if internal:
            raise SuiteError("argument 'internal_weight_holdout' is for bins; a partition of values has none to fill")
        return _of_values(check, arguments, partition, tail)
    if not arguments["bucketize_data"]:
        raise SuiteError("argument 'bucketize_data' is false, so partition_object must have values, not bins")
    if tail and (partition.tails or (math.isinf(partition.edges[0]) and math.isinf(partition.edges[-1]))):
        raise SuiteError("argument 'tail_weight_holdout' cannot be used where the partition has weights for its tails")
    if tail + internal > 1:
        raise SuiteError("tail_weight_holdout and internal_weight_holdout are more than 1 together")
    column, condition = arguments["column"], arguments["row_condition"]
    cells = [(Count(both(condition, where)), weight) for where, weight in _cells(partition, column, tail, internal)]

    def judge(facts: Facts) -> Finding:
        counts = [facts.count(cell.where) for cell, _ in cells]
        return _finding(arguments, _divergence(counts, [weight for _, weight in cells]) if any(counts) else None)

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=_wanted(arguments),
        needs=(Need(column=column, kinds=frozenset({Kind.NUMBER})), *needs_of(condition)),
        metrics=tuple(dict.fromkeys(cell for cell, _ in cells)),
        rows=Count(condition),
    )


def _of_values(check: Check, arguments: dict[str, Any], partition: Partition, tail: float) -> CompiledCheck:
    column, condition = arguments["column"], arguments["row_condition"]
    known = InSet(column, partition.values)
    counted = tuple(Count(both(condition, Compare(Value(column), "=", value))) for value in partition.values)
    others = Count(both(condition, Not(IsNull(column)), Not(known)))
    kinds, spread = Distinct((column,), others.where), Entropy(column, others.where)

    def follow_up(facts: Facts) -> tuple[Metric, ...]:
        return (kinds, spread) if tail and facts.count(others.where) else ()

    def judge(facts: Facts) -> Finding:
        counts, strange = [facts.count(metric.where) for metric in counted], facts.count(others.where)
        rows = sum(counts) + strange
        if not rows:
            return _finding(arguments, None)
        if not strange:
            return _finding(arguments, _divergence(counts, partition.weights))
        if not tail:
            return _finding(arguments, math.inf)
        expected = [weight * (1 - tail) for weight in partition.weights]
        # The others share ``tail`` evenly. Were they spread evenly themselves, they would be one cell; they are less
        # even by the logarithm of their number less their entropy.
        uneven = strange / rows * (math.log(facts[kinds]) - facts[spread])
        return _finding(arguments, _divergence([*counts, strange], [*expected, tail]) + uneven)

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=_wanted(arguments),
        needs=(*needs_of(known), *needs_of(condition)),
        metrics=(*counted, others),
        rows=Count(condition),
        follow_up=follow_up,
    )


def _wanted(arguments: dict[str, Any]) -> str:
    return f"at most {readable(arguments['threshold'])}"


def _finding(arguments: dict[str, Any], divergence: float | None) -> Finding:
    """Return the finding; of a column without a value (``None``) there is no distribution."""
    column, threshold, wanted = arguments["column"], arguments["threshold"], _wanted(arguments)
    if divergence is None:
        observed, words = None, "has no distribution, as every value is null"
    elif math.isinf(divergence):
        observed, words = None, "there are values where the partition expects none, so the KL divergence is infinite"
    else:
        observed = round(divergence, _DIGITS) + 0.0  # no -0.0
        words = f"KL divergence is {readable(observed)}"
    return Finding(
        holds=observed is not None and observed <= threshold,
        observed=observed,
        expected=wanted,
        message=f"{column}: {words}; expected {wanted}",
    )


def _threshold(value: Any) -> float:
    """A number from 0."""
    if number(value) < 0:
        raise SuiteError(f"expected a number from 0, got {value!r}")
    return float(value)


TERMS = {
    "expect_column_kl_divergence_to_be_less_than": Term(
        {
            **COLUMN,
            # GX compares a column without a partition with itself, and passes any without a threshold.
            "partition_object": Parameter(_partition),
            "threshold": Parameter(_threshold),
            "tail_weight_holdout": Parameter(share, 0),
            "internal_weight_holdout": Parameter(share, 0),
            "bucketize_data": Parameter(flag, True),
            # GX takes these two and looks at neither.
            "min_value": Parameter(bound, None),
            "max_value": Parameter(bound, None),
            **CONDITION,
        },
        _compile,
    ),
}
