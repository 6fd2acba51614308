"""Great Expectations itself on frames and files: what it says, what it may not say, and where it cannot be asked."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import subprocess
import sys
import warnings

import duckdb
import pandas as pd
import polars as pl
import psycopg
import pytest

from airflow_dataops import validate
from airflow_dataops.core.errors import MeasureError, SuiteError
from airflow_dataops.core.metrics import ExpectationResult
from airflow_dataops.engines import gx

DATA = {
    "id": [1, 2, 3, 4, 5, 6],
    "day": ["2013-01-31", "2013-02-28", None, "2013-02-30", "31.1.2013", "2013-03-01"],
    "doc": ['{"n": 1}', '{"n": "x"}', None, '{"n": 2}', "[]", "NaN"],
    "broken": ['{"n": 1}', "{", None, "secret-token", '{"n": 2}', '{"n": 3}'],
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "number"}}}


@pytest.fixture(params=["pandas", "polars", "parquet", "jsonl"])
def data(request, tmp_path):
    """Return the same data as each of what ``validate`` takes."""
    frame = pd.DataFrame(DATA)
    if request.param == "pandas":
        return frame
    if request.param == "polars":
        return pl.DataFrame(DATA)
    path = tmp_path / f"data.{request.param}"
    if request.param == "parquet":
        frame.to_parquet(path)
    else:
        rows = (dict(zip(DATA, values, strict=True)) for values in zip(*DATA.values(), strict=True))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def check(kind, **kwargs):
    return {"type": f"column_values_to_{kind}", **kwargs}


DAY = check("match_strftime_format", column="day", strftime_format="%Y-%m-%d")
DOC = check("match_json_schema", column="doc", json_schema=SCHEMA)


@pytest.mark.parametrize(
    ("written", "outcome", "unexpected", "looked_at"),
    [
        (DAY, "FAIL", 2, 5),
        ({**DAY, "mostly": 0.6}, "PASS", 2, 5),
        ({**DAY, "mostly": 0.61}, "FAIL", 2, 5),
        ({**DAY, "severity": "warning"}, "WARN", 2, 5),
        ({**DAY, "row_condition": "id < 4"}, "PASS", 0, 2),
        ({**DAY, "row_condition": 'col("id") > 2 and col("day").notNull()'}, "FAIL", 2, 3),
        ({**DAY, "row_condition": "id == 3"}, "PASS", 0, 0),
        ({**DAY, "row_condition": "id > 100"}, "FAIL", None, 0),
        # dateutil reads no 30th of February either, but 31.1.2013
        (check("be_dateutil_parseable", column="day"), "FAIL", 1, 5),
        # Python reads NaN as JSON
        (check("be_json_parseable", column="doc"), "PASS", 0, 5),
        (check("be_json_parseable", column="broken"), "FAIL", 2, 5),
        (DOC, "FAIL", 3, 5),
        ({**DOC, "mostly": 0.4}, "PASS", 3, 5),
        ({**DOC, "row_condition": "id in [1, 4]"}, "PASS", 0, 2),
    ],
)
def test_it_counts_what_breaks_a_check_and_looks_at_no_null(data, written, outcome, unexpected, looked_at):
    (result,) = validate(data, [written]).results
    assert str(result.outcome) == outcome, result.message
    assert (result.unexpected_count, result.element_count) == (unexpected, looked_at)


def test_all_null_holds_and_no_row_at_all_fails():
    frame = pd.DataFrame({"nothing": pd.Series([None] * 3, dtype="string")})
    nothing = check("be_json_parseable", column="nothing")
    (result,) = validate(frame, [nothing]).results
    assert (str(result.outcome), result.unexpected_count, result.element_count) == ("PASS", 0, 0)
    assert str(validate(frame.head(0), [nothing]).verdict) == "FAIL"


def test_a_missing_column_and_a_wrong_type_fail_and_gx_is_not_asked():
    result = validate(pd.DataFrame(DATA), [{**DAY, "column": "id"}, {**DAY, "column": "gone"}])
    assert [str(one.outcome) for one in result.results] == ["FAIL", "FAIL"]
    assert not any("Great Expectations" in statement.sql for statement in result.statements)


def test_the_statement_says_what_it_was_for():
    result = validate(pd.DataFrame(DATA), [DAY, {**DAY, "mostly": 0.5}])
    asked = [one for one in result.statements if "Great Expectations" in one.sql]
    assert len(asked) == 1  # two thresholds, one question
    assert "expect_column_values_to_match_strftime_format" in asked[0].sql
    assert asked[0].metrics == 1


def test_values_that_are_no_json_fail_the_schema_and_are_not_shown():
    result = validate(pd.DataFrame(DATA), [check("match_json_schema", column="broken", json_schema=SCHEMA)])
    (found,) = result.results
    assert (str(found.outcome), found.unexpected_count, found.element_count) == ("FAIL", 2, 5)
    assert "2 of 5 values (40 %) do not match the schema, 2 of them are not even JSON" in found.message
    assert "secret-token" not in json.dumps(result.to_dict())


@pytest.mark.parametrize(
    ("about", "outcome"),
    [
        ({}, "FAIL"),
        ({"mostly": 0.5}, "PASS"),
        ({"mostly": 0.81}, "FAIL"),
        ({"fail_above": 1}, "FAIL"),
        ({"fail_above": 2}, "PASS"),
        ({"fail_above": "20 %", "warn_above": 1}, "WARN"),
    ],
)
def test_what_is_no_json_counts_with_what_breaks_the_schema(about, outcome):
    frame = pd.DataFrame({"doc": ['{"n": 1}'] * 8 + ['{"n": "x"}', "no json"]})
    (found,) = validate(frame, [{**DOC, **about}]).results
    assert (str(found.outcome), found.unexpected_count, found.element_count) == (outcome, 2, 10)


def test_a_column_without_any_json_breaks_the_schema():
    (found,) = validate(pd.DataFrame({"doc": ["x", None]}), [DOC]).results
    assert (str(found.outcome), found.unexpected_count, found.element_count) == ("FAIL", 1, 1)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "objet"}, r"check 2: .*json_schema\.type: 'objet' is not valid"),
        ({"properties": {"n": {"minimum": "1"}}}, r"json_schema\.properties\.n\.minimum: '1' is not of type"),
    ],
)
def test_a_schema_that_is_none_is_refused_before_the_data_is_read(schema, told):
    suite = [check("not_be_null", column="id"), {**DOC, "json_schema": schema}]
    with pytest.raises(SuiteError, match=told):
        validate(pd.DataFrame(DATA), suite)


def test_what_gx_cannot_evaluate_is_an_error_and_the_others_keep_their_verdict():
    wrong = check("match_json_schema", column="doc", json_schema={"$ref": "#/nowhere"})
    not_null = check("not_be_null", column="id")
    result = validate(pd.DataFrame(DATA), [wrong, DAY, not_null])
    found = {one.check.kind: one for one in result.results}
    error = found["expect_column_values_to_match_json_schema"]
    assert str(error.outcome) == "ERROR"
    assert "could not be measured: Great Expectations: PointerToNowhere: '…' does not exist" in error.message
    assert not error.retryable
    assert str(found["expect_column_values_to_match_strftime_format"].outcome) == "FAIL"
    assert str(found["expect_column_values_to_not_be_null"].outcome) == "PASS"


def test_the_import_that_takes_seconds_is_told_once(caplog, monkeypatch):
    monkeypatch.setattr(gx, "_validated", lambda metric, values: {"exception_info": {"raised_exception": True}})
    metric = ExpectationResult("expect_column_values_to_be_json_parseable", "a")
    with caplog.at_level(logging.INFO, logger=gx.__name__):
        monkeypatch.delitem(sys.modules, "great_expectations", raising=False)
        gx.result_of(metric, ["1"])
        monkeypatch.setitem(sys.modules, "great_expectations", logging)
        gx.result_of(metric, ["1"])
    assert [record.getMessage().split(",")[0] for record in caplog.records] == ["Importing Great Expectations"]


KL = "expect_column_kl_divergence_to_be_less_than"
COIN = {"threshold": 0.1, "partition_object": {"values": [1], "weights": [1]}}


@pytest.mark.parametrize(
    ("kind", "kwargs", "told"),
    [
        # it cannot be made at all
        ("expect_nothing_of_the_kind", {}, "expect_nothing_of_the_kind"),
        ("expect_column_values_to_match_strftime_format", {}, "1 validation error"),
        # one of its metrics cannot: the exception is kept by the metric's id
        ("expect_column_values_to_be_dateutil_parseable", {}, "must be of type string"),
        # its own evaluation cannot: the exception is the result's own
        (KL, {**COIN, "internal_weight_holdout": 0.5}, "Internal weight holdout cannot be used for discrete data"),
        # it says something, and nothing that could be judged
        (KL, COIN, "was not answered with counts"),
    ],
)
def test_whatever_goes_wrong_is_an_error_and_never_a_pass(kind, kwargs, told):
    found = gx.result_of(ExpectationResult(kind, "a", json.dumps(kwargs)), [1, 1])
    assert isinstance(found, MeasureError)
    assert told in str(found)


def test_of_a_value_in_an_error_nothing_is_told():
    metric = ExpectationResult("expect_column_values_to_match_strftime_format", "a", '{"strftime_format": "%Y"}')
    for value in (object(), 17, b"secret"):
        found = gx.result_of(metric, ["2013", value])
        assert isinstance(found, MeasureError)
        assert "secret" not in str(found)


def test_gx_leaves_the_process_as_it_found_it(caplog, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        import great_expectations
        from great_expectations.data_context.data_context.context_factory import project_manager

    mine = great_expectations.get_context(mode="ephemeral")
    caplog.clear()
    level, shown_by = logging.getLogger("great_expectations").level, warnings.showwarning
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for written in (DAY, {**DAY, "column": "doc"}, check("be_dateutil_parseable", column="doc")):
            validate(pd.DataFrame(DATA), [written])
    assert project_manager._project is mine
    assert logging.getLogger("great_expectations").level == level
    assert warnings.showwarning is shown_by
    assert [str(one.message) for one in warned] == []
    assert not [record for record in caplog.records if record.name.startswith(("great_expectations", "py.warnings"))]
    assert capfd.readouterr() == ("", "")


def test_the_first_import_captures_no_warnings_of_the_process():
    code = """
import logging, sys, warnings
import pandas
from airflow_dataops import validate
frame = pandas.DataFrame({"a": ["{}"]})
plain = [{"type": "column_values_to_not_be_null", "column": "a"}]
assert str(validate(frame, plain).verdict) == "PASS"
assert "great_expectations" not in sys.modules
assert str(validate(frame, [*plain, {"type": "column_values_to_be_json_parseable", "column": "a"}]).verdict) == "PASS"
assert "great_expectations" in sys.modules
assert logging._warnings_showwarning is None
warnings.warn("still shown", UserWarning)
"""
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "UserWarning: still shown" in run.stderr
    assert run.stderr.count("Warning") == 1


def test_a_suite_is_read_without_gx():
    suite = [DAY, DOC, check("be_json_parseable", column="doc"), check("be_dateutil_parseable", column="day")]
    code = f"""
import sys
from airflow_dataops.formats.suites import read_suite
read_suite({suite!r})
print(*sorted({{"great_expectations", "pandas", "duckdb", "sqlglot"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == []


KINDS = (DAY, DOC, check("be_json_parseable", column="doc"), check("be_dateutil_parseable", column="day"))


@pytest.mark.parametrize("written", KINDS, ids=[one["type"] for one in KINDS])
def test_a_database_elsewhere_refuses_before_anything_is_asked_of_it(written, postgres_url, tmp_path):
    suite = [check("not_be_null", column="day"), written]
    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE t (day TEXT, doc TEXT)")
    refused = rf"suite: check 2: expect_{written['type']} cannot be measured on %s; it can on DuckDB, and on frames"
    with pytest.raises(SuiteError, match=refused % "SQLite"):
        validate("no_such_table", suite, connection=f"sqlite:///{tmp_path / 'w.db'}")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (day TEXT, doc TEXT)")
    with pytest.raises(SuiteError, match=refused % "PostgreSQL"):
        validate("no_such_table", suite, connection=postgres_url)


def test_no_statement_is_run_before_the_refusal(tmp_path):
    from airflow_dataops.engines.dbapi import DbApiSession
    from airflow_dataops.formats.suites import read_suite
    from airflow_dataops.services.judging import judge

    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        session = DbApiSession(connection, "sqlite")
        ran: list[str] = []
        connection.set_trace_callback(ran.append)
        with pytest.raises(SuiteError):
            judge(session, "SELECT 1 AS day", read_suite([DAY]))
        assert ran == []


def test_a_table_in_a_duckdb_file_is_judged_too(tmp_path):
    path = tmp_path / "w.duckdb"
    with contextlib.closing(duckdb.connect(str(path))) as connection:
        frame = pd.DataFrame(DATA)
        connection.register("frame", frame)
        connection.execute(
            "CREATE TABLE t AS SELECT *, doc::JSON AS typed FROM frame WHERE doc IS NULL OR doc <> 'NaN'"
        )
    suite = [DAY, {**DOC, "column": "typed"}]
    result = validate("t", suite, connection=f"duckdb:///{path}", where="id < 5")
    found = [(str(one.outcome), one.unexpected_count, one.element_count) for one in result.results]
    assert found == [("FAIL", 1, 3), ("FAIL", 1, 3)]


def test_the_installed_gx_still_answers_in_these_words():
    """Its own figures for the same column, by its own public way: ours are these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations

        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        frame = pd.DataFrame({"day": DATA["day"]})
        asset = context.data_sources.add_pandas("p").add_dataframe_asset("f")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        expectation = great_expectations.expectations.ExpectColumnValuesToMatchStrftimeFormat(
            column="day", strftime_format="%Y-%m-%d"
        )
        theirs = batch.validate(expectation, result_format="COMPLETE").to_json_dict()["result"]
    metric = ExpectationResult(
        "expect_column_values_to_match_strftime_format", "day", '{"strftime_format": "%Y-%m-%d"}'
    )
    ours = gx.result_of(metric, list(DATA["day"]))
    assert ours == {name: theirs[name] for name in ("element_count", "missing_count", "unexpected_count")}
