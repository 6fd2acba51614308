"""What databases and files do without a word: no verdict follows from it, and no message quotes a value."""

from __future__ import annotations

import contextlib
import sqlite3

import duckdb
import psycopg
import pyarrow
import pytest
from pyarrow import parquet

from airflow_dataops.core.results import CheckResult
from airflow_dataops.services.validating import validate

NOT_NULL = {"type": "column_values_to_not_be_null"}
UNIQUE = {"type": "column_values_to_be_unique"}
REGEX = {"type": "column_values_to_match_regex"}


def found(data, check, **more) -> CheckResult:
    (result,) = validate(data, [check], **more).results
    return result


def said(result: CheckResult):
    return str(result.outcome), result.unexpected_count


@pytest.fixture
def duck(tmp_path):
    """Return what makes a DuckDB file of some statements, and its URL."""

    def made(*statements: str) -> str:
        with contextlib.closing(duckdb.connect(str(tmp_path / "w.duckdb"))) as connection:
            for statement in statements:
                connection.execute(statement)
        return f"duckdb:///{tmp_path}/w.duckdb"

    return made


def test_a_collation_of_duckdb_makes_no_two_texts_one(duck):
    url = duck(
        "CREATE TABLE t (s VARCHAR COLLATE NOCASE)",
        "INSERT INTO t SELECT CASE WHEN i % 2 = 0 THEN 'abc' ELSE 'ABC' END FROM range(5000) AS r(i)",
    )
    assert said(found("t", {**REGEX, "column": "s", "regex": "^(abc)$"}, connection=url)) == ("FAIL", 2500)
    in_set = {"type": "column_values_to_be_in_set", "column": "s", "value_set": ["abc"]}
    assert said(found("t", in_set, connection=url)) == ("FAIL", 2500)
    distinct = {"type": "column_unique_value_count_to_be_between", "column": "s", "min_value": 2, "max_value": 2}
    assert str(found("t", distinct, connection=url).outcome) == "PASS"


def test_a_primary_key_of_sqlite_that_holds_nulls_vouches_for_nothing(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE backwards (id INTEGER PRIMARY KEY DESC)")  # an old error, kept for old files
        connection.execute("INSERT INTO backwards VALUES (NULL), (NULL), (3)")
        connection.execute("CREATE TABLE forwards (id INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO forwards VALUES (NULL), (NULL), (3)")
        connection.commit()
    url = f"sqlite:///{tmp_path}/w.db"
    backwards = found("backwards", {**NOT_NULL, "column": "id"}, connection=url)
    assert (*said(backwards), backwards.proved_by) == ("FAIL", 2, None)
    forwards = found("forwards", {**NOT_NULL, "column": "id"}, connection=url)
    assert (*said(forwards), forwards.proved_by) == ("PASS", 0, "SQLite constraints")


@pytest.mark.parametrize("regex", ["(?m)^foo$", "(?x)foo $", "(?u)foo"])
def test_flags_that_change_what_a_pattern_says_are_refused_by_sqlite(tmp_path, regex):
    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 'foo' || char(10) || 'bar' AS s")
        connection.commit()
    result = found("t", {**REGEX, "column": "s", "regex": regex}, connection=f"sqlite:///{tmp_path}/w.db")
    assert (str(result.outcome), "lacks or reads differently" in result.message) == ("ERROR", True)


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("strptime(s, '%Y') > DATE '2000-01-01'", "Could not parse string"),
        ("json_extract(s, '$.a') IS NULL", "Malformed JSON"),
        ("CAST(s AS INTEGER) > 1", "to INT32"),
        ("CAST(n AS TINYINT) > 1", "Type INT32 with value …"),
        ("n * n > 1", "Overflow in multiplication of INT32"),
        ("regexp_matches(s, '(?<x')", "invalid perl operator: (?<"),
    ],
)
def test_what_duckdb_says_has_no_value_in_it(duck, condition, kept):
    url = duck("CREATE TABLE t AS SELECT 'secret-4711' AS s, CAST(2147480815 AS INTEGER) AS n")
    result = found("t", {"type": "rows_to_meet_condition", "condition": condition}, connection=url)
    assert (str(result.outcome), kept in result.message) == ("ERROR", True), result.message
    assert "4711" not in result.message
    assert "2147480815" not in result.message


def test_what_sqlite_says_of_a_text_that_is_none_has_no_value_in_it(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE t AS SELECT CAST(x'736563726574FF' AS TEXT) AS s")
        connection.commit()
    greatest = {"type": "column_max_to_be_between", "column": "s", "min_value": "a"}
    result = found("t", greatest, connection=f"sqlite:///{tmp_path}/w.db")
    assert (str(result.outcome), "secret" in result.message) == ("ERROR", False), result.message


@pytest.mark.parametrize("line", ["#2,", "# 2,"])
def test_a_line_of_a_csv_file_that_looks_like_a_comment_is_a_row(tmp_path, line):
    (tmp_path / "t.csv").write_text(f"id,name\n1,a\n{line}\n3,c\n")
    assert said(found(str(tmp_path / "t.csv"), {**NOT_NULL, "column": "name"})) == ("FAIL", 1)


def test_a_first_row_that_is_too_long_makes_no_row_the_header(tmp_path):
    (tmp_path / "t.csv").write_text("id,name\n1,secret-1\n2,secret-2,x\n")
    result = found(str(tmp_path / "t.csv"), {**NOT_NULL, "column": "id"})
    assert (str(result.outcome), "secret" in result.message) == ("ERROR", False), result.message
    assert "is not the CSV that its first line promises" in result.message


def test_a_csv_file_in_another_encoding_is_said_without_its_line(tmp_path):
    (tmp_path / "t.csv").write_bytes("id,name\n1,J\xe9-secret\n".encode("latin-1"))
    result = found(str(tmp_path / "t.csv"), {**NOT_NULL, "column": "id"})
    assert (str(result.outcome), "not utf-8" in result.message) == ("ERROR", True), result.message
    assert "secret" not in result.message


def test_a_column_with_a_dot_is_not_the_part_of_another(tmp_path):
    inner = pyarrow.array([{"b": 1}, {"b": 2}, {"b": 3}])
    table = pyarrow.table([pyarrow.array([1, None, None]), inner], names=["a.b", "a"])
    parquet.write_table(table, tmp_path / "t.parquet")
    result = found(str(tmp_path / "t.parquet"), {**NOT_NULL, "column": "a.b"})
    assert (*said(result), result.proved_by) == ("FAIL", 2, None)


@pytest.fixture
def postgres(postgres_url):
    """Yield a connection and, for checks, the URL of the same database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection, postgres_url


def test_a_domain_is_what_it_is_made_of(postgres):
    connection, url = postgres
    connection.execute("CREATE DOMAIN whole AS integer CHECK (VALUE > 0); CREATE DOMAIN counted AS whole NOT NULL")
    connection.execute("CREATE DOMAIN part AS double precision")
    connection.execute("CREATE TABLE t AS SELECT CAST(1 AS counted) AS n, CAST('NaN' AS part) AS x")
    between = {"type": "column_values_to_be_between", "column": "n", "min_value": 0, "max_value": 10}
    for data in ("t", "SELECT * FROM t"):
        assert said(found(data, between, connection=url)) == ("PASS", 0)
        assert said(found(data, {**NOT_NULL, "column": "x"}, connection=url)) == ("FAIL", 1)


@pytest.mark.parametrize(("value", "words"), [("NaN", "has no quantiles"), ("Infinity", "quantile 1 is inf")])
def test_quantiles_of_numeric_know_what_is_no_number(postgres, value, words):
    connection, url = postgres
    connection.execute(f"CREATE TABLE t AS SELECT unnest(ARRAY[1, 2, '{value}'::numeric]) AS x")
    quantiles = {"quantiles": [0, 1], "value_ranges": [[0, 10], [0, 10]]}
    result = found(
        "t",
        {"type": "column_quantile_values_to_be_between", "column": "x", "quantile_ranges": quantiles},
        connection=url,
    )
    assert (str(result.outcome), words in result.message) == ("FAIL", True), result.message


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_time_that_python_cannot_hold_is_no_crash(postgres, driver):
    connection, url = postgres
    connection.execute("CREATE TABLE t AS SELECT DATE '0044-03-15 BC' AS d")
    url = url.replace("postgresql:", f"postgresql+{driver}:")
    least = {"type": "column_min_to_be_between", "column": "d", "min_value": "2013-01-01"}
    result = found("t", least, connection=url)
    assert (str(result.outcome), result.retryable, "0044" in result.message) == ("ERROR", False, False), result.message


@pytest.mark.parametrize(
    ("regex", "broken"), [(r"\bx", 0), (r"x\B", 1), (r"[b[=a=]]", None), (r"[.]", 2), ("[.=]|x", 0)]
)
def test_word_borders_of_postgresql_are_between_ascii_letters(postgres, regex, broken):
    connection, url = postgres
    connection.execute("CREATE TABLE t AS SELECT unnest(ARRAY['\u00e9x', 'xx y']) AS s")
    outcome = "ERROR" if broken is None else "FAIL" if broken else "PASS"
    assert said(found("t", {**REGEX, "column": "s", "regex": regex}, connection=url)) == (outcome, broken)


def test_what_could_not_be_measured_is_not_proved(postgres):
    connection, url = postgres
    connection.execute("CREATE TABLE t AS SELECT 1 AS n; ALTER TABLE t ALTER n SET NOT NULL")
    connection.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    try:
        result = found("t", {**NOT_NULL, "column": "n"}, connection=url.replace("postgres@", "stranger@"))
    finally:
        connection.execute("DROP ROLE stranger")
    assert (str(result.outcome), result.proved_by) == ("ERROR", None), result.message
