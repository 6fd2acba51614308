"""The KL check: what a partition may be, which rows make a cell, and the divergence that the counts make."""

from __future__ import annotations

import math

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, Distinct, Entropy, Facts, Schema
from airflow_dataops.core.vocabulary import compile_check

KIND = "expect_column_kl_divergence_to_be_less_than"
COIN = {"values": ["a", "b"], "weights": [0.5, 0.5]}
BINS = {"bins": [0, 1, 2], "weights": [0.5, 0.5]}
NO_COLUMNS = Schema(columns=(), kinds={})


def compiled(partition, *, threshold=0.1, **kwargs):
    kwargs = {"column": "a", "threshold": threshold, "partition_object": partition, **kwargs}
    return compile_check(Check(kind=KIND, kwargs=kwargs))


def judged(check, *counts, **more):
    values = dict(zip(check.metrics, counts, strict=True))
    for metric in check.follow_up(Facts(schema=NO_COLUMNS, values=values)):
        values[metric] = more["kinds" if isinstance(metric, Distinct) else "entropy"]
    return check.judge(Facts(schema=NO_COLUMNS, values=values))


@pytest.mark.parametrize(
    ("partition", "kwargs", "message"),
    [
        (None, {}, "argument 'partition_object' is missing"),
        (COIN, {"threshold": None}, "argument 'threshold' is missing"),
        (COIN, {"threshold": -1}, "'threshold': expected a number from 0, got -1"),
        ([1], {}, "expected weights with values or bins"),
        ({"values": ["a"]}, {}, "expected weights with values or bins"),
        ({"values": ["a", "b"], "weights": [1]}, {}, "expected 2 weights, got 1"),
        ({"values": ["a", "a"], "weights": [0.5, 0.5]}, {}, "all different"),
        ({"values": ["a", None], "weights": [0.5, 0.5]}, {}, "not null"),
        ({"values": ["a", "b"], "weights": [0.5, 0.4]}, {}, "sum to 1, got the sum 0.9"),
        ({"values": ["a", "b"], "weights": [1.5, -0.5]}, {}, "weights from 0"),
        ({"values": ["a", "b"], "weights": ["x", 1]}, {}, "expected a finite number"),
        ({"bins": [0, 1], "weights": "1"}, {}, "expected weights to be a list of numbers"),
        ({"bins": [1, 0], "weights": [1]}, {}, "edges rise"),
        ({"bins": [0], "weights": []}, {}, "two edges at least"),
        ({"bins": [0, 1], "weights": [0.8], "tail_weights": [0.2]}, {}, "two tail_weights"),
        ({"bins": [-math.inf, 1], "weights": [0.8], "tail_weights": [0.1, 0.1]}, {}, "no edge is infinite"),
        ({"bins": [0, 1], "weights": [0.8], "tail_weights": [0.1, 0.1]}, {"tail_weight_holdout": 0.1}, "its tails"),
        ({"bins": [-math.inf, math.inf], "weights": [1]}, {"tail_weight_holdout": 0.1}, "its tails"),
        (BINS, {"tail_weight_holdout": 0.6, "internal_weight_holdout": 0.6}, "more than 1 together"),
        (BINS, {"bucketize_data": False}, "must have values, not bins"),
        (COIN, {"internal_weight_holdout": 0.1}, "is for bins"),
        (COIN, {"tail_weight_holdout": 2}, "expected a share from 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_suite_is_read(partition, kwargs, message):
    with pytest.raises(SuiteError, match=message):
        compiled(partition, **kwargs)


@pytest.mark.parametrize(
    ("partition", "kwargs", "counts", "divergence"),
    [
        (COIN, {}, (5, 5, 0), 0.0),
        (COIN, {}, (9, 1, 0), 0.9 * math.log(1.8) + 0.1 * math.log(0.2)),
        (COIN, {}, (10, 0, 0), math.log(2)),
        (COIN, {}, (5, 5, 1), None),
        # below the first edge, two bins, above the last
        (BINS, {}, (0, 5, 5, 0), 0.0),
        (BINS, {}, (0, 5, 5, 1), None),
        (BINS, {"tail_weight_holdout": 0.2}, (1, 4, 4, 1), 0.0),
        ({**BINS, "weights": [1, 0]}, {}, (0, 5, 5, 0), None),
        ({**BINS, "weights": [1, 0]}, {"internal_weight_holdout": 0.5}, (0, 5, 5, 0), 0.0),
        ({**BINS, "weights": [0.4, 0.4], "tail_weights": [0.1, 0.1]}, {}, (1, 4, 4, 1), 0.0),
        ({"bins": [-math.inf, 0, math.inf], "weights": [0.5, 0.5]}, {}, (5, 5), 0.0),
        ({"bins": [-math.inf, 0, 1], "weights": [0.5, 0.5]}, {"tail_weight_holdout": 0.2}, (4, 4, 2), 0.0),
        ({"bins": [0, 1, math.inf], "weights": [0.5, 0.5]}, {"tail_weight_holdout": 0.2}, (2, 4, 4), 0.0),
        ({"bins": [-math.inf, math.inf], "weights": [1]}, {}, (3,), 0.0),
    ],
)
def test_the_divergence_is_made_of_the_counts(partition, kwargs, counts, divergence):
    found = judged(compiled(partition, **kwargs), *counts)
    if divergence is None:
        assert not found.holds
        assert found.observed is None
        assert "infinite" in found.message
    else:
        assert found.observed == pytest.approx(divergence, abs=1e-12)
        assert found.holds == (divergence <= 0.1)


def test_unexpected_values_share_the_tail_by_how_they_are_spread():
    check = compiled(COIN, tail_weight_holdout=0.2)
    # Two of twenty: each of two values once, which is as even as it gets and just what is expected.
    even = judged(check, 8, 8, 4, kinds=2, entropy=math.log(2))
    assert even.observed == 0.0
    lopsided = judged(check, 8, 8, 4, kinds=2, entropy=-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert lopsided.observed == pytest.approx(0.15 * math.log(0.15 / 0.1) + 0.05 * math.log(0.05 / 0.1))


def test_how_they_are_spread_is_asked_only_where_it_counts():
    check = compiled(COIN, tail_weight_holdout=0.2, row_condition="x > 1")
    *known, others = check.metrics
    assert all(isinstance(metric, Count) for metric in check.metrics)

    def asked(strange):
        return check.follow_up(Facts(schema=NO_COLUMNS, values={**dict.fromkeys(known, 5), others: strange}))

    assert asked(0) == ()
    assert asked(1) == (Distinct(("a",), others.where), Entropy("a", others.where))
    assert compiled(COIN).follow_up(Facts(schema=NO_COLUMNS, values=dict.fromkeys(compiled(COIN).metrics, 1))) == ()


@pytest.mark.parametrize(("partition", "counts"), [(COIN, (0, 0, 0)), (BINS, (0, 0, 0, 0))])
def test_a_column_without_a_value_has_no_distribution_and_fails(partition, counts):
    found = judged(compiled(partition), *counts)
    assert (found.holds, found.observed) == (False, None)
    assert found.message == "a: has no distribution, as every value is null; expected at most 0.1"
