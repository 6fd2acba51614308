"""Warn and fail apart, on one check."""

from __future__ import annotations

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.judging import OnEmpty, judge_check
from airflow_dataops.core.metrics import Aggregate, Count, Facts, Function, Schema
from airflow_dataops.core.predicates import IsNull, Kind
from airflow_dataops.core.relations import Column
from airflow_dataops.core.verdicts import Severity
from airflow_dataops.core.vocabulary import compile_check
from airflow_dataops.formats.suites import read_suite

SCHEMA = Schema(columns=(Column(name="amount", type="double"),), kinds={"amount": Kind.NUMBER})
MEAN = Aggregate(Function.MEAN, "amount")


def nulls(count, rows=200, **about):
    check = Check(kind="expect_column_values_to_not_be_null", **{"kwargs": {"column": "amount"}, **about})
    facts = Facts(schema=SCHEMA, values={Count(): rows, Count(IsNull("amount")): count})
    return judge_check(compile_check(check), facts, OnEmpty.FAIL)


def mean(value, **about):
    kwargs = {"column": "amount", "min_value": 10, "max_value": 90}
    check = Check(kind="expect_column_mean_to_be_between", kwargs=kwargs, **about)
    return judge_check(compile_check(check), Facts(schema=SCHEMA, values={Count(): 5, MEAN: value}), OnEmpty.FAIL)


@pytest.mark.parametrize(
    ("about", "count", "outcome"),
    [
        ({"warn_above": 0, "fail_above": 10}, 0, "PASS"),
        ({"warn_above": 0, "fail_above": 10}, 1, "WARN"),
        ({"warn_above": 0, "fail_above": 10}, 10, "WARN"),
        ({"warn_above": 0, "fail_above": 10}, 11, "FAIL"),
        ({"warn_above": "1 %", "fail_above": "5%"}, 2, "PASS"),
        ({"warn_above": "1 %", "fail_above": "5%"}, 3, "WARN"),
        ({"warn_above": "1 %", "fail_above": "5%"}, 11, "FAIL"),
        ({"fail_above": "0.5 %"}, 1, "PASS"),
        ({"fail_above": "0.5 %"}, 2, "FAIL"),
        ({"warn_above": 10}, 9, "PASS"),
        ({"warn_above": 10}, 200, "WARN"),  # nothing says that it fails
        ({"warn_above": 1, "kwargs": {"column": "amount", "mostly": 0.9}}, 20, "WARN"),
        ({"warn_above": 1, "kwargs": {"column": "amount", "mostly": 0.9}}, 21, "FAIL"),
        ({"warn_above": 1, "fail_above": 5, "severity": Severity.INFO}, 3, "INFO"),
        ({"warn_above": 1, "fail_above": 5, "severity": Severity.WARNING}, 6, "WARN"),
    ],
)
def test_rows_that_break_a_check(about, count, outcome):
    assert str(nulls(count, **about).outcome) == outcome


@pytest.mark.parametrize(
    ("value", "outcome"), [(9, "FAIL"), (10, "WARN"), (39.9, "WARN"), (40, "PASS"), (61, "WARN"), (90.5, "FAIL")]
)
def test_a_number_outside_of_two_ranges(value, outcome):
    assert str(mean(value, warn_outside={"min_value": 40, "max_value": 60}).outcome) == outcome


def test_messages_say_both_limits():
    assert nulls(3, warn_above=0, fail_above="2 %").message == (
        "amount: 3 of 200 rows (1.5 %) are null; expected not null but for at most 2 % (a warning above 0 rows)"
    )
    assert nulls(0, warn_above=0, fail_above=1).expected == "not null but for at most 1 row (a warning above 0 rows)"
    assert mean(30, warn_outside={"min_value": 40}).message == (
        "amount: mean is 30; expected between 40 and 90, and at worst between 10 and 90"
    )


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"warn_above": "ten"}, r"warn_above is 'ten'; expected a number of rows, or a percentage"),
        ({"fail_above": -1}, "fail_above is -1"),
        ({"fail_above": "120 %"}, "fail_above is '120 %'"),
        ({"fail_above": True}, "fail_above is True"),
        ({"fail_above": 1, "mostly": 0.9}, "fail_above and mostly say the same thing twice"),
        ({"warn_outside": {"min_value": 1}}, "warn_outside is for one measured number"),
        ({"warn_above": "10 %", "fail_above": "1 %"}, "warn_above 10 % is not below fail_above 1 %"),
        ({"warn_above": 3, "fail_above": 3}, "warn_above 3 rows is not below fail_above 3 rows"),
        ({"warn_abov": 3}, "unknown argument 'warn_abov'; did you mean 'warn_above'"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(about, message):
    with pytest.raises(SuiteError, match=message):
        read_suite([{"type": "column_values_to_not_be_null", "column": "amount", **about}])


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"warn_above": 3}, "are for checks that count rows"),
        ({"warn_outside": {"mean": 3}}, "warn_outside takes the check's own limits"),
        ({"warn_outside": {"max_age": "1 h"}}, "unknown argument 'max_age'"),
        ({"warn_outside": {"min_value": 80, "max_value": 70}}, "min_value 80 is above max_value 70"),
        ({"warn_outside": {"max_value": 95}}, "max_value 95, beyond the check's own 90; expected a narrower range"),
    ],
)
def test_limits_of_the_other_kind_are_refused(about, message):
    with pytest.raises(SuiteError, match=message):
        read_suite([{"type": "column_mean_to_be_between", "column": "amount", "max_value": 90, **about}])


def test_limits_are_part_of_the_evidence_and_not_of_the_check_s_place():
    plain, limited = (
        read_suite([{"type": "column_values_to_not_be_null", "column": "amount", **about}])
        for about in ({}, {"fail_above": 5})
    )
    assert plain.hash != limited.hash
    assert plain.checks[0].id == limited.checks[0].id
    assert Check.from_dict(limited.checks[0].to_dict()) == limited.checks[0]
