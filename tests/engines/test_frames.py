"""Frames: measured by the same SQL as databases, with the traps of each made loud."""

from __future__ import annotations

import datetime as dt
import re
import sys
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from airflow_dataops import validate
from airflow_dataops.core.errors import ConfigurationError

SUITE = [
    {"type": "table_row_count_to_equal", "value": 4},
    {"type": "column_values_to_not_be_null", "column": "amount"},
    {"type": "column_mean_to_be_between", "column": "amount", "min_value": 2, "max_value": 2},
    {"type": "column_max_to_be_between", "column": "at", "min_value": "2013-01-01"},
]


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [1.0, np.nan, 3.0, 2.0],
            "name": ["a", None, "c", "d"],
            "at": pd.to_datetime(["2013-01-01"] * 4, utc=True).tz_convert("America/New_York"),
        }
    )


def outcomes(gate):
    return {result.check.kind.removeprefix("expect_"): str(result.outcome) for result in gate.results}


EXPECTED = {
    "column_values_to_not_be_null": "FAIL",
    "table_row_count_to_equal": "PASS",
    "column_mean_to_be_between": "PASS",
    "column_max_to_be_between": "PASS",
}


@pytest.mark.parametrize(
    ("convert", "source"),
    [
        (lambda frame: frame, "pandas DataFrame"),
        (pl.from_pandas, "polars DataFrame"),
        (lambda frame: pl.from_pandas(frame).lazy(), "polars LazyFrame"),
        (pa.Table.from_pandas, "pyarrow Table"),
    ],
)
def test_every_frame_gives_the_same_result_and_nan_is_null(frame, convert, source):
    gate = validate(convert(frame), SUITE)
    assert gate.source == source
    assert outcomes(gate) == EXPECTED
    assert gate.results[0].message == "amount: 1 of 4 rows (25 %) are null; expected not null"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a", "a"], "Columns a, a of the frame have the same name"),
        (["a", "A"], "Columns a, A of the frame have the same name but for upper and lower case"),
        (["a", 1], "Column 1 of the frame is not named by text"),
    ],
)
def test_column_names_that_would_be_confused_are_refused(columns, message):
    with pytest.raises(ConfigurationError, match=message):
        validate(pd.DataFrame([[1, 2]], columns=columns), SUITE)


@pytest.mark.parametrize("values", [[1] * 2_000 + [1.5, "x"], [True] * 2_000 + [7], ["a", 1]])
def test_a_column_of_several_types_is_refused(values):
    with pytest.raises(ConfigurationError, match=r"Column 'a' of the frame holds values of several types \(mixed"):
        validate(pd.DataFrame({"a": pd.Series(values, dtype=object)}), SUITE)


@pytest.mark.parametrize(("values", "mean"), [([1] * 2_000 + [1.5], 1 + 0.5 / 2_001), ([None, 2, 4], 3)])
def test_a_column_of_objects_that_are_numbers_keeps_its_late_fraction(values, mean):
    frame = pd.DataFrame({"a": pd.Series(values, dtype=object)})
    gate = validate(frame, [{"type": "column_mean_to_be_between", "column": "a", "min_value": 1, "max_value": 3}])
    assert gate.results[0].observed == pytest.approx(mean)


def test_a_condition_leaves_rows_out(frame):
    assert validate(frame, [{"type": "table_row_count_to_equal", "value": 2}], where="amount >= 2").passed


def test_the_frame_is_left_as_it_was(frame):
    before = frame.copy(deep=True)
    validate(frame, SUITE)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("data", "connection", "message"),
    [
        ([1, 2], None, "list cannot be validated: expected a pandas, polars,"),
        ("data.xlsx", None, "Files of kind '.xlsx' cannot be read"),
        ("none.csv", None, "There is no file none.csv"),
        (3, "sqlite:///x.db", "data is a table's name or a SELECT, not int"),
        ("t", 3, "connection is int: expected a database URL"),
        ("t", "not a url", "connection is text, but no database URL"),
        ("t", "oracle://host/db", "Database 'oracle' is not supported: expected one of "),
        ("t", "duckdb:///:memory:", "A DuckDB URL names a file"),
    ],
)
def test_what_cannot_be_validated_is_said(data, connection, message):
    with pytest.raises(ConfigurationError, match=message):
        validate(data, SUITE, connection=connection)


def test_pandas_own_types(frame):
    frame["kind"] = pd.Categorical(["x", "y", "x", None])
    frame["whole"] = pd.array([1, 2, None, 4], dtype="Int64")
    frame["text"] = pd.array(["a", "b", None, "c"], dtype="string")
    frame["flag"] = pd.array([True, None, False, True], dtype="boolean")
    gate = validate(
        frame,
        [
            {"type": "column_values_to_be_in_set", "column": "kind", "value_set": ["x", "y"]},
            {"type": "column_values_to_match_regex", "column": "kind", "regex": "^[xy]$"},
            {"type": "column_sum_to_be_between", "column": "whole", "min_value": 7, "max_value": 7},
            {"type": "column_value_lengths_to_equal", "column": "text", "value": 1},
            {"type": "column_values_to_be_in_set", "column": "flag", "value_set": [True, False]},
        ],
    )
    assert [result.message for result in gate.results if result.outcome != "PASS"] == []


NOT_NULL = {"type": "column_values_to_not_be_null", "column": "a"}
DAY, LATER = dt.date(2013, 1, 1), dt.date(2013, 1, 3)


def pandas_objects(*values):
    return pd.DataFrame({"a": pd.Series(values, dtype=object)})


@pytest.mark.parametrize(
    ("frame", "check"),
    [
        (pandas_objects(Decimal("1.50"), None, Decimal("2.25")), {"column_sum": 3.75}),
        (pandas_objects(DAY, None, LATER), {"column_max": "2013-01-03"}),
        (pandas_objects(dt.datetime(2013, 1, 1), None, dt.datetime(2013, 1, 3)), {"column_max": "2013-01-03"}),
        (pandas_objects(pd.Timestamp("2013-01-01"), pd.NaT, pd.Timestamp("2013-01-03")), {"column_max": "2013-01-03"}),
        (pandas_objects(1, pd.NA, 3), {"column_sum": 4}),
        (pandas_objects("x", np.nan, "y"), {"column_value_lengths": 1}),
        (pandas_objects(b"x", None, b"y"), {}),
        (pandas_objects(dt.time(1), None, dt.time(2)), {}),
        (pandas_objects(dt.timedelta(1), None, dt.timedelta(2)), {}),
        (pandas_objects([1, 2], None, [3]), {}),
        (pandas_objects({"x": 1}, None, {"x": 3}), {}),
        (pandas_objects(uuid.UUID(int=1), None, uuid.UUID(int=2)), {}),
        (pd.DataFrame({"a": pd.to_timedelta(["1s", None, "3s"])}), {}),
        (pd.DataFrame({"a": pd.Categorical(["x", None, "y"])}), {"column_value_lengths": 1}),
        (pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64")}), {"column_sum": 4}),
        (pd.DataFrame({"a": pd.array([1.5, None, 2.5], dtype="Float64")}), {"column_sum": 4}),
        (pd.DataFrame({"a": pd.array([True, None, False], dtype="boolean")}), {}),
        (pd.DataFrame({"a": pd.array(["x", None, "y"], dtype=pd.StringDtype("python"))}), {"column_value_lengths": 1}),
        (pd.DataFrame({"a": pd.array([1, None, 3], dtype="int64[pyarrow]")}), {"column_sum": 4}),
        (pd.DataFrame({"a": pd.array([1.5, None, 2.5], dtype="double[pyarrow]")}), {"column_sum": 4}),
        (pd.DataFrame({"a": pd.array([[1], None, [3]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}), {}),
        (pd.DataFrame({"a": np.array([1, np.nan, 3], "float32")}), {"column_sum": 4}),
        (pd.DataFrame({"a": pd.to_datetime(["2013-01-01", None, "2013-01-03"])}), {"column_max": "2013-01-03"}),
        (pd.DataFrame({"a": pd.to_datetime([1, None, 10**18 + 1])}), {"column_max": "2001-09-09T01:46:40"}),
        (pl.DataFrame({"a": [[1, 2], None, [3]]}), {}),
        (pl.DataFrame({"a": [{"x": 1}, None, {"x": 3}]}), {}),
        (pl.DataFrame({"a": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int64, 2))}), {}),
        (pl.DataFrame({"a": pl.Series(["x", None, "y"], dtype=pl.Categorical)}), {"column_value_lengths": 1}),
        (pl.DataFrame({"a": pl.Series(["x", None, "y"], dtype=pl.Enum(["x", "y"]))}), {"column_value_lengths": 1}),
        (
            pl.DataFrame({"a": pl.Series([Decimal("1.5"), None, Decimal(2)], dtype=pl.Decimal(10, 2))}),
            {"column_sum": 3.5},
        ),
        (pl.DataFrame({"a": [dt.timedelta(1), None, dt.timedelta(2)]}), {}),
        (pl.DataFrame({"a": [DAY, None, LATER]}), {"column_max": "2013-01-03"}),
        (pl.DataFrame({"a": [1.5, float("nan"), 2.5]}), {"column_sum": 4}),
        (pl.DataFrame({"a": ["x", None, "yy"]}), {}),
        (pa.table({"a": pa.array(["x", None, "y"]).dictionary_encode()}), {"column_value_lengths": 1}),
        (pa.table({"a": pa.array(["x", None, "y"], pa.string_view())}), {"column_value_lengths": 1}),
        (pa.table({"a": [{"x": 1}, None, {"x": 3}]}), {}),
        (pa.table({"a": pa.chunked_array([[1, None], [3]])}), {"column_sum": 4}),
        (pa.table({"a": pa.array([1.5, None, 2.5])}), {"column_sum": 4}),
    ],
)
def test_types_of_all_kinds_of_frames(frame, check):
    """Each frame holds three rows of which the middle one is null."""
    suite = [NOT_NULL, {"type": "table_row_count_to_equal", "value": 3}]
    for what, value in check.items():
        if what == "column_value_lengths":
            suite.append({"type": f"{what}_to_equal", "column": "a", "value": value})
        else:
            suite.append({"type": f"{what}_to_be_between", "column": "a", "min_value": value, "max_value": value})
    gate = validate(frame, suite)
    assert [str(result.outcome) for result in gate.results] == ["FAIL"] + ["PASS"] * (1 + len(check))
    assert (gate.results[0].unexpected_count, gate.results[0].element_count) == (1, 3)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"b": [1], "a": pd.period_range("2013-01", periods=1, freq="M")}), "column 'a' .* is period"),
        (pd.DataFrame({"b": [1], "a": [1j]}), "column 'a' .* is complex128"),
        (pl.DataFrame({"b": [1], "a": pl.Series([object()], dtype=pl.Object)}), "column 'a' .* is Object"),
        (pl.DataFrame({"b": [1], "a": pl.Series([1], dtype=pl.Int128)}), "column 'a' .* is Int128"),
        (pd.DataFrame(), "the frame has no column"),
        (pd.DataFrame(index=[1, 2]), "the frame has no column"),
        (pl.DataFrame(), "the frame has no column"),
        (pa.table({}), "the frame has no column"),
    ],
)
def test_a_frame_that_cannot_be_read_is_an_error_that_names_the_column(frame, message):
    gate = validate(frame, [NOT_NULL, {"type": "table_row_count_to_equal", "value": 3}])
    assert [str(result.outcome) for result in gate.results] == ["ERROR", "ERROR"]
    assert re.search(message, gate.results[0].message)
    assert not gate.results[0].retryable


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": []}),
        pd.DataFrame({"a": np.array([], "int64")}),
        pd.DataFrame({"a": np.array([], "M8[us]")}),
        pl.DataFrame({"a": []}),
        pl.DataFrame({"a": pl.Series([], dtype=pl.Float64)}),
        pa.table({"a": pa.array([], pa.int64())}),
    ],
)
def test_a_frame_without_rows_fails(frame):
    gate = validate(frame, [NOT_NULL])
    assert gate.results[0].message.startswith("a: the data is empty")
    assert str(gate.verdict) == "FAIL"


def test_the_index_is_no_column():
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "x"], name="key"))
    assert validate(frame, [{"type": "table_columns_to_match_set", "column_set": ["a"]}, NOT_NULL]).passed


def test_polars_without_arrow_says_what_to_install(monkeypatch):
    frame = pl.DataFrame({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="install pyarrow"):
        validate(frame, [NOT_NULL])
