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


def typed(path, content: str) -> dict[str, str]:
    path.write_text(content)
    with files.opened(path) as opened:
        return {column.name: column.type for column in opened.db.describe(opened.query)}


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-2", "+3"], "BIGINT"),
        (["1", "", "2"], "BIGINT"),
        (["1", "2.5", "1e3"], "DOUBLE"),
        (["1_000", "2"], "VARCHAR"),
        (["99999999999999999998", "99999999999999999999"], "HUGEINT"),
        (["true", "FALSE", ""], "BOOLEAN"),
        (["true", "yes"], "VARCHAR"),
        (["t", "f"], "VARCHAR"),
        (["1", "NULL"], "VARCHAR"),
        (["1", "NA"], "VARCHAR"),
        (["2024-01-01", "2024-02-29"], "DATE"),
        (["2024-01-01", "2024-02-30"], "VARCHAR"),
        (["01/02/2024", "02/01/2024"], "VARCHAR"),
        (["10:00", "11:30:05.5"], "TIME"),
        (["2024-01-01 10:00:00", "2024-01-01T10:00", "2024-01-02"], "TIMESTAMP"),
        (["2024-01-01T10:00:00Z", "2024-01-01 10:00:00+01:00"], "TIMESTAMP WITH TIME ZONE"),
        (["2024-01-01T10:00:00Z", "2024-01-01 10:00:00"], "VARCHAR"),
        (["", ""], "VARCHAR"),
    ],
)
def test_all_values_of_a_csv_decide_a_column_s_type(tmp_path, values, type_):
    rows = "".join(f"{number},{value}\n" for number, value in enumerate(values))
    assert typed(tmp_path / "t.csv", f"id,{{value}}\n{rows}") == {"id": "BIGINT", "{value}": type_}


def test_a_value_of_another_form_makes_a_column_text_and_is_no_refusal(tmp_path):
    path = tmp_path / "t.csv"
    for days in (9, 5_000):
        path.write_text(
            "id,d\n" + "".join(f"{day},2024-01-{day % 9 + 1:02}\n" for day in range(days)) + "x,01/02/2024\n"
        )
        gate = validate(path, [*rows(days + 1), {"type": "column_values_to_match_regex", "column": "d", "regex": "/"}])
        assert [result.unexpected_count for result in gate.results if result.outcome == "FAIL"] == [days]
        assert len(gate.of("PASS")) == 1


def test_a_text_is_null_where_it_is_empty_and_nowhere_else(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('id,name\n1,\n2,""\n3,NULL\n4,NA\n5,"a\nb"\n')
    gate = validate(path, [*rows(5), {"type": "column_values_to_not_be_null", "column": "name"}])
    assert [result.unexpected_count for result in gate.results if result.outcome == "FAIL"] == [2]


def said(data, *columns: str) -> str:
    gate = validate(data, [{"type": "column_values_to_not_be_null", "column": column} for column in columns])
    assert str(gate.verdict) == "ERROR"
    return str(gate)


def test_two_exports_in_one_file_are_an_error_that_names_the_line(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("id,status\n" + "1,secret\n" * 20 + "id,status,amount\n" + "2,b,3\n" * 5)
    told = said(path, "id", "status")
    assert f"{path} is not the CSV that its first line promises (line 22): the line has another number of" in told
    assert "3 instead of 2" in told
    assert "secret" not in told
    assert told.count("(line 22)") == 1  # what is wrong with all checks, once
    assert "2 checks could not be measured" in told


def test_values_that_are_missing_are_not_made_null(tmp_path):
    (tmp_path / "t.csv").write_text("id,name,city\n1,a,b\n2,c\n")
    assert "(line 3): the line has another number of values than the header, 2 instead of 3" in said(
        tmp_path / "t.csv", "city"
    )


@pytest.mark.parametrize(
    ("good", "bad", "ending", "told"),
    [
        (b"a,b\n1,2\n", b"a,b\n1,2\n3,4,5\n", "csv", "(line 3)"),
        (b"a,b\n1,2\n", b"b,a\n1,2\n3,4,5\n", "csv", "(line 3)"),
        (b"a,b\n1,2\n", b"", "csv", "is empty"),
        (b"a,b\n1,2\n", b"\n\n", "csv", "is empty"),
        (b"a,b\n1,2\n", b"\na,b\n1,2\n", "csv", "the first line is empty"),
        (b"a,b\n1,2\n", b'a,"b\n1,2\n', "csv", "has a quote that is left open"),
        (b"a,b\n1,2\n", b'a,b\n1,"2\n', "csv", "a quote is left open"),
        (b'{"a": 1}\n', b'{"a": 1}\n\n{"a": 2}\n{"a":\n{"a": 3}\n', "jsonl", "is not JSON (line 4)"),
        (b'[{"a": 1}]', b'[{"a": 1},\n{"a":', "json", "is not JSON"),
    ],
)
def test_of_many_files_the_bad_one_is_named(tmp_path, good, bad, ending, told):
    for name, content in (("a", good), ("b", bad), ("c", good)):
        (tmp_path / f"{name}.{ending}").write_bytes(content)
    message = said(tmp_path, "a")
    assert str(tmp_path / f"b.{ending}") in message
    assert told in message
    assert str(tmp_path / f"a.{ending}") not in message


def test_of_many_parquet_files_the_bad_one_is_named(tmp_path):
    for name in "abc":
        write(tmp_path / f"{name}.parquet", a=[1])
    (tmp_path / "b.parquet").write_bytes(b"PAR")
    told = said(tmp_path, "a")
    assert f"{tmp_path}/b.parquet" in told
    assert "too small" in told


@pytest.mark.parametrize("header", ["id,name,id", "id,ID"])
def test_two_columns_of_one_name_are_refused(tmp_path, header):
    path = tmp_path / "t.csv"
    path.write_text(header + "\n")
    with pytest.raises(ConfigurationError, match=r"Columns id, (id|ID) of .*t.csv have the same name"):
        validate(path, rows(0))


def test_a_first_line_of_values_is_no_header(tmp_path, caplog):
    path = tmp_path / "t.csv"
    path.write_text("4711,2024-01-01\n4712,2024-01-02\n")
    with pytest.raises(ConfigurationError, match="holds numbers and dates only") as refused:
        validate(path, rows(2))
    assert "4711" not in str(refused.value)
    path.write_text("country,2019,2020\nx,1,2\n")  # names, after all
    assert validate(path, [{"type": "column_values_to_not_be_null", "column": "2019"}]).passed
    assert "2 of its 3 names are numbers or dates" in caplog.text


def test_csv_files_go_together_by_their_names(tmp_path, caplog):
    (tmp_path / "a.csv").write_text("id,amount\n1,2\n")
    (tmp_path / "b.csv").write_text("Amount;id\n3,5;2\n")
    (tmp_path / "c.csv").write_text("id\n3\n")
    with files.opened(tmp_path) as opened:
        assert opened.db.execute(opened.query) == [(1, "2"), (2, "3,5"), (3, None)]
    assert "Column amount is missing in 1 of 3 files, such as " in caplog.text


def test_names_and_quotes_of_a_header_are_read_as_they_are_written(tmp_path):
    types = typed(tmp_path / "t.csv", '\ufeffit\'s,"a ""b"", c",,"two\nlines"\n1,2,3,x\n')
    assert types == {"it's": "BIGINT", 'a "b", c': "BIGINT", "column2": "BIGINT", "two\nlines": "VARCHAR"}
