"""Checks that Great Expectations measures: what they ask of it, and what its counts mean."""

from __future__ import annotations

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import MeasureError, SuiteError
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


class TestWhatIsNoJsonAtAll:
    """GX stops at the first value that is no JSON; how many there are is asked then, and only then."""

    CHECK = compiled("match_json_schema", json_schema={"type": "object"}, mostly=0.75)
    STOPPED = MeasureError("Great Expectations: Expecting value")

    def facts(self, **result):
        values = dict.fromkeys(self.CHECK.metrics, self.STOPPED)
        asked = self.CHECK.follow_up(Facts(schema=NO_COLUMNS, values=values))
        return Facts(schema=NO_COLUMNS, values={**values, **dict.fromkeys(asked, result)})

    def test_nothing_more_is_asked_where_gx_has_an_answer(self):
        answered = {metric: {"unexpected_count": 0} for metric in self.CHECK.metrics}
        assert self.CHECK.follow_up(Facts(schema=NO_COLUMNS, values=answered)) == ()

    def test_too_many_of_them_are_a_failure(self):
        found = self.CHECK.judge(self.facts(unexpected_count=3, element_count=10, missing_count=2))
        assert not found.holds
        # Those that are JSON may break the schema too: the whole number is not known.
        assert (found.unexpected_count, found.element_count) == (None, 8)
        assert found.message.startswith("a: 3 of 8 values (37.5 %) are not even JSON; expected at least 75 %")

    def test_few_enough_of_them_leave_the_question_open(self):
        with pytest.raises(MeasureError, match="Expecting value"):
            self.CHECK.judge(self.facts(unexpected_count=2, element_count=10, missing_count=2))
