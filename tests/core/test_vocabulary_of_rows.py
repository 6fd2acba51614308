"""Patterns, pairs, sets and types: what they compile to, and how they are judged."""

from __future__ import annotations

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.judging import ALL_ROWS, OnEmpty, judge_check
from airflow_dataops.core.metrics import Count, Distinct, Facts, Metric, Present, Schema
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    InSet,
    IsNull,
    Kind,
    Like,
    Matches,
    Not,
    Or,
    Predicate,
    Total,
    Value,
    both,
)
from airflow_dataops.core.relations import Column
from airflow_dataops.core.vocabulary import compile_check
from airflow_dataops.core.vocabulary.patterns import canonical

COLUMNS = {"a": Kind.NUMBER, "b": Kind.NUMBER, "x": Kind.NUMBER, "t": Kind.TEXT, "day": Kind.TIME, "e": Kind.OTHER}
SCHEMA = Schema(columns=tuple(Column(name=name, type=f"its {kind}") for name, kind in COLUMNS.items()), kinds=COLUMNS)
X_ABOVE_5 = Compare(Value("x"), ">", 5)
A_THERE, B_THERE = Not(IsNull("a")), Not(IsNull("b"))


def compiled(kind, **kwargs):
    return compile_check(Check(kind=f"expect_{kind}", kwargs=kwargs))


def judged(kind, values, **kwargs):
    facts = Facts(schema=SCHEMA, values={ALL_ROWS: 100, **values})
    return judge_check(compiled(kind, **kwargs), facts, OnEmpty.FAIL)


def refusal(kind, **kwargs):
    with pytest.raises(SuiteError) as caught:
        compiled(kind, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


A, B = Like("t", "a%"), Like("t", "b_")
R, S = Matches("t", "^a"), Matches("t", "b$")
PAIR = {"column_A": "a", "column_B": "b"}
LIST = {"column_list": ["a", "b"]}
SAME = Or((Holds(Compare(Value("a"), "=", Value("b"))), And((IsNull("a"), IsNull("b")))))


@pytest.mark.parametrize(
    ("kind", "kwargs", "looked_at", "broken"),
    [
        ("column_values_to_match_like_pattern", {"column": "t", "like_pattern": "a%"}, Not(IsNull("t")), Not(A)),
        ("column_values_to_not_match_like_pattern", {"column": "t", "like_pattern": "a%"}, Not(IsNull("t")), A),
        (
            "column_values_to_match_like_pattern_list",
            {"column": "t", "like_pattern_list": ["a%", "b_"]},
            Not(IsNull("t")),
            Not(Or((A, B))),
        ),
        (
            "column_values_to_match_like_pattern_list",
            {"column": "t", "like_pattern_list": ["a%", "b_"], "match_on": "all"},
            Not(IsNull("t")),
            Not(And((A, B))),
        ),
        (
            "column_values_to_not_match_like_pattern_list",
            {"column": "t", "like_pattern_list": ["a%", "b_"]},
            Not(IsNull("t")),
            Or((A, B)),
        ),
        (
            "column_values_to_match_regex_list",
            {"column": "t", "regex_list": ["^a", "b$"]},
            Not(IsNull("t")),
            Not(Or((R, S))),
        ),
        (
            "column_values_to_match_regex_list",
            {"column": "t", "regex_list": ["^a", "b$"], "match_on": "all"},
            Not(IsNull("t")),
            Not(And((R, S))),
        ),
        ("column_values_to_not_match_regex_list", {"column": "t", "regex_list": ["^a"]}, Not(IsNull("t")), R),
        (
            "column_pair_values_to_be_in_set",
            {**PAIR, "value_pairs_set": [[1, 2], [1, 3], [None, 4]], "ignore_row_if": "neither"},
            None,
            Not(
                Holds(
                    Or(
                        (
                            And((Compare(Value("a"), "=", 1), InSet("b", (2, 3)))),
                            And((IsNull("a"), InSet("b", (4,)))),
                        )
                    )
                )
            ),
        ),
        (
            "column_pair_values_to_be_in_set",
            {**PAIR, "value_pairs_set": [[1, None]], "ignore_row_if": "either_value_is_missing"},
            And((A_THERE, B_THERE)),
            Not(Holds(And((Compare(Value("a"), "=", 1), IsNull("b"))))),
        ),
        ("multicolumn_values_to_be_equal", LIST, Or((A_THERE, B_THERE)), Not(SAME)),
        (
            "multicolumn_sum_to_equal",
            {**LIST, "sum_total": 5, "ignore_row_if": "any_value_is_missing"},
            And((A_THERE, B_THERE)),
            Not(Holds(Compare(Total(("a", "b")), "=", 5))),
        ),
    ],
)
def test_rows_that_break_a_check(kind, kwargs, looked_at, broken):
    check = compiled(kind, **kwargs)
    rows, bad = check.metrics
    assert rows == Count(looked_at)
    assert isinstance(bad, Count)
    assert bad.where in (broken, both(looked_at, broken))
    assert check.broken == bad.where


@pytest.mark.parametrize(
    ("written", "escape", "pattern"),
    [
        ("a%b_", None, "a%b_"),
        ("100!", None, "100!!"),
        ("100\\%", "\\", "100!%"),
        ("100!%!!", "!", "100!%!!"),
        ("a\\\\b", "\\", "a\\b"),
        ("a\\b", "!", "a\\b"),
        ("x%%", "%", None),
    ],
)
def test_like_patterns_have_one_form(written, escape, pattern):
    if pattern is None:  # an escaped escape is itself, even where that is a wildcard
        pattern = "x!%"
    assert canonical(written, escape) == pattern


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        ("match_like_pattern", {"like_pattern": "a\\_b"}, "holds a backslash, which databases read differently"),
        ("match_like_pattern", {"like_pattern": "a!b", "escape": "!"}, "escapes what is neither %, _ nor ! itself"),
        ("match_like_pattern", {"like_pattern": "a!", "escape": "!"}, "escapes what is neither"),
        ("match_like_pattern", {"like_pattern": "a", "escape": "!!"}, "'escape': expected a single character"),
        ("match_like_pattern", {"like_pattern": 5}, "'like_pattern': expected a LIKE pattern, got 5"),
        ("match_like_pattern_list", {"like_pattern_list": "a%"}, "expected a list of LIKE patterns"),
        ("match_like_pattern_list", {"like_pattern_list": []}, "expected a list of LIKE patterns"),
        ("match_regex_list", {"regex_list": ["^a", "[b"]}, "'[b' is no regular expression"),
        ("match_regex_list", {"regex_list": ["a"], "match_on": "none"}, "'match_on': expected one of any, all"),
        ("not_match_regex_list", {"regex_list": ["a"], "match_on": "any"}, "unknown argument 'match_on'"),
    ],
)
def test_what_is_wrong_with_a_pattern(kind, kwargs, message):
    assert message in refusal(f"column_values_to_{kind}", column="t", **kwargs)


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        ("column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": "ab"}, "expected a list of pairs of values"),
        ("column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": [[1, 2, 3]]}, "expected pairs of values such"),
        ("column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": ["ab"]}, "expected pairs of values such"),
        ("column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": [[1, 2], ["a", 2]]}, "values of one kind"),
        ("multicolumn_sum_to_equal", {"column_list": ["a"], "sum_total": 1}, "expected at least two names"),
        ("multicolumn_sum_to_equal", {**LIST, "sum_total": "much"}, "expected a finite number"),
        ("multicolumn_sum_to_equal", LIST, "argument 'sum_total' is missing"),
        ("multicolumn_values_to_be_equal", {"column_list": ["a"]}, "expected at least two names"),
        ("column_distinct_values_to_be_in_set", {"column": "a", "value_set": {"x": 1}}, "expected a list of values"),
        ("column_distinct_values_to_be_in_set", {"column": "a"}, "argument 'value_set' is missing"),
        ("column_values_to_be_of_type", {"column": "a", "type_": 5}, "'type_': expected a name"),
        ("column_values_to_be_in_type_list", {"column": "a"}, "argument 'type_list' is missing"),
    ],
)
def test_what_is_wrong_with_other_arguments(kind, kwargs, message):
    assert message in refusal(kind, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"parse_strings_as_datetimes": True},
            "Great Expectations 1 has no 'parse_strings_as_datetimes'; leave it out",
        ),
        ({"allow_cross_type_comparisons": True}, "has no 'allow_cross_type_comparisons'"),
    ],
)
def test_what_gx_took_away_is_refused_where_it_asks_for_something(kwargs, message):
    assert message in refusal("column_values_to_be_between", column="a", min_value=1, **kwargs)
    compiled("column_values_to_be_between", column="a", min_value=1, **dict.fromkeys(kwargs, False))


def test_numbers_may_be_written_as_text():
    number = compiled("column_values_to_be_between", column="a", min_value=5, max_value=7.5, mostly=0.9)
    written = compiled("column_values_to_be_between", column="a", min_value="5", max_value="7.5", mostly="0.9")
    assert (number.metrics, number.expected) == (written.metrics, written.expected)
    assert compiled("column_value_lengths_to_equal", column="t", value="3").expected == "with a length equal to 3"
    assert "expected a whole number" in refusal("column_value_lengths_to_equal", column="t", value=float("inf"))


def test_an_empty_set_has_no_value():
    inside = compiled("column_values_to_be_in_set", column="a", value_set=[None])
    nothing = Compare(Value("a"), "<>", Value("a"))  # SQL has no empty list
    assert inside.metrics == (Count(A_THERE), Count(Not(nothing)))
    assert compiled("column_values_to_not_be_in_set", column="a", value_set=[]).metrics[1] == Count(nothing)


WANTED = {"column": "a", "value_set": [1, 2, 2.0, 3]}
OTHERS = And((A_THERE, Not(InSet("a", (1, 2, 3)))))
PRESENT = Present("a", (1, 2, 3))


@pytest.mark.parametrize(
    ("kind", "values", "outcome", "observed", "message"),
    [
        ("be_in_set", {Count(OTHERS): 0}, "PASS", {"others": 0}, "the different values are as expected; expected only"),
        (
            "be_in_set",
            {Count(OTHERS): 7, Distinct(("a",), OTHERS): 2},
            "FAIL",
            {"others": 2},
            "a: 2 other values in 7 rows; expected only values in {1, 2, 3}",
        ),
        ("contain_set", {PRESENT: frozenset({0, 1, 2})}, "PASS", {"missing": []}, "expected all values of {1, 2, 3}"),
        (
            "contain_set",
            {PRESENT: frozenset({0})},
            "FAIL",
            {"missing": [2, 3]},
            "a: {2, 3} missing; expected all values of",
        ),
        (
            "equal_set",
            {PRESENT: frozenset({0}), Count(OTHERS): 1, Distinct(("a",), OTHERS): 1},
            "FAIL",
            {"missing": [2, 3], "others": 1},
            "a: {2, 3} missing; 1 other value in 1 row; expected the values of {1, 2, 3}",
        ),
    ],
)
def test_sets_are_counted_and_never_fetched(kind, values, outcome, observed, message):
    result = judged(f"column_distinct_values_to_{kind}", values, **WANTED)
    assert (result.outcome, result.observed) == (outcome, observed)
    assert message in result.message


def test_other_values_are_told_apart_only_where_there_are_any():
    check = compiled("column_distinct_values_to_equal_set", **WANTED)
    assert check.metrics == (Count(OTHERS), PRESENT)
    assert check.follow_up(Facts(schema=SCHEMA, values={Count(OTHERS): 0})) == ()
    assert check.follow_up(Facts(schema=SCHEMA, values={Count(OTHERS): 4})) == (Distinct(("a",), OTHERS),)
    within = compiled("column_distinct_values_to_contain_set", row_condition="x > 5", **WANTED)
    assert within.metrics == (Present("a", (1, 2, 3), X_ABOVE_5),)


def test_a_null_is_never_there():
    present = {Present("a", (1,)): frozenset({0})}
    result = judged("column_distinct_values_to_contain_set", present, column="a", value_set=[1, None])
    assert (result.outcome, result.observed) == ("FAIL", {"missing": [None]})


def test_a_message_says_which_rows_were_looked_at():
    condition = 'col("x") > 5 and (t in ["u"] or not day.isnull())'
    where = And((X_ABOVE_5, Or((InSet("t", ("u",)), Not(IsNull("day"))))))
    named = "x > 5 and (t in {'u'} or day is not null)"
    rows: dict[Metric, int] = {Count(where): 40}

    def of(kind, bad, **kwargs):
        values = {**rows, **bad}
        return judged(kind, values, row_condition=condition, **kwargs).message

    nulls: Predicate = And((where, IsNull("a")))
    assert of("column_values_to_not_be_null", {Count(nulls): 13}, column="a") == (
        f"a: 13 of 40 rows where {named} (32.5 %) are null; expected not null"
    )
    assert of("column_values_to_not_be_null", {Count(nulls): 0}, column="a") == (
        f"a: all 40 rows where {named} are as expected: not null"
    )
    assert of("table_row_count_to_equal", {}, value=41) == f"table: 40 rows where {named}; expected equal to 41"
    empty = judged("column_values_to_not_be_null", {Count(where): 0}, column="a", row_condition=condition)
    assert f"a: no row meets {named}, so nothing was looked at" in empty.message


def test_a_long_condition_is_cut():
    condition = " and ".join(f"x > {number}" for number in range(50))
    where = And(tuple(Compare(Value("x"), ">", number) for number in range(50)))
    values: dict[Metric, int] = {Count(where): 9, Count(And((where, IsNull("a")))): 1}
    message = judged("column_values_to_not_be_null", values, column="a", row_condition=condition).message
    assert len(message) < 200
    assert "…" in message


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("column_pair_values_to_be_equal", {"column_A": "a", "column_B": "t"}),
        ("column_pair_values_a_to_be_greater_than_b", {"column_A": "day", "column_B": "t"}),
        ("multicolumn_values_to_be_equal", {"column_list": ["a", "b", "t"]}),
        ("column_values_to_not_be_null", {"column": "a", "row_condition": "x > t"}),
    ],
)
def test_columns_of_different_kinds_cannot_be_compared(kind, kwargs):
    result = judged(kind, {}, **kwargs)
    assert result.outcome == "FAIL"
    assert "t: the column is text (its text) and " in result.message
    assert "so they cannot be compared" in result.message


def test_only_the_database_knows_what_an_enum_compares_with():
    where = Or((Not(IsNull("e")), Not(IsNull("t"))))
    broken = Not(Holds(Compare(Value("e"), "=", Value("t"))))
    values: dict[Metric, int] = {Count(where): 5, Count(And((where, broken))): 0}
    assert judged("column_pair_values_to_be_equal", values, column_A="e", column_B="t").outcome == "PASS"


def test_without_limits_a_value_is_asked_for():
    for number in ("min", "max", "mean", "sum", "median"):
        check = compiled(f"column_{number}_to_be_between", column="a")
        (metric,) = check.metrics
        assert check.expected == "any"
        assert judged(f"column_{number}_to_be_between", {metric: 3}, column="a").outcome == "PASS"
        assert judged(f"column_{number}_to_be_between", {metric: None}, column="a").outcome == "FAIL"
    assert judged("table_row_count_to_be_between", {}).outcome == "PASS"
    assert "min_value or max_value is needed" in refusal("column_value_lengths_to_be_between", column="t")
