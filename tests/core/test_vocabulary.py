from __future__ import annotations

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Aggregate, Count, Function, Repeats
from airflow_dataops.core.predicates import And, Compare, IsNull, Not, Value
from airflow_dataops.core.vocabulary import VOCABULARY, compile_check


def compiled(kind: str, **kwargs):
    return compile_check(Check(kind=f"expect_{kind}", kwargs=kwargs))


def test_a_check_compiles_to_metrics():
    assert compiled("column_values_to_not_be_null", column="a").metrics == (Count(), Count(IsNull("a")))
    assert compiled("column_mean_to_be_between", column="a", min_value=1).metrics == (Aggregate(Function.MEAN, "a"),)
    there = Not(IsNull("a"))
    assert compiled("column_values_to_be_unique", column="a").metrics == (Count(there), Repeats(("a",), there))


def test_a_row_condition_is_part_of_every_metric():
    above = Compare(Value("x"), ">", 5)
    check = compiled("column_values_to_not_be_null", column="a", row_condition='col("x") > 5')
    assert check.metrics == (Count(above), Count(And((above, IsNull("a")))))
    assert [need.column for need in check.needs] == ["a", "x"]


def test_what_gx_says_about_showing_results_is_taken_and_ignored():
    compiled("column_values_to_not_be_null", column="a", result_format="COMPLETE", catch_exceptions=True, batch_id="b")


def test_every_term_refuses_an_unknown_argument():
    for kind in VOCABULARY:
        with pytest.raises(SuiteError, match=f"{kind}: unknown argument 'surprise'"):
            compile_check(Check(kind=kind, kwargs={"surprise": 1}))


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        ("column_values_to_not_be_nul", {}, "did you mean expect_column_values_to_not_be_null?"),
        ("something_else", {}, "not a known check"),
        ("column_values_to_not_be_null", {}, "argument 'column' is missing"),
        ("column_values_to_not_be_null", {"colum": "a"}, "unknown argument 'colum'; did you mean 'column'?"),
        ("column_values_to_not_be_null", {"column": 3}, "'column': expected a name, got 3"),
        ("column_values_to_not_be_null", {"column": "a", "mostly": 1.5}, "'mostly': expected a share from 0 to 1"),
        (
            "column_values_to_not_be_null",
            {"column": "a", "mostly": {"$PARAMETER": "m"}},
            "'m' of 'mostly' has no value",
        ),
        ("column_values_to_be_between", {"column": "a"}, "min_value or max_value is needed"),
        ("column_values_to_be_between", {"column": "a", "min_value": 2, "max_value": 1}, "min_value 2 is above max"),
        ("column_values_to_be_between", {"column": "a", "min_value": 2, "max_value": "z"}, "expected one kind"),
        ("column_values_to_be_between", {"column": "a", "min_value": float("nan")}, "expected a finite number"),
        ("column_values_to_be_in_set", {"column": "a", "value_set": "abc"}, "expected a list of values"),
        ("column_values_to_be_in_set", {"column": "a", "value_set": [1, "b"]}, "values of one kind"),
        ("column_values_to_match_regex", {"column": "a", "regex": "[a"}, "is no regular expression"),
        ("column_value_lengths_to_equal", {"column": "a", "value": 1.5}, "expected a whole number"),
        ("compound_columns_to_be_unique", {"column_list": "ab"}, "expected a list of names"),
        ("table_columns_to_match_set", {"column_set": ["a"], "exact_match": "yes"}, "expected true or false"),
        (
            "column_pair_values_to_be_equal",
            {"column_A": "a", "column_B": "b", "ignore_row_if": "never"},
            "expected one of both_values_are_missing",
        ),
        (
            "column_values_to_not_be_null",
            {"column": "a", "row_condition": "a > 1", "condition_parser": "sql"},
            "'condition_parser': expected one of great_expectations",
        ),
        ("table_row_count_to_equal", {"value": -1}, "expected a whole number"),
    ],
)
def test_what_is_wrong_is_said_when_the_check_is_read(kind, kwargs, message):
    with pytest.raises(SuiteError) as caught:
        compiled(kind, **kwargs)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"expect_{kind}")
    assert "\n" not in str(caught.value)
