from __future__ import annotations

import json

import pytest

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.verdicts import Severity
from airflow_dataops.formats.suites import read_suite

NOT_NULL = "expect_column_values_to_not_be_null"

SHORT = """
name: orders
checks:
  - type: table_row_count_to_be_between
    min_value: 1
  - type: column_values_to_not_be_null
    column: amount
    mostly: 0.999
    severity: warning
    name: amounts
    notes: Ask the billing team.
"""


def test_the_short_form(tmp_path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "orders.yaml").write_text(SHORT)
    suite = read_suite("suites/orders.yaml", base=tmp_path)
    assert suite.name == "orders"
    first, second = suite
    assert first == Check(kind="expect_table_row_count_to_be_between", kwargs={"min_value": 1})
    assert second.kwargs == {"column": "amount", "mostly": 0.999}
    assert (second.severity, second.name) == (Severity.WARNING, "amounts")
    assert second.meta == {"notes": "Ask the billing team."}


@pytest.mark.parametrize("type_key", ["type", "expectation_type"])
def test_what_gx_stores_is_read_unchanged(tmp_path, type_key):
    stored = {
        "name": "gx",
        "id": None,
        "expectations": [
            {
                type_key: NOT_NULL,
                "kwargs": {
                    "column": "a",
                    "mostly": 0.9,
                    "row_condition": {"type": "comparison", "column": {"name": "x"}, "operator": ">", "parameter": 5},
                    "condition_parser": "great_expectations",
                },
                "meta": {"profiler": 1},
                "severity": "info",
                "id": "0f0e",
                "rendered_content": [],
            }
        ],
        "meta": {"great_expectations_version": "1.24.1"},
        "notes": None,
    }
    path = tmp_path / "gx.json"
    path.write_text(json.dumps(stored))
    suite = read_suite(path)
    (check,) = suite
    assert (suite.name, check.kind, check.severity) == ("gx", NOT_NULL, Severity.INFO)
    assert check.kwargs["row_condition"]["parameter"] == 5
    assert read_suite(suite.to_dict()) == suite


def test_lists_dicts_and_suites_are_taken_as_they_are():
    check = {"type": NOT_NULL, "column": "a"}
    (from_list,) = read_suite([check])
    (from_dict,) = read_suite(check)
    assert from_list == from_dict == Check(kind=NOT_NULL, kwargs={"column": "a"})
    suite = Suite(name="s", checks=(from_list,))
    assert read_suite(suite) is suite
    assert read_suite([from_list]).checks == (from_list,)


def test_a_suite_object_of_gx_is_known_by_its_method():
    class LikeGx:
        def to_json_dict(self):
            return {"name": "gx", "expectations": [{"type": NOT_NULL, "kwargs": {"column": "a"}}]}

    assert read_suite(LikeGx()).name == "gx"


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("UnexpectedRowsExpectation", "unexpected_rows_expectation"),
        ("ExpectColumnPairValuesAToBeGreaterThanB", "expect_column_pair_values_a_to_be_greater_than_b"),
        ("ColumnValuesToNotBeNull", NOT_NULL),
        ("column_values_to_not_be_null", NOT_NULL),
    ],
)
def test_a_type_may_be_written_as_the_class_of_gx_and_without_its_prefix(written, kind):
    arguments = {
        "unexpected_rows_expectation": {"unexpected_rows_query": "SELECT 1 FROM {batch}"},
        NOT_NULL: {"column": "a"},
    }
    (check,) = read_suite([{"type": written, **arguments.get(kind, {"column_A": "a", "column_B": "b"})}])
    assert check.kind == kind


def test_what_gx_describes_is_kept_beside_the_notes():
    described = {"type": NOT_NULL, "kwargs": {"column": "a"}, "description": "all have one", "meta": {"owner": "ann"}}
    (check,) = read_suite([described])
    assert check.meta == {"owner": "ann", "description": "all have one"}


def test_parameters_are_filled_in():
    written = [{"type": NOT_NULL, "column": "a", "mostly": {"$PARAMETER": "share"}}]
    (check,) = read_suite(written, parameters={"share": 0.5})
    assert check.kwargs["mostly"] == 0.5
    with pytest.raises(SuiteError, match="parameter 'share' of 'mostly' has no value; give it in parameters="):
        read_suite(written)


def test_a_suite_that_was_built_in_code_is_checked_too():
    with pytest.raises(SuiteError, match="check 1: expect_nothing is not a known check"):
        read_suite(Suite(name="s", checks=(Check(kind="expect_nothing"),)))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("s.yaml", "checks:\n  - type: a\n   b: c\n", "s.yaml: line 3, column "),
        ("s.yaml", "checks: [a", "s.yaml: line 1, column "),
        ("s.json", '{"checks": [}', "s.json: line 1, column 13"),
        ("s.yaml", "", "s.yaml: the checks are empty; expected a list"),
        ("s.yaml", "just text", "s.yaml: the checks are text; expected a list"),
        ("s.yaml", "checks: {a: 1}", "s.yaml: the checks are a mapping; expected a list"),
        ("s.yaml", "check: []", "s.yaml: no list of checks; expected the key 'checks'"),
        ("s.yaml", "checks: [text]", "s.yaml: check 1: is text; expected its type and arguments"),
        ("s.yaml", "checks: [{column: a}]", "s.yaml: check 1: has no 'type'"),
        ("s.yaml", "name: 3\nchecks: []", "s.yaml: the name is int; expected text"),
        (
            "s.yaml",
            f"checks:\n- {{type: {NOT_NULL}, column: a}}\n- {{type: column_values_to_not_be_nul, column: a}}",
            f"s.yaml: check 2: column_values_to_not_be_nul is not a known check; did you mean {NOT_NULL}?",
        ),
        (
            "s.yaml",
            f"checks: [{{type: {NOT_NULL}, column: a, severity: fatal}}]",
            "s.yaml: check 1: severity 'fatal'; expected one of critical, warning, info",
        ),
        ("s.yaml", f"checks: [{{type: {NOT_NULL}, kwargs: [a]}}]", "s.yaml: check 1: 'kwargs' is a list"),
    ],
)
def test_one_line_says_which_file_which_check_and_what(tmp_path, file, content, message):
    (tmp_path / file).write_text(content)
    with pytest.raises(SuiteError) as caught:
        read_suite(file, base=tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(SuiteError) as caught:
        read_suite("suites/none.yaml", base=tmp_path)
    assert f"{tmp_path / 'suites' / 'none.yaml'}: there is no such suite file. Paths start at" in str(caught.value)


def test_a_file_that_is_not_there_names_what_is_near(tmp_path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "orders.yaml").write_text("checks: []")
    with pytest.raises(SuiteError, match=r"There is .*suites/orders\.yaml\."):
        read_suite("orders.yaml", base=tmp_path)
