"""Files: folders, globs, partitions and compression; what is odd about one of them is said with its name."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_dataops import validate
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines import files

SUITE = [
    {"type": "table_row_count_to_equal", "value": 4},
    {"type": "column_values_to_not_be_null", "column": "amount"},
    {"type": "column_mean_to_be_between", "column": "amount", "min_value": 2, "max_value": 2},
    {"type": "column_max_to_be_between", "column": "at", "min_value": "2013-01-01"},
]
EXPECTED = {
    "column_values_to_not_be_null": "FAIL",
    "table_row_count_to_equal": "PASS",
    "column_mean_to_be_between": "PASS",
    "column_max_to_be_between": "PASS",
}


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [1.0, np.nan, 3.0, 2.0],
            "name": ["a", None, "c", "d"],
            "at": pd.to_datetime(["2013-01-01"] * 4, utc=True),
        }
    )


def outcomes(gate):
    return {result.check.kind.removeprefix("expect_"): str(result.outcome) for result in gate.results}


def rows(number):
    return [{"type": "table_row_count_to_equal", "value": number}]


def write(path: Path, **columns) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("file", "write"),
    [
        ("t.parquet", lambda frame, path: frame.to_parquet(path)),
        ("t.csv", lambda frame, path: frame.to_csv(path, index=False)),
        ("semicolons.csv", lambda frame, path: frame.to_csv(path, index=False, sep=";")),
        ("t.tsv", lambda frame, path: frame.to_csv(path, index=False, sep="\t")),
        ("t.csv.gz", lambda frame, path: frame.to_csv(path, index=False)),
        ("t.jsonl", lambda frame, path: frame.to_json(path, orient="records", lines=True, date_format="iso")),
        ("t.json.gz", lambda frame, path: frame.to_json(path, orient="records", lines=True, date_format="iso")),
        ("list.json", lambda frame, path: frame.to_json(path, orient="records", date_format="iso")),
        ("t.csv.zst", lambda frame, path: duckdb.sql(f"COPY (FROM frame) TO '{path}'")),
        ("it's.parquet", lambda frame, path: frame.to_parquet(path)),
    ],
)
def test_every_file_gives_the_same_result(frame, tmp_path, file, write):
    path = tmp_path / file
    write(frame, path)
    gate = validate(path, SUITE)
    assert outcomes(gate) == EXPECTED
    assert gate.source == f"file {path}"


@pytest.mark.parametrize("pattern", ["*.parquet", "**/*.parquet", "", "/", "day=?.parquet"])
def test_a_glob_and_a_folder_are_all_their_files(frame, tmp_path, pattern):
    for day in (1, 2):
        frame.to_parquet(tmp_path / f"day={day}.parquet")
    gate = validate(f"{tmp_path}/{pattern}" if pattern != "" else tmp_path, rows(8))
    assert gate.passed


def test_what_jobs_leave_beside_their_data_is_no_data(tmp_path):
    folder = tmp_path / "_archive.parquet"  # what was named is not hidden, whatever its name
    write(folder / "part-0.snappy.parquet", a=[1, 2])
    write(folder / "_temporary" / "part-1.parquet", a=[3])
    write(folder / ".staging" / "part-2.parquet", a=[3])
    for name in ("_SUCCESS", ".part-0.parquet.crc", "_metadata"):
        (folder / name).write_text("x")
    for path in (folder, f"{folder}/**", f"{folder}/**/*.parquet"):
        assert validate(path, rows(2)).passed


def test_partitions_are_columns_of_their_own_type(tmp_path):
    for year, day, region, values in (
        (2013, "2013-12-31", "north%20east", [1, 2]),
        (2014, "2014-01-01", "__HIVE_DEFAULT_PARTITION__", [3]),
    ):
        write(tmp_path / f"year={year}" / f"day={day}" / f"region={region}" / "part.parquet", value=values)
    suite = [
        {"type": "table_columns_to_match_set", "column_set": ["value", "year", "day", "region"]},
        {"type": "column_sum_to_be_between", "column": "year", "min_value": 6040, "max_value": 6040},
        {"type": "column_max_to_be_between", "column": "day", "min_value": "2014-01-01", "max_value": "2014-01-01"},
        {"type": "column_values_to_be_in_set", "column": "region", "value_set": ["north east"]},
        {"type": "column_values_to_be_null", "column": "region", "mostly": 0.3},
        {
            "type": "column_values_to_be_between",
            "column": "value",
            "max_value": 2,
            "row_condition": 'col("year")==2013',
        },
    ]
    for path in (tmp_path, f"{tmp_path}/year=*/*/*/*.parquet"):
        gate = validate(path, suite)
        assert [result.message for result in gate.results if result.outcome != "PASS"] == []


def test_a_partition_that_is_named_is_a_column_too(tmp_path):
    write(tmp_path / "year=2013" / "part.parquet", value=[1, 2], year=[1, 1])  # the path wins
    gate = validate(
        tmp_path / "year=2013", [{"type": "column_values_to_be_in_set", "column": "year", "value_set": [2013]}]
    )
    assert gate.passed
    assert gate.results[0].proved_by == "Parquet footers"


def test_partitions_of_text_files(tmp_path):
    for month in ("01", "02"):
        path = tmp_path / f"month={month}" / "t.csv"
        path.parent.mkdir()
        path.write_text("a\n1\n")
    gate = validate(tmp_path, [{"type": "column_values_to_be_in_set", "column": "month", "value_set": ["01", "02"]}])
    assert gate.passed


def test_a_column_missing_in_one_file_is_null_there_and_told(tmp_path, caplog):
    write(tmp_path / "a.parquet", id=[1, 2], amount=[1.0, 2.0])
    write(tmp_path / "b.parquet", id=[3])
    with caplog.at_level(logging.WARNING):
        gate = validate(tmp_path, [{"type": "column_values_to_not_be_null", "column": "amount"}])
    assert gate.results[0].message == "amount: 1 of 3 rows (33.3 %) are null; expected not null"
    assert "Column amount is missing in 1 of 2 files, such as " in caplog.text
    assert "b.parquet: it is null there." in caplog.text


def test_files_that_differ_in_a_type_are_an_error_that_names_them(tmp_path):
    write(tmp_path / "a.parquet", amount=pa.array([1], pa.int32()), n=[1])
    write(tmp_path / "b.parquet", amount=pa.array([2], pa.int64()), n=[1.5])
    assert validate(tmp_path, rows(2)).passed  # numbers of other widths are numbers
    write(tmp_path / "c.parquet", amount=["3"], n=[1])
    gate = validate(tmp_path, rows(3))
    assert str(gate.verdict) == "ERROR"
    assert gate.results[0].message == (
        f"table: could not be measured: Column amount is INTEGER in {tmp_path}/a.parquet and VARCHAR in "
        f"{tmp_path}/c.parquet: write these files with one type, or judge them apart"
    )


def test_many_files_do_not_fill_the_log(tmp_path):
    for number in range(30):
        write(tmp_path / f"{number}.parquet", a=[number], b=[0.5])
    gate = validate(tmp_path, [{"type": "column_mean_to_be_between", "column": "b", "max_value": 1}])
    assert gate.passed
    assert len(gate.statements[0].sql) < 300


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.parquet", b"PAR1garbage"),
        ("empty.parquet", b""),
        ("bad.csv", b"a,b\n" + b"1,2\n" * 30_000 + b"secret,1,2\n"),
        ("open.csv", b'a,b\n1,"open\n2,3\n'),
        ("bad.csv.gz", b"no gzip"),
        ("bad.jsonl", b'{"a": 1}\n{"a":\n'),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    gate = validate(tmp_path / name, [{"type": "column_values_to_not_be_null", "column": "a"}])
    (result,) = gate.results
    assert (str(result.outcome), result.retryable) == ("ERROR", False)
    assert str(tmp_path / name) in result.message
    assert "secret" not in result.message
    assert len(result.message) < 600


def test_a_late_text_in_a_file_is_seen(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("amount\n" + "1\n" * 30_000 + "n/a\n")
    gate = validate(path, [{"type": "column_mean_to_be_between", "column": "amount", "min_value": 1}])
    assert gate.results[0].message.startswith("amount: the column is text (VARCHAR), where number is needed")


def test_a_header_alone_is_empty_data(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,city\n")
    gate = validate(path, [{"type": "column_values_to_not_be_null", "column": "city"}])
    assert gate.results[0].message.startswith("city: the data is empty")


def test_text_files_are_parsed_once(tmp_path, monkeypatch):
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(json.dumps({"a": number, "b": f"x{number}"}) for number in range(100)))
    suite = [
        {"type": "column_values_to_be_unique", "column": "a"},
        {"type": "column_values_to_be_unique", "column": "b"},
        {"type": "column_mean_to_be_between", "column": "a", "min_value": 49.5, "max_value": 49.5},
    ]
    gate = validate(path, suite)
    assert gate.passed
    assert not any("read_json" in statement.sql for statement in gate.statements)


@pytest.mark.parametrize("limit", [0, 2**30])
def test_large_text_files_go_to_disk_and_leave_nothing_there(tmp_path, monkeypatch, caplog, limit):
    monkeypatch.setattr(files, "IN_MEMORY_BYTES", limit)
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    for part in ("a", "b"):
        with gzip.open(tmp_path / f"{part}.csv.gz", "wt") as file:
            file.write("id\n" + "".join(f"{part}{number}\n" for number in range(1_000)))
    with caplog.at_level(logging.INFO), files.opened(f"{tmp_path}/*.csv.gz") as opened:
        assert opened.db.execute(f"SELECT COUNT(DISTINCT id) FROM ({opened.query})") == [(2_000,)]
        (where,) = opened.db.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
        assert (where[0] is not None) == (limit == 0)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert "Reading 2 CSV files" in caplog.text
    assert "Read 2,000 rows of 2 CSV files" in caplog.text


@pytest.mark.parametrize(
    ("make", "path", "message"),
    [
        ((), "folder", "The folder .*folder is empty"),
        (("_SUCCESS",), "folder", "holds hidden files only"),
        (("a.parquet", "b.csv"), "folder", r"holds files of several kinds \(CSV: .*b.csv; Parquet: .*a.parquet\)"),
        (("a.parquet", "README.md"), "folder", r"Files of kind '.md' cannot be read: .*README.md"),
        (("a.parquet",), "folder/*.csv", "No file is like .*csv"),
        (("year=1/a.parquet", "b.parquet"), "folder", "Files lie in different partitions"),
    ],
)
def test_folders_that_cannot_be_meant_are_said(tmp_path, make, path, message):
    (tmp_path / "folder").mkdir()
    for name in make:
        file = tmp_path / "folder" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
    with pytest.raises(ConfigurationError, match=message):
        validate(f"{tmp_path}/{path}", rows(1))


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
