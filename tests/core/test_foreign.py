"""Checks that Great Expectations measures: what they ask of it, and what its counts mean."""

from __future__ import annotations

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, ExpectationResult, Facts, Schema
from airflow_dataops.core.predicates import Compare, Value
from airflow_dataops.core.vocabulary import compile_check

NO_COLUMNS = Schema(columns=(), kinds={})


def compiled(kind: str, **kwargs):
    return compile_check(Check(kind=f"expect_column_values_to_{kind}", kwargs={"column": "a", **kwargs}))


def judged(check, **result):
    values = {key: {"element_count": 10, "missing_count": 2, **result} for key in check.metrics}
    return check.judge(Facts(schema=NO_COLUMNS, values=values))


def test_mostly_is_judged_here_so_that_equal_questions_are_asked_once():
    strict, lax = compiled("be_json_parseable"), compiled("be_json_parseable", mostly=0.5)
    assert strict.metrics == lax.metrics == (ExpectationResult("expect_column_values_to_be_json_parseable", "a"),)
    assert not judged(strict, unexpected_count=4).holds
    assert judged(lax, unexpected_count=4).holds
    assert not judged(lax, unexpected_count=5).holds


def test_nulls_are_not_looked_at():
    found = judged(compiled("be_dateutil_parseable"), unexpected_count=2)
    assert (found.unexpected_count, found.element_count, found.observed) == (2, 8, 2)
    assert found.message == "a: 2 of 8 values (25 %) are not; expected readable as a time by dateutil"


def test_a_row_condition_is_part_of_the_question():
    check = compiled("match_strftime_format", strftime_format="%Y-%m-%d", row_condition="x > 5")
    (metric,) = check.metrics
    assert metric.where == Compare(Value("x"), ">", 5)
    assert metric.kwargs == '{"strftime_format": "%Y-%m-%d"}'
    assert check.rows == Count(metric.where)
    assert [need.column for need in check.needs] == ["a", "x"]


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        ("match_strftime_format", {}, "argument 'strftime_format' is missing"),
        ("match_strftime_format", {"strftime_format": "%Q"}, "'%Q' is no format that Python can both write and read"),
        ("match_strftime_format", {"strftime_format": "%D"}, "'%D' is no format that Python can both write and read"),
        ("match_json_schema", {}, "argument 'json_schema' is missing"),
        ("match_json_schema", {"json_schema": "{}"}, "expected a JSON schema, which is a mapping, got '{}'"),
        ("match_json_schema", {"json_schema": {"const": {1, 2}}}, "the schema is not JSON"),
        ("be_json_parseable", {"mostly": 2}, "expected a share from 0 to 1"),
        ("be_dateutil_parseable", {"strftime_format": "%Y"}, "unknown argument 'strftime_format'"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_suite_is_read(kind, kwargs, message):
    with pytest.raises(SuiteError, match=message):
        compiled(kind, **kwargs)


def test_what_is_no_json_at_all_breaks_a_schema_and_is_told_apart():
    check = compiled("match_json_schema", json_schema={"type": "object"}, mostly=0.5)
    found = judged(check, unexpected_count=3, not_json=2)
    assert (found.holds, found.unexpected_count, found.element_count) == (True, 3, 8)
    assert found.message.startswith("a: 3 of 8 values (37.5 %) do not match the schema, 2 of them are not even JSON; ")


def test_they_count_rows_so_that_limits_are_allowed():
    check = compile_check(
        Check(kind="expect_column_values_to_be_json_parseable", kwargs={"column": "a"}, fail_above=2, warn_above=1)
    )
    judgements = [(found.holds, found.warns) for found in (judged(check, unexpected_count=n) for n in (1, 2, 3))]
    assert judgements == [(True, False), (True, True), (False, False)]
