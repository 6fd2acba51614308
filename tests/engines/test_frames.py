"""Frames and files: measured by the same SQL, with the traps of each made loud."""

from __future__ import annotations

import subprocess
import sys

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
    ("file", "write"),
    [
        ("t.parquet", lambda frame, path: frame.to_parquet(path)),
        ("t.csv", lambda frame, path: frame.to_csv(path, index=False)),
        ("t.csv.gz", lambda frame, path: frame.to_csv(path, index=False)),
        ("t.jsonl", lambda frame, path: frame.to_json(path, orient="records", lines=True, date_format="iso")),
    ],
)
def test_every_file_gives_the_same_result(frame, tmp_path, file, write):
    path = tmp_path / file
    write(frame, path)
    assert outcomes(validate(path, SUITE)) == EXPECTED


def test_a_glob_is_all_its_files(frame, tmp_path):
    for day in (1, 2):
        frame.to_parquet(tmp_path / f"day={day}.parquet")
    gate = validate(str(tmp_path / "*.parquet"), [{"type": "table_row_count_to_equal", "value": 8}])
    assert gate.passed
    assert gate.source == f"file {tmp_path}/*.parquet"


def test_a_late_text_in_a_file_is_seen(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("amount\n" + "1\n" * 30_000 + "n/a\n")
    gate = validate(path, [{"type": "column_mean_to_be_between", "column": "amount", "min_value": 1}])
    assert gate.results[0].message.startswith("amount: the column is text (VARCHAR), where number is needed")


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
        ([1, 2], None, "list cannot be validated: expected a pandas, polars or Arrow frame"),
        ("data.xlsx", None, "Files of kind '.xlsx' cannot be read"),
        ("none.csv", None, "There is no file none.csv"),
        (3, "sqlite:///x.db", "data is a table's name or a SELECT, not int"),
        ("t", 3, "connection is int: expected a database URL"),
        ("t", "not a url", "connection is text, but no database URL"),
        ("t", "mysql://host/db", "Database 'mysql' is not supported: expected one of duckdb, postgres, sqlite"),
        ("t", "duckdb:///:memory:", "A DuckDB URL names a file"),
    ],
)
def test_what_cannot_be_validated_is_said(data, connection, message):
    with pytest.raises(ConfigurationError, match=message):
        validate(data, SUITE, connection=connection)


def test_files_need_neither_pandas_nor_pytz(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,at\n1,2013-01-01T00:00:00+01:00\n")
    check = '[{"type": "column_max_to_be_between", "column": "at", "min_value": "2013-01-01"}]'
    code = (
        f"import sys, airflow_dataops as d; r = d.validate({str(path)!r}, {check});"
        "print(r.verdict, sorted({'pandas', 'pytz', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "FAIL []"


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
