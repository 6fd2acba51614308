"""What the random comparisons of tests/agreement once found, each in its smallest form."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_dataops import validate
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.vocabulary.wording import enough
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from airflow_dataops.services.validating import validate as judged

T = Relation(name="t")


def of(result):
    return str(result.outcome), result.unexpected_count, result.element_count


def sqlite(columns, *rows):
    """Return a session whose table ``t`` has these rows."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE t ({columns})")
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return DbApiSession(connection, "sqlite")


def said(db, kind, **kwargs):
    (result,) = judge(db, T, read_suite([{"type": kind, **kwargs}])).results
    return result


def test_nan_in_parquet_is_null_though_its_statistics_leave_it_out(tmp_path):
    pq.write_table(pa.table({"a": [1.0, float("nan"), 3.0]}), tmp_path / "a.parquet")
    suite = [
        {"type": "column_values_to_not_be_null", "column": "a"},
        {"type": "column_values_to_be_between", "column": "a", "max_value": 2},
        {"type": "column_mean_to_be_between", "column": "a", "min_value": 2, "max_value": 2},
    ]
    results = {result.check.kind: of(result) for result in validate(tmp_path / "a.parquet", suite).results}
    assert results == {
        "expect_column_values_to_not_be_null": ("FAIL", 1, 3),
        "expect_column_values_to_be_between": ("FAIL", 1, 2),
        "expect_column_mean_to_be_between": ("PASS", None, None),
    }


def test_a_median_of_decimals_is_not_rounded_to_their_scale():
    frame = pd.DataFrame({"a": [Decimal("0.01"), Decimal("0.02")]})
    (result,) = validate(frame, [{"type": "column_median_to_be_between", "column": "a", "min_value": 0}]).results
    assert result.observed == pytest.approx(0.015)


def test_a_median_may_be_of_some_rows():
    check = {"type": "column_median_to_be_between", "column": "a", "min_value": 0, "row_condition": 'col("a") > 1'}
    (result,) = validate(pd.DataFrame({"a": [1, 2.5, 4]}), [check]).results
    assert result.observed == 3.25, result.message


@pytest.mark.parametrize("rows", [0, 2])
def test_an_object_column_without_a_value_can_be_asked_what_any_can(rows):
    frame = pd.DataFrame({"a": pd.Series([None] * rows, dtype=object), "b": range(rows)})
    suite = [{"type": "column_values_to_be_between", "column": "a", "min_value": date(2020, 1, 1)}]
    (result,) = judged(frame, suite, on_empty="pass").results
    assert str(result.outcome) == "PASS", result.message


def test_columns_of_unlike_types_are_never_equal_within_the_row():
    with contextlib.closing(DbApiSession(duckdb.connect(":memory:"), "duckdb")) as db:
        db.execute("CREATE TABLE t AS SELECT 1 AS a, '1' AS b, 'x' AS c")
        result = said(db, "select_column_values_to_be_unique_within_record", column_list=["a", "b", "c"])
    assert of(result) == ("PASS", 0, 1)
    with contextlib.closing(sqlite("a INTEGER, b TEXT", (1, "1"))) as db:
        assert of(said(db, "select_column_values_to_be_unique_within_record", column_list=["a", "b"])) == ("PASS", 0, 1)
        assert said(db, "column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b").outcome == "FAIL"


@pytest.mark.parametrize("stored", ["2020-02-28 12:00:00.000000", "2020-02-28T12:00:00", "2020-02-28T13:00:00+01:00"])
def test_sqlite_compares_times_as_times_in_whatever_form_they_are_stored(stored):
    noon = datetime(2020, 2, 28, 12)
    with contextlib.closing(sqlite("a TIMESTAMP", (stored,))) as db:
        assert of(said(db, "column_values_to_be_in_set", column="a", value_set=[noon])) == ("PASS", 0, 1)
        assert of(said(db, "column_values_to_be_between", column="a", max_value=noon)) == ("PASS", 0, 1)
        aware = noon.replace(tzinfo=UTC)
        assert of(said(db, "column_values_to_be_between", column="a", min_value=aware)) == ("PASS", 0, 1)
        assert of(said(db, "column_values_to_be_between", column="a", min_value=date(2020, 2, 29)))[0] == "FAIL"


def test_sqlite_tells_a_text_that_is_no_time():
    with contextlib.closing(sqlite("a TIMESTAMP", ("2020-02-28",), ("soon",))) as db:
        result = said(db, "column_values_to_be_between", column="a", min_value=date(2020, 1, 1))
    assert str(result.outcome) == "FAIL"
    assert "of another kind in 1 row," in result.message


@pytest.mark.parametrize("kind", ["median", "stdev", "mean"])
def test_numbers_asked_of_texts_in_sqlite_fail_and_do_not_raise(kind):
    with contextlib.closing(sqlite("a TEXT", ("x",), ("y",))) as db:
        result = said(db, f"column_{kind}_to_be_between", column="a", min_value=0)
    assert str(result.outcome) == "FAIL"


def test_quantiles_asked_of_texts_in_sqlite_fail_and_do_not_raise():
    ranges = {"quantiles": [0.4], "value_ranges": [[0, 1]]}
    with contextlib.closing(sqlite("a TEXT", ("x",), ("y",))) as db:
        result = said(db, "column_quantile_values_to_be_between", column="a", quantile_ranges=ranges)
    assert str(result.outcome) == "FAIL"


def test_truth_is_truth_in_sqlite_though_a_column_is_called_so():
    with contextlib.closing(sqlite('a BOOLEAN, "True" INTEGER', (1, 7), (0, 7))) as db:
        assert of(said(db, "column_values_to_be_in_set", column="a", value_set=[True, False])) == ("PASS", 0, 2)


def test_infinity_may_stand_in_a_set_and_nan_is_left_out():
    frame = pd.DataFrame({"a": [1.0, float("inf"), -float("inf")]})
    values = [1.0, float("inf"), float("nan")]
    (result,) = validate(frame, [{"type": "column_values_to_be_in_set", "column": "a", "value_set": values}]).results
    assert of(result) == ("FAIL", 1, 3)
    with contextlib.closing(sqlite("a REAL", (1.0,), (float("inf"),))) as db:
        assert of(said(db, "column_values_to_be_in_set", column="a", value_set=values)) == ("PASS", 0, 2)


@pytest.mark.parametrize(("good", "whole"), [(5, 6), (1, 3), (2, 3), (999, 1000), (7, 10)])
def test_a_share_that_a_person_computed_is_reached(good, whole):
    mostly = Decimal(str(good / whole))
    assert enough(good, whole, mostly)
    assert not enough(good - 1, whole, mostly)
    assert not enough(10**17 - 1, 10**17, Decimal(1))
