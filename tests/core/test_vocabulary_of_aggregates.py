"""Quantiles, deviations, order, the most common value and queries: what they ask for, and how they are judged."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import (
    Aggregate,
    Commonest,
    Count,
    Elsewhere,
    Facts,
    Function,
    MostCommon,
    OutOfOrder,
    Quantiles,
    QueryRows,
    RowSet,
    Schema,
)
from airflow_dataops.core.predicates import Compare, IsNull, Not, Or, ZScore
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.vocabulary import compile_check

THERE = Not(IsNull("a"))
MEAN, STDEV = Aggregate(Function.MEAN, "a"), Aggregate(Function.STDEV, "a")
LEAST, MOST = Aggregate(Function.MIN, "a"), Aggregate(Function.MAX, "a")
NO_COLUMNS = Schema(columns=(), kinds={})


def compiled(kind, *, meta=None, **kwargs):
    return compile_check(Check(kind=kind, kwargs=kwargs, meta=meta or {}))


def judged(check, values):
    """Return the finding over ``values``, and the second round's metrics."""
    facts = Facts(schema=NO_COLUMNS, values=values)
    more = check.follow_up(facts)
    return check.judge(Facts(schema=NO_COLUMNS, values=values | dict.fromkeys(more, 3))), more


def quantiles(shares, ranges, **kwargs):
    return compiled(
        "expect_column_quantile_values_to_be_between",
        column="a",
        quantile_ranges={"quantiles": shares, "value_ranges": ranges},
        **kwargs,
    )


@pytest.mark.parametrize(
    ("ranges", "values", "holds"),
    [
        ([[0, 1], [2, 3]], (1, 3), True),
        ([[0, 1], [2, 3]], (1, 3.1), False),
        ([[None, 1], [2, None]], (-1e300, 1e300), True),
        ([[None, None], [2, 2]], (7, 2), True),
        ([[0, 1], [2, 3]], (None, None), False),
        # Great Expectations lets a quantile pass that is within a ten-thousandth of a bound.
        ([[0, 1], [2, 3]], (1.0001, 1.9998), True),
        ([[0, 1], [2, 3]], (1.0002, 3), False),
        ([[0, 1], [2, 3]], (-1e-8, 3), True),
    ],
)
def test_quantiles_lie_in_their_ranges(ranges, values, holds):
    check = quantiles([0.25, 0.5], ranges)
    assert check.metrics == (Quantiles("a", (0.25, 0.5), "nearest"),)
    finding, _ = judged(check, {check.metrics[0]: values})
    assert finding.holds is holds
    assert finding.observed == {"quantiles": [0.25, 0.5], "values": list(values)}


def test_a_quantile_out_of_range_is_told_and_no_other():
    check = quantiles([0.1, 0.9], [[0, 1], [2, 3]])
    finding, _ = judged(check, {check.metrics[0]: (5, 2)})
    assert finding.message == "a: quantile 0.1 is 5, expected between 0 and 1"


@pytest.mark.parametrize(("given", "method"), [(False, "nearest"), (True, "nearest"), ("linear", "linear")])
def test_the_way_to_interpolate_is_that_of_gx_on_pandas(given, method):
    assert quantiles([0.5], [[0, 1]], allow_relative_error=given).metrics[0].method == method


Z_SCORE = ZScore("a", 10.0, 2.0)


@pytest.mark.parametrize(
    ("kind", "kwargs", "far"),
    [
        (
            "expect_column_value_z_scores_to_be_less_than",
            {"threshold": 3},
            Or((Compare(Z_SCORE, ">=", 3), Compare(Z_SCORE, "<=", -3))),
        ),
        (
            "expect_column_value_z_scores_to_be_less_than",
            {"threshold": -3},
            Or((Compare(Z_SCORE, ">=", 3), Compare(Z_SCORE, "<=", -3))),
        ),
        (
            "expect_column_value_z_scores_to_be_less_than",
            {"threshold": -3, "double_sided": False},
            Compare(Z_SCORE, ">=", -3),
        ),
        (
            "expect_column_values_to_not_be_outliers",
            {"method": "std"},
            Or((Compare(ZScore("a", 10.0, 1.0), ">=", 3.0), Compare(ZScore("a", 10.0, 1.0), "<=", -3.0))),
        ),
        (
            "expect_column_values_to_not_be_outliers",
            {"method": "std", "multiplier": 0},
            Compare(ZScore("a", 0.0, 1.0), "<>", 10.0),
        ),
    ],
)
def test_who_lies_far_off_is_asked_when_the_distance_is_known(kind, kwargs, far):
    check = compiled(kind, column="a", **kwargs)
    assert check.metrics == (Count(THERE), LEAST, MOST, MEAN, STDEV)
    finding, more = judged(check, {Count(THERE): 100, LEAST: 1, MOST: 17, MEAN: 10.0, STDEV: 2.0})
    assert more == (Count(far),)
    assert (finding.holds, finding.unexpected_count, finding.element_count) == (False, 3, 100)
    assert "3 of 100 values (3 %) are not " in finding.message


def test_outliers_lie_outside_the_fences_around_the_quartiles():
    check = compiled("expect_column_values_to_not_be_outliers", column="a")
    quartiles = Quantiles("a", (0.25, 0.75), "linear")
    assert check.metrics == (Count(THERE), LEAST, MOST, quartiles)
    finding, more = judged(check, {Count(THERE): 100, LEAST: 0, MOST: 9, quartiles: (1, 3)})
    assert finding.message == (
        "a: 3 of 100 values (3 %) are not between -2 and 6; expected within 1.5 interquartile ranges of the quartiles"
    )
    value = ZScore("a", 0.0, 1.0)
    assert more == (Count(Or((Compare(value, "<", -2.0), Compare(value, ">", 6.0)))),)


@pytest.mark.parametrize(
    ("kind", "kwargs", "known"),
    [
        ("expect_column_value_z_scores_to_be_less_than", {"threshold": 0}, {MEAN: 1.0, STDEV: 0.0}),
        ("expect_column_value_z_scores_to_be_less_than", {"threshold": 0}, {MEAN: 1.0, STDEV: None}),
        (
            "expect_column_value_z_scores_to_be_less_than",
            {"threshold": 0},
            {MEAN: float("inf"), STDEV: float("nan")},
        ),
        ("expect_column_values_to_not_be_outliers", {"method": "std"}, {MEAN: 1.0, STDEV: None}),
        ("expect_column_values_to_not_be_outliers", {}, {Quantiles("a", (0.25, 0.75), "linear"): (None, None)}),
        # All values are 0.2; neither the mean nor the deviation came out exact.
        (
            "expect_column_values_to_not_be_outliers",
            {"method": "std"},
            {LEAST: 0.2, MOST: 0.2, MEAN: 0.20000000000000004, STDEV: 0.0},
        ),
        (
            "expect_column_value_z_scores_to_be_less_than",
            {"threshold": 0.5},
            {LEAST: 0.2, MOST: 0.2, MEAN: 0.20000000000000004, STDEV: 3e-17},
        ),
    ],
)
def test_without_a_distance_nobody_lies_far_off(kind, kwargs, known):
    finding, more = judged(compiled(kind, column="a", **kwargs), {Count(THERE): 5, LEAST: 1, MOST: 2, **known})
    assert more == ()
    assert (finding.holds, finding.unexpected_count) == (True, 0)


def test_order_is_of_values_that_are_there():
    check = compiled("expect_column_values_to_be_decreasing", column="a", strictly=True, order_by="day", mostly=0.5)
    assert check.metrics == (Count(THERE), OutOfOrder("a", True, True, ("day",), THERE))
    assert [need.column for need in check.needs] == ["a", "day"]
    finding, _ = judged(check, {Count(THERE): 4, check.metrics[1]: 3})
    assert finding.message == (
        "a: 3 of 4 values (75 %) break the order; expected at least 50 % strictly decreasing in the order of day"
    )


@pytest.mark.parametrize(
    ("found", "ties_okay", "holds", "message"),
    [
        (Commonest(rows=9, ties=1, known=1, first=1), False, True, "the most common value, in 9 rows, is 'y'"),
        (Commonest(rows=9, ties=1, known=0), False, False, "the most common value, in 9 rows, is not in the set"),
        (
            Commonest(rows=1, ties=3, known=2, first=0),
            False,
            False,
            "3 values tie as the most common, in 1 row each: 'x' and 1 more of the set and 1 not in the set",
        ),
        (Commonest(rows=9, ties=3, known=1, first=0), True, True, "3 values tie"),
        (Commonest(rows=9, ties=3, known=0), True, False, "in 9 rows each: 3 not in the set"),
        (Commonest(rows=0, ties=0, known=0), True, False, "has no most common value, as every value is null"),
    ],
)
def test_the_most_common_value_is_told_only_if_the_suite_names_it(found, ties_okay, holds, message):
    kind = "expect_column_most_common_value_to_be_in_set"
    check = compiled(kind, column="a", value_set=["x", "y"], ties_okay=ties_okay)
    assert check.metrics == (MostCommon("a", ("x", "y"), THERE),)
    finding, _ = judged(check, {check.metrics[0]: found})
    assert finding.holds is holds
    assert message in finding.message


@pytest.mark.parametrize(("rows", "holds"), [(0, True), (1, False), (12, False)])
def test_a_query_for_what_should_not_be_finds_nothing(rows, holds):
    query = "SELECT * FROM {batch} WHERE a ~ 'x{{2}}'"
    check = compiled(
        "unexpected_rows_expectation", unexpected_rows_query=f"{query};\n", meta={"description": "No doubles"}
    )
    assert check.metrics == (QueryRows(query),)
    finding, _ = judged(check, {check.metrics[0]: rows})
    assert (finding.holds, finding.observed) == (holds, rows)
    assert finding.message.endswith("expected no rows of the query: No doubles")


@pytest.mark.parametrize(
    ("here", "there", "mostly", "holds", "unexpected"),
    [
        ("aab", "aba", 1, True, 0),
        ("aab", "ab", 1, False, 1),
        ("ab", "aab", 1, False, 1),
        ("ab", "cd", 1, False, 2),
        ("aabb", "aabc", 0.75, True, 1),
        ("aabb", "aabc", 0.76, False, 1),
        ("", "", 1, True, 0),
        ("", "a", 1, False, 1),
    ],
)
def test_two_results_are_the_same_rows_as_often(here, there, mostly, holds, unexpected):
    check = compiled(
        "expect_query_results_to_match_comparison",
        base_query="SELECT a FROM {batch}",
        comparison_data_source_name="other",
        comparison_query="SELECT a FROM there",
        mostly=mostly,
    )
    ours, theirs = RowSet("SELECT a FROM {batch}"), Elsewhere(RowSet(), "SELECT a FROM there", "other")
    assert check.metrics == (ours, theirs)
    finding, _ = judged(check, {ours: Counter(here), theirs: Counter(there)})
    assert (finding.holds, finding.unexpected_count) == (holds, unexpected)


def test_another_table_has_as_many_rows():
    check = compiled("expect_table_row_count_to_equal_other_table", other_table_name="raw.orders")
    other = Elsewhere(Count(), Relation(schema="raw", name="orders"))
    assert check.metrics == (Count(), other)
    finding, _ = judged(check, {Count(): 3, other: 4})
    assert not finding.holds
    assert finding.observed == {"self": 3, "other": 4}
    assert finding.message == "table: 3 rows, and 4 in raw.orders; expected as many rows as raw.orders"


@pytest.mark.parametrize("value", [None, float("nan")])
def test_no_deviation_is_none_that_fits(value):
    check = compiled("expect_column_stdev_to_be_between", column="a", min_value=0)
    finding, _ = judged(check, {STDEV: value})
    assert not finding.holds
    assert finding.message == "a: has no standard deviation, which takes two finite values; expected at least 0"


def test_a_mean_of_infinities_that_cancel_out_fits_nowhere():
    check = compiled("expect_column_mean_to_be_between", column="a", min_value=0)
    finding, _ = judged(check, {MEAN: float("nan")})
    assert not finding.holds
    assert finding.message == "a: has no mean, as it holds infinities; expected at least 0"


QUANTILES = "expect_column_quantile_values_to_be_between"


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        (QUANTILES, {"quantile_ranges": {"quantiles": [0.5]}}, "expected quantiles and value_ranges"),
        (QUANTILES, {"quantile_ranges": {"quantiles": [0.5], "value_ranges": []}}, "lists of one length"),
        (QUANTILES, {"quantile_ranges": {"quantiles": [], "value_ranges": []}}, "asks for nothing"),
        (QUANTILES, {"quantile_ranges": {"quantiles": [50], "value_ranges": [[0, 1]]}}, "a share from 0 to 1"),
        (QUANTILES, {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[2, 1]]}}, "its min above its max"),
        (QUANTILES, {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [1]}}, r"a pair \[min, max\]"),
        (
            QUANTILES,
            {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}, "allow_relative_error": 0.1},
            "true, false or one of linear",
        ),
        ("expect_column_value_z_scores_to_be_less_than", {}, "argument 'threshold' is missing"),
        ("expect_column_values_to_not_be_outliers", {"method": "mad"}, "expected one of iqr, std"),
        ("expect_column_values_to_not_be_outliers", {"multiplier": -1}, "expected zero or more"),
        ("expect_column_values_to_be_increasing", {"order_by": []}, "expected a list of names"),
        ("expect_column_most_common_value_to_be_in_set", {"value_set": []}, "a list of values that is not empty"),
    ],
)
def test_what_is_wrong_is_said_when_the_check_is_read(kind, kwargs, message):
    with pytest.raises(SuiteError, match=message):
        compiled(kind, column="a", **kwargs)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DELETE FROM {batch}", "expected a SELECT, got 'DELETE'"),
        (" ; ", "expected a SELECT, got 'nothing'"),
        ("SELECT * FROM {table}", "{table} stands for nothing; only {batch} stands"),
        ("SELECT * FROM t WHERE a ~ 'x{2}'", "{2} stands for nothing"),
        ("SELECT * FROM {batch:>9}", "{batch:>9} stands for nothing"),
        ("SELECT '{' FROM {batch}", "any other brace is written twice"),
    ],
)
def test_a_query_is_a_select_over_the_batch(query, message):
    with pytest.raises(SuiteError) as caught:
        compiled("unexpected_rows_expectation", unexpected_rows_query=query)
    assert message in str(caught.value)
