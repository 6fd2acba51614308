"""What MariaDB and MySQL read otherwise than all others, on a real server, through both drivers."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC, datetime

import mysql.connector
import pymysql
import pytest
from sqlalchemy import create_engine, text

from airflow_dataops import validate
from airflow_dataops.core.errors import LockTimeout, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.opening import from_engine
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from tests.engines.conftest import MYSQL, connect_mysql

T = Relation(name="t")
pytestmark = pytest.mark.parametrize("connect", MYSQL, indirect=True)


def result_of(db, kind, /, source=T, **kwargs):
    (result,) = judge(db, source, read_suite([{"type": kind, **kwargs}])).results
    return result


def unexpected(db, kind, /, **kwargs):
    result = result_of(db, f"column_values_to_{kind}", column="a", **kwargs)
    assert result.outcome != "ERROR", result.message
    shown = db.execute(result.failing_rows_sql)
    assert len(shown) == result.unexpected_count
    return result.unexpected_count


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "latin1_swedish_ci", "utf8mb4_bin"])
def test_texts_that_a_collation_takes_for_the_same_are_told_apart(db, collation):
    db.execute(f"CREATE TABLE t (a VARCHAR(10) CHARACTER SET {collation.split('_')[0]} COLLATE {collation})")
    for word in ("e", "E", "é", "e ", None):
        db.execute("INSERT INTO t VALUES (?)", (word,))
    assert unexpected(db, "be_in_set", value_set=["e"]) == 3
    assert unexpected(db, "be_in_set", value_set=["é", "E"]) == 2
    assert unexpected(db, "not_be_in_set", value_set=["e "]) == 1
    assert unexpected(db, "be_unique") == 0
    assert unexpected(db, "match_regex", regex="^[e]$") == 3
    assert unexpected(db, "match_regex", regex="(?i)^e") == 1
    assert unexpected(db, "match_like_pattern", like_pattern="e%") == 2
    assert result_of(db, "column_unique_value_count_to_be_between", column="a", max_value=9).observed == 4
    assert result_of(db, "column_value_lengths_to_equal", column="a", value=1).unexpected_count == 1
    common = result_of(db, "column_most_common_value_to_be_in_set", column="a", value_set=["e", "E", "é", "e "])
    assert common.outcome in ("PASS", "FAIL")


@pytest.mark.parametrize("word", ["\\", "a\\", "\\' OR 1=1 -- ", "'", '"', "\\n", "%", "a|b", "línea\nnext"])
def test_a_text_is_itself_whatever_a_backslash_is_in_the_sql_mode(db, word):
    db.execute("CREATE TABLE t (a VARCHAR(20))")
    db.execute("INSERT INTO t VALUES (?)", (word,))
    db.execute("INSERT INTO t VALUES ('other')")
    assert unexpected(db, "be_in_set", value_set=[word]) == 1


def test_a_zero_date_is_no_date(db):
    db.execute("CREATE TABLE t (a DATE NOT NULL, b DATETIME(6), c TIMESTAMP(3) NULL)")
    db.execute("INSERT INTO t VALUES ('2013-01-01', '2013-01-01 10:00:00.25', '2013-01-01 10:00:00')")
    mode = db.execute("SELECT @@sql_mode")[0][0]
    db.execute("SET sql_mode = ''")
    db.execute("INSERT INTO t VALUES ('0000-00-00', '0000-00-00', '0000-00-00')")
    db.execute(f"SET sql_mode = '{mode}'")
    for column in ("a", "b", "c"):
        assert result_of(db, "column_values_to_not_be_null", column=column).unexpected_count == 1
        assert result_of(db, "column_min_to_be_between", column=column, min_value="2013-01-01").outcome == "PASS"
    assert unexpected(db, "be_between", min_value="2013-01-01") == 0
    micros = result_of(db, "column_values_to_be_between", column="b", min_value="2013-01-01 10:00:00.25")
    assert (micros.outcome, micros.element_count) == ("PASS", 1)
    assert (
        result_of(db, "column_values_to_be_between", column="b", min_value="2013-01-01 10:00:00.26").outcome == "FAIL"
    )


def test_timestamps_are_in_utc_and_datetimes_as_written(db, connect):
    db.execute("SET time_zone = '+05:00'")
    db.execute("CREATE TABLE t (a TIMESTAMP NULL, b DATETIME)")
    db.execute("INSERT INTO t VALUES ('2013-01-01 05:00:00', '2013-01-01 05:00:00')")
    with contextlib.closing(connect()) as session:
        latest = result_of(session, "column_max_to_be_between", column="a", min_value="2013-01-01T00:00:00+00:00")
        assert latest.outcome == "PASS"
        assert latest.observed == datetime(2013, 1, 1, tzinfo=UTC)
        exactly = {"min_value": "2013-01-01 00:00:00", "max_value": "2013-01-01 00:00:00"}
        assert result_of(session, "column_values_to_be_between", column="a", **exactly).outcome == "PASS"
        zoned = {"row_condition": 'col("a") == date("2013-01-01")'}
        assert result_of(session, "column_values_to_not_be_null", column="b", **zoned).element_count == 1
        assert (
            result_of(session, "column_max_to_be_between", column="b", min_value="2013-01-01 05:00").outcome == "PASS"
        )


def test_what_is_no_time_is_an_error_and_not_zero(db):
    db.execute("CREATE TABLE t (a DATETIME)")
    db.execute("INSERT INTO t VALUES ('2013-01-01')")
    result = result_of(db, "column_values_to_be_between", column="a", max_value="soon")
    assert result.outcome == "ERROR"
    assert "'soon' is no date or time such as" in result.message


def test_columns_of_different_kinds_are_not_compared(db):
    db.execute("CREATE TABLE t (a INTEGER, b VARCHAR(5))")
    db.execute("INSERT INTO t VALUES (0, 'zero')")
    assert db.execute("SELECT a = b FROM t") == [(1,)]  # to MySQL
    result = result_of(db, "column_pair_values_to_be_equal", column_A="a", column_B="b")
    assert result.outcome == "FAIL"
    assert "the column is text (varchar(5)) and a is number (int), so they cannot be compared" in result.message


def test_truth_is_a_number(db):
    db.execute("CREATE TABLE t (a BOOLEAN)")
    for value in (1, 0, 1):
        db.execute("INSERT INTO t VALUES (?)", (value,))
    assert db.columns(T) == [Column(name="a", type="tinyint(1)")]
    assert unexpected(db, "be_in_set", value_set=[True]) == 1
    assert unexpected(db, "be_in_set", value_set=[0, 1]) == 0
    assert result_of(db, "column_mean_to_be_between", column="a", max_value=1).observed == pytest.approx(2 / 3)


def test_averages_have_all_digits(db):
    db.execute("CREATE TABLE t (a BIGINT UNSIGNED, b DECIMAL(20, 2), c FLOAT)")
    for row in ((1, "0.10", 0.5), (2, "0.20", 0.25), (18446744073709551615, "0.30", 0.125), (None, None, None)):
        db.execute("INSERT INTO t VALUES (?, ?, ?)", row)
    for column, mean in (("b", 0.2), ("c", 0.875 / 3)):
        assert result_of(db, "column_mean_to_be_between", column=column, max_value=1).observed == pytest.approx(mean)
    assert result_of(db, "column_stdev_to_be_between", column="b", max_value=1).observed == pytest.approx(0.1)
    assert result_of(db, "column_max_to_be_between", column="a", max_value=1).observed == 18446744073709551615
    assert result_of(db, "column_sum_to_be_between", column="a", max_value=1).observed == 18446744073709551618
    assert result_of(db, "column_median_to_be_between", column="a", max_value=3).observed == 2.0
    quantiles = {"quantiles": [0.25, 0.5], "value_ranges": [[0, 1], [0.2, 0.2]]}
    assert (
        result_of(db, "column_quantile_values_to_be_between", column="b", quantile_ranges=quantiles).outcome == "PASS"
    )


def test_types_are_told_the_same_of_a_table_and_of_a_query(request, connect, db):
    db.execute(
        "CREATE TABLE t (a INT UNSIGNED, b BIGINT, c TINYINT, d VARCHAR(5), e TEXT, f BLOB, g VARBINARY(5),"
        " h DATETIME(6), i DOUBLE, j DECIMAL(9, 2), k DATE, l TIME, m YEAR, n ENUM('x', 'y'), o MEDIUMINT)"
    )
    kinds = read_suite(
        [
            {"type": "column_values_to_be_between", "column": column, "min_value": 0, "row_condition": "a > 0"}
            for column in "abcijo"
        ]
        + [{"type": "column_value_lengths_to_be_between", "column": column, "max_value": 9} for column in "den"]
        + [{"type": "column_values_to_be_between", "column": column, "max_value": "2013-01-01"} for column in "hk"]
    )
    for source in (T, "SELECT * FROM t"):
        results = judge(db, source, kinds, on_empty="pass").results
        assert {str(result.outcome) for result in results} == {"PASS"}
    types = [column.type for column in db.columns(T)]
    assert types[:3] == ["int unsigned", "bigint", "tinyint(4)"] or types[2] == "tinyint"
    asked = [column.type for column in db.describe("SELECT * FROM t")]
    # mysqlclient does not tell what is text and what are bytes.
    raw = ["text", "varchar"] if request.node.callspec.params["connect"] == "mysqlclient" else ["blob", "varbinary"]
    assert asked[3:12] == ["varchar", "text", *raw, "datetime", "double", "decimal", "date", "time"]


def test_what_the_table_enforces_need_not_be_counted(db):
    db.execute(
        "CREATE TABLE t (id INT PRIMARY KEY, code VARCHAR(50) NOT NULL, day DATE NOT NULL, a INT, b INT,"
        " part VARCHAR(50) NOT NULL, UNIQUE (a, b), UNIQUE (code), UNIQUE (part(3)), CHECK (a < 5))"
    )
    db.execute("SET sql_mode = 'ANSI_QUOTES'")
    db.execute("INSERT INTO t VALUES (1, 'a', '0000-00-00', NULL, 1, 'abcd'), (2, 'b', '2013-01-01', NULL, 1, 'bcda')")
    asked = [
        ("column_values_to_not_be_null", {"column": "id"}, "PASS", True),
        ("column_values_to_be_unique", {"column": "id"}, "PASS", True),
        ("column_values_to_be_unique", {"column": "code"}, "PASS", False),
        ("column_values_to_not_be_null", {"column": "day"}, "FAIL", False),
        ("column_values_to_not_be_null", {"column": "a", "mostly": 0}, "PASS", False),
        ("compound_columns_to_be_unique", {"column_list": ["a", "b"]}, "FAIL", False),
        ("column_values_to_be_unique", {"column": "part"}, "PASS", False),
        ("column_values_to_be_between", {"column": "b", "max_value": 5}, "PASS", False),
    ]
    for kind, kwargs, outcome, proved in asked:
        result = result_of(db, kind, **kwargs)
        assert (result.outcome, result.proved_by is not None) == (outcome, proved), (kind, kwargs, result.message)
    assert "MySQL constraints" in result_of(db, "column_values_to_be_unique", column="id").proved_by
    db.execute("CREATE VIEW seen AS SELECT * FROM t")
    assert result_of(db, "column_values_to_be_unique", column="id", source=Relation(name="seen")).proved_by is None


def test_describing_runs_nothing(db):
    started = time.monotonic()
    assert [
        column.name for column in db.describe("SELECT SLEEP(3) AS s FROM (SELECT 1 AS a UNION SELECT 2) AS two")
    ] == ["s"]
    assert time.monotonic() - started < 2


def test_a_table_that_another_session_has_locked_may_be_free_later(db, connect):
    db.execute("CREATE TABLE t (a INTEGER)")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute("SET lock_wait_timeout = 1")
    with contextlib.closing(connect()) as other:
        other.execute("LOCK TABLES t WRITE")
        gate = judge(db, T, read_suite([{"type": "column_values_to_not_be_null", "column": "a"}]))
    assert (gate.verdict, gate.retryable) == ("ERROR", True)
    assert "Lock wait timeout exceeded" in gate.results[0].message


def test_a_snapshot_is_one_whatever_the_isolation_level(db, connect):
    db.execute("CREATE TABLE t (a INTEGER)")
    db.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    with contextlib.closing(connect()) as other, db.snapshot():
        other.execute("INSERT INTO t VALUES (1)")
        assert db.execute("SELECT count(*) FROM t") == [(0,)]


def test_a_session_that_reads_only_writes_nothing(db):
    db.execute("CREATE TABLE t (a INTEGER)")
    db.reads_only()
    with pytest.raises(MeasureError, match="READ ONLY transaction"):
        db.execute("INSERT INTO t VALUES (1)")
    with db.snapshot():
        assert db.execute("SELECT count(*) FROM t") == [(0,)]


def test_without_a_second_connection_a_statement_runs_to_its_end(request, mysql_url, connect, caplog):
    driver = request.node.callspec.params["connect"]
    with (
        contextlib.closing(DbApiSession(connect_mysql(driver, mysql_url), "mysql")) as db,
        caplog.at_level("DEBUG", logger="airflow_dataops"),
    ):
        thread = threading.Timer(0.1, db.cancel)
        thread.start()
        assert db.execute("SELECT SLEEP(0.5)") == [(0,)]
        thread.join()
    assert "cannot be cancelled" in caplog.text


def test_a_pool_gets_its_connection_back_as_it_was(mysql_url, connect):
    engine = create_engine(mysql_url.set(drivername="mysql+pymysql"), pool_size=1, max_overflow=0)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t AS SELECT 1 AS a"))
        connection.execute(text("SET time_zone = '+03:00'"))
    assert validate("t", [{"type": "table_row_count_to_equal", "value": 1}], connection=engine).passed
    with engine.connect() as connection:
        assert connection.execute(text("SELECT @@time_zone")).scalar_one() == "+03:00"
        connection.execute(text("DELETE FROM t"))
        connection.rollback()
    url = mysql_url.render_as_string(hide_password=False)
    assert validate("t", [{"type": "table_row_count_to_equal", "value": 1}], connection=url).passed
    engine.dispose()


def test_a_statement_of_a_pools_only_connection_is_cancelled(mysql_url, connect):
    engine = create_engine(mysql_url.set(drivername="mysql+pymysql"), pool_size=1, max_overflow=0)
    with from_engine(engine) as db:
        thread = threading.Timer(0.2, db.cancel)
        thread.start()
        started = time.monotonic()
        with pytest.raises(MeasureError, match="interrupted"):
            db.execute("SELECT COUNT(*) FROM (SELECT SLEEP(20) UNION ALL SELECT SLEEP(20)) AS slow")
        thread.join()
    assert time.monotonic() - started < 10
    engine.dispose()


def test_rows_are_rows_though_the_connection_makes_dictionaries(mysql_url, connect):
    raw = connect_mysql("pymysql", mysql_url, cursorclass=pymysql.cursors.DictCursor)
    with contextlib.closing(DbApiSession(raw, "mysql")) as db:
        assert db.execute("SELECT 1 AS a, 'b' AS b") == [(1, "b")]


@pytest.mark.parametrize(
    ("code", "words", "kind", "told", "retryable"),
    [
        (1205, "Lock wait timeout exceeded; try restarting transaction", LockTimeout, "Lock wait", True),
        (1213, "Deadlock found when trying to get lock", MeasureError, "Deadlock found", True),
        (1040, "Too many connections", MeasureError, "Too many", True),
        (2013, "Lost connection to MySQL server during query", MeasureError, "Lost connection", True),
        (1146, "Table 'shop.orders' doesn't exist", MeasureError, "'shop.orders'", False),
        (1054, "Unknown column 'amuont' in 'field list'", MeasureError, "'amuont'", False),
        (1366, "Incorrect integer value: 'it's secret' for column `d`.`t`.`a` at row 1", MeasureError, "`a` at", False),
        (
            1366,
            "Incorrect integer value: 'a secret' for column 'paid' at row 1",
            MeasureError,
            "'…' for column 'paid'",
            False,
        ),
        (1062, "Duplicate entry 'secret-1' for key 'PRIMARY'", MeasureError, "'…' for key 'PRIMARY'", False),
        (1292, "Truncated incorrect DOUBLE value: 'secret'", MeasureError, "DOUBLE value: '…'", False),
        (1292, "Truncated incorrect DOUBLE value: 'secret\nof two lines", MeasureError, "DOUBLE value: '…'", False),
    ],
)
def test_errors_by_their_number(request, connect, db, code, words, kind, told, retryable):
    from airflow_dataops.engines.drivers import driver_of

    raised = {
        "pymysql": pymysql.err.OperationalError(code, words),
        "mysql-connector": mysql.connector.errors.DatabaseError(msg=words, errno=code),
    }.get(request.node.callspec.params["connect"], pymysql.err.ProgrammingError(code, words))
    error = driver_of("mysql").understood(raised)
    assert type(error) is kind
    assert told in str(error)
    assert "secret" not in str(error)
    assert error.retryable == retryable
    assert driver_of("mysql").understood(ValueError("not a driver's")) is None
