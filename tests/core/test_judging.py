from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.judging import ALL_ROWS, OnEmpty, judge_all, judge_check, misfits
from airflow_dataops.core.metrics import Aggregate, Count, Facts, Function, Repeats, Schema
from airflow_dataops.core.predicates import IsNull, Kind, Not, Predicate
from airflow_dataops.core.relations import Column
from airflow_dataops.core.verdicts import Outcome, Severity
from airflow_dataops.core.vocabulary import compile_check

TYPES = {"amount": ("DOUBLE", Kind.NUMBER), "status": ("VARCHAR", Kind.TEXT), "day": ("DATE", Kind.TIME)}
SCHEMA = Schema(
    columns=tuple(Column(name=name, type=kind) for name, (kind, _) in TYPES.items()),
    kinds={name: kind for name, (_, kind) in TYPES.items()},
)
THERE: Predicate = Not(IsNull("amount"))


def judged(kind, values, *, on_empty=OnEmpty.FAIL, severity=Severity.CRITICAL, schema=SCHEMA, **kwargs):
    compiled = compile_check(Check(kind=f"expect_{kind}", kwargs=kwargs, severity=severity))
    return judge_check(compiled, Facts(schema=schema, values={ALL_ROWS: 10_000, **values}), on_empty)


def nulls(count, **kwargs):
    return judged("column_values_to_not_be_null", {Count(IsNull("amount")): count}, column="amount", **kwargs)


@pytest.mark.parametrize(
    ("count", "mostly", "outcome", "message"),
    [
        (0, 1, "PASS", "amount: all 10,000 rows are as expected: not null"),
        (13, 0.999, "FAIL", "amount: 13 of 10,000 rows (0.13 %) are null; expected at least 99.9 % not null"),
        (10, 0.999, "PASS", "amount: 10 of 10,000 rows (0.1 %) are null; expected at least 99.9 % not null"),
        (9_999, 1, "FAIL", "amount: 9,999 of 10,000 rows (99.99 %) are null; expected not null"),
        (10_000, 0, "PASS", "amount: 10,000 of 10,000 rows (100 %) are null; expected at least 0 % not null"),
    ],
)
def test_rowwise_checks_count_exactly(count, mostly, outcome, message):
    result = nulls(count, mostly=mostly)
    assert (result.outcome, result.message) == (outcome, message)
    assert (result.unexpected_count, result.element_count) == (count, 10_000)


@pytest.mark.parametrize(("severity", "outcome"), [("critical", "FAIL"), ("warning", "WARN"), ("info", "INFO")])
def test_severity_says_what_a_miss_means(severity, outcome):
    assert nulls(1, severity=Severity(severity)).outcome == outcome
    assert nulls(0, severity=Severity(severity)).outcome == "PASS"


def test_a_missing_column_fails_and_says_which_are_there():
    result = judged("column_values_to_not_be_null", {}, column="amnt")
    assert result.outcome == "FAIL"
    assert result.message == "amnt: there is no such column; the table has amount, status, day"


def test_a_columns_name_may_differ_in_case_but_not_be_ambiguous():
    assert SCHEMA.find("AMOUNT") == "amount"
    both = Schema(columns=(Column(name="Id", type="INT"), Column(name="ID", type="INT")), kinds={})
    assert both.find("ID") == "ID"
    assert both.find("id") is None
    result = judged("column_values_to_not_be_null", {}, column="id", schema=both)
    assert result.message == "id: which column is meant? Id, ID differ only in case; write the name exactly"


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("column_mean_to_be_between", {"column": "status", "min_value": 1}),
        ("column_values_to_be_between", {"column": "status", "min_value": 1}),
        ("column_values_to_be_between", {"column": "day", "min_value": 1}),
        ("column_values_to_be_between", {"column": "amount", "min_value": "a"}),
        ("column_values_to_be_between", {"column": "amount", "min_value": date(2013, 1, 1)}),
        ("column_values_to_be_in_set", {"column": "amount", "value_set": ["a"]}),
        ("column_values_to_match_regex", {"column": "amount", "regex": "a"}),
        ("column_value_lengths_to_equal", {"column": "amount", "value": 3}),
        ("column_values_to_not_be_null", {"column": "amount", "row_condition": "status > 3"}),
    ],
)
def test_a_wrong_type_fails_without_a_measurement(kind, kwargs):
    result = judged(kind, {}, **kwargs)
    assert result.outcome == "FAIL"
    assert "the column is" in result.message
    assert "is needed" in result.message


def test_where_each_value_has_its_own_type_the_wrong_ones_are_counted():
    untyped = Schema(columns=SCHEMA.columns, kinds=SCHEMA.kinds, typed=False)
    check = compile_check(Check(kind="expect_column_mean_to_be_between", kwargs={"column": "amount", "min_value": 1}))
    (metric,) = misfits(check, untyped).values()
    mean = Aggregate(Function.MEAN, "amount")
    facts = Facts(schema=untyped, values={ALL_ROWS: 10, mean: 0.0, metric: 4})
    result = judge_check(check, facts, OnEmpty.FAIL)
    assert result.outcome == "FAIL"
    assert "of another kind in 4 rows, where number is needed" in result.message


@pytest.mark.parametrize("retryable", [True, False])
def test_what_could_not_be_measured_is_an_error_with_the_databases_words(retryable):
    error = MeasureError("PostgreSQL: the lights are out", retryable=retryable)
    result = nulls(error)
    assert result.outcome == "ERROR"
    assert result.message == "amount: could not be measured: PostgreSQL: the lights are out"
    assert result.retryable is retryable


@pytest.mark.parametrize(
    ("function", "bounds", "measured", "outcome"),
    [
        ("mean", {"min_value": 1, "max_value": 2}, 1.0, "PASS"),
        ("mean", {"min_value": 1, "strict_min": True}, 1.0, "FAIL"),
        ("mean", {"max_value": 2, "strict_max": True}, 2, "FAIL"),
        ("sum", {"max_value": 0.1}, Decimal("0.1"), "PASS"),
        ("sum", {"max_value": 0.1}, Decimal("0.10000000000000000001"), "FAIL"),
        ("max", {"min_value": 1}, None, "FAIL"),
    ],
)
def test_numbers_lie_in_their_range(function, bounds, measured, outcome):
    metric = Aggregate(Function(function), "amount")
    result = judged(f"column_{function}_to_be_between", {metric: measured}, column="amount", **bounds)
    assert result.outcome == outcome
    assert result.observed == measured


@pytest.mark.parametrize(
    ("bound", "measured", "outcome"),
    [
        ("2013-01-01", date(2013, 1, 2), "PASS"),
        ("2013-01-03", datetime(2013, 1, 2), "FAIL"),
        (datetime(2013, 1, 2, tzinfo=UTC), datetime(2013, 1, 2), "PASS"),
        (date(2013, 1, 2), "2013-01-02 00:00:00", "PASS"),
        ("soon", date(2013, 1, 2), "ERROR"),
    ],
)
def test_times_are_compared_as_times(bound, measured, outcome):
    metric = Aggregate(Function.MAX, "day")
    assert judged("column_max_to_be_between", {metric: measured}, column="day", min_value=bound).outcome == outcome


def test_every_member_of_a_repeated_group_counts():
    check = compile_check(Check(kind="expect_column_values_to_be_unique", kwargs={"column": "amount"}))
    repeats = Repeats(("amount",), THERE)
    unique = Facts(schema=SCHEMA, values={ALL_ROWS: 10, Count(THERE): 9, repeats: 0})
    assert judge_check(check, unique, OnEmpty.FAIL).outcome == "PASS"
    missed = Facts(schema=SCHEMA, values={ALL_ROWS: 10, Count(THERE): 9, repeats: 2})
    result = judge_check(check, missed, OnEmpty.FAIL)
    assert result.message == "amount: 2 of 9 values (22.2 %) are not unique; expected unique"


@pytest.mark.parametrize(("on_empty", "outcome"), [("fail", "FAIL"), ("warn", "WARN"), ("pass", "PASS")])
def test_empty_data_is_what_the_policy_says(on_empty, outcome):
    result = nulls(0, on_empty=OnEmpty(on_empty))
    assert result.outcome == "PASS"
    check = compile_check(Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "amount"}))
    facts = Facts(schema=SCHEMA, values={ALL_ROWS: 0, Count(IsNull("amount")): 0})
    (result,) = judge_all((check,), facts, OnEmpty(on_empty))
    assert result.outcome == outcome
    assert f"the data is empty, so nothing was looked at (on_empty={on_empty})" in result.message


def test_a_condition_that_no_row_meets_is_empty_too():
    metric = compile_check(
        Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "amount", "row_condition": "amount > 5"})
    )
    assert metric.rows is not None
    facts = Facts(schema=SCHEMA, values={ALL_ROWS: 10, **dict.fromkeys(metric.metrics, 0)})
    result = judge_check(metric, facts, OnEmpty.FAIL)
    assert result.outcome == "FAIL"
    assert "no row meets amount > 5" in result.message


@pytest.mark.parametrize(
    ("on_empty", "outcomes"),
    [("fail", ["PASS", "FAIL"]), ("warn", ["PASS", "WARN"]), ("pass", ["PASS"])],
)
def test_a_suite_without_a_check_that_stops_empty_data_does_not_let_it_pass(on_empty, outcomes):
    check = compile_check(Check(kind="expect_column_to_exist", kwargs={"column": "amount"}))
    results = judge_all((check,), Facts(schema=SCHEMA, values={ALL_ROWS: 0}), OnEmpty(on_empty))
    assert [result.outcome for result in results] == outcomes


def test_an_empty_table_may_be_asked_for():
    check = compile_check(Check(kind="expect_table_row_count_to_equal", kwargs={"value": 0}))
    (result,) = judge_all((check,), Facts(schema=SCHEMA, values={ALL_ROWS: 0}), OnEmpty.PASS)
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("kind", "kwargs", "outcome", "message"),
    [
        ("table_row_count_to_be_between", {"max_value": 9}, "FAIL", "table: 10,000 rows; expected at most 9"),
        ("table_row_count_to_equal", {"value": 10_000}, "PASS", "table: 10,000 rows; expected equal to 10,000"),
        ("table_column_count_to_equal", {"value": 3}, "PASS", "3 columns"),
        (
            "table_column_count_to_be_between",
            {"min_value": 4},
            "FAIL",
            "3 columns; expected at least 4; it has amount,",
        ),
        ("table_columns_to_match_set", {"column_set": ["day", "amount", "status"]}, "PASS", "exactly the columns"),
        ("table_columns_to_match_set", {"column_set": ["day"]}, "FAIL", "table: amount, status not expected"),
        ("table_columns_to_match_set", {"column_set": ["day"], "exact_match": False}, "PASS", "at least"),
        ("table_columns_to_match_set", {"column_set": ["x"], "exact_match": False}, "FAIL", "table: x missing"),
        ("table_columns_to_match_ordered_list", {"column_list": ["amount", "status", "day"]}, "PASS", "in this order"),
        ("table_columns_to_match_ordered_list", {"column_list": ["day", "amount", "status"]}, "FAIL", "the order is"),
        ("column_to_exist", {"column": "day", "column_index": 2}, "PASS", "position 2"),
        ("column_to_exist", {"column": "day", "column_index": 0}, "FAIL", "is there, at position 2; expected a column"),
        ("column_to_exist", {"column": "x"}, "FAIL", "no such column; the table has amount"),
    ],
)
def test_the_table_itself(kind, kwargs, outcome, message):
    result = judged(kind, {}, **kwargs)
    assert result.outcome == outcome
    assert message in result.message
