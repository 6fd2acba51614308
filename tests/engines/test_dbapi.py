"""The contract of the port ``Database``, on every driver."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, MeasureError
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession


def test_statements_take_question_marks_and_leave_quoted_ones_alone(db):
    db.execute("""CREATE TABLE "what? 100%" (a INTEGER, b TEXT)""")
    db.execute("""INSERT INTO "what? 100%" VALUES (?, ?) -- really?""", (1, "50% ?"))
    assert db.execute("""SELECT a, b, '?%' FROM "what? 100%" WHERE b LIKE ?""", ("50%",)) == [(1, "50% ?", "?%")]
    assert db.execute("SELECT '100%' WHERE 1 = 2") == []


def test_columns_are_in_order_and_empty_where_there_is_no_table(db):
    db.execute('CREATE TABLE "odd "" name" (z INTEGER, "A b" TEXT)')
    columns = db.columns(Relation(name='odd " name'))
    assert [column.name for column in columns] == ["z", "A b"]
    assert columns[0].type.lower() == ("int" if db.dialect == "mysql" else "integer")
    assert db.columns(Relation(name="nothing")) == []
    assert db.columns(Relation(schema="nowhere", name='odd " name')) == []
    if db.dialect == "mysql":
        ((schema,),) = db.execute("SELECT DATABASE()")
    else:
        schema = {"sqlite": "main", "duckdb": "main", "postgres": "public"}[db.dialect]
    assert db.columns(Relation(schema=schema, name='odd " name')) == columns


def test_a_select_is_described_without_being_run(db):
    db.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    columns = db.describe("SELECT b, a AS c FROM t")
    assert [column.name for column in columns] == ["b", "c"]
    assert columns[0].type.lower() in ("text", "varchar")
    with pytest.raises(MeasureError, match="nothing"):
        db.describe("SELECT * FROM nothing")


def test_outside_a_transaction_each_statement_commits(db, connect):
    db.execute("CREATE TABLE t (a INTEGER)")
    db.execute("INSERT INTO t VALUES (1)")
    with contextlib.closing(connect()) as other:
        assert other.execute("SELECT a FROM t") == [(1,)]


def test_a_transaction_is_all_or_nothing(db):
    db.execute("CREATE TABLE t (a INTEGER)")

    def fails_half_way():
        with db.transaction():
            db.execute("INSERT INTO t VALUES (1)")
            db.execute("SELECT * FROM nothing")

    with pytest.raises(MeasureError, match="nothing"):
        fails_half_way()
    assert db.execute("SELECT count(*) FROM t") == [(0,)]
    with db.transaction():
        db.execute("INSERT INTO t VALUES (1)")
    assert db.execute("SELECT count(*) FROM t") == [(1,)]


def test_transactions_do_not_nest(db):
    with pytest.raises(ConfigurationError, match="do not nest"), db.transaction(), db.transaction():
        pass


def test_a_snapshot_sees_one_state(db, connect):
    if db.dialect == "sqlite":
        db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE t (a INTEGER)")
    with contextlib.closing(connect()) as other, db.snapshot():
        assert db.execute("SELECT count(*) FROM t") == [(0,)]
        other.execute("INSERT INTO t VALUES (1)")
        assert db.execute("SELECT count(*) FROM t") == [(0,)]
    assert db.execute("SELECT count(*) FROM t") == [(1,)]


def test_an_error_is_the_databases_own_words_without_values(db):
    db.execute("CREATE TABLE t (a TEXT)")
    db.execute("INSERT INTO t VALUES ('secret')")
    with pytest.raises(MeasureError) as caught:
        db.execute("SELECT a FROM t WHERE nonsense = 1")
    assert "nonsense" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not caught.value.retryable
    db.execute("CREATE TABLE numbers (a INTEGER)")
    if db.dialect != "sqlite":  # which keeps any text as it is
        with pytest.raises(MeasureError) as caught:
            db.execute(
                "INSERT INTO numbers SELECT a FROM t" if db.dialect == "mysql" else "SELECT CAST(a AS INTEGER) FROM t"
            )
        assert "secret" not in str(caught.value)


def test_a_lock_that_cannot_be_had_is_a_lock_timeout(db, connect):
    # PostgreSQL, MySQL and SQLite wait for the first writer; DuckDB refuses the second one at once.
    db.execute("CREATE TABLE t (a INTEGER)")
    with contextlib.closing(connect()) as other:
        if db.dialect == "postgres":
            other.execute("SET lock_timeout = '50ms'")
        if db.dialect == "mysql":
            other.execute("SET lock_wait_timeout = 1")
        with db.transaction():
            # MySQL commits after each ALTER.
            db.execute("INSERT INTO t VALUES (1)" if db.dialect == "mysql" else "ALTER TABLE t ADD COLUMN b INTEGER")
            with pytest.raises(LockTimeout) as caught:
                other.execute("ALTER TABLE t ADD COLUMN c INTEGER")
    assert caught.value.retryable


def test_a_lost_connection_may_come_back_but_a_file_is_not_lost(db):
    db.close()
    with pytest.raises(MeasureError) as caught:
        db.execute("SELECT 1")
    assert caught.value.retryable == (db.dialect != "sqlite")


def test_a_running_statement_is_cancelled_from_another_thread(db):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    if db.dialect == "mysql":  # where a recursion ends after some rounds
        seconds = "SELECT SLEEP(1) AS s UNION ALL SELECT SLEEP(1)"
        endless = f"SELECT count(*) FROM ({' UNION ALL '.join([seconds] * 20)}) AS slow"
    done = threading.Event()

    def cancel():
        while not done.wait(0.05):
            db.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    started = time.monotonic()
    try:
        with pytest.raises(MeasureError) as caught:
            db.execute(endless)
    finally:
        done.set()
        thread.join()
    assert caught.value.retryable
    assert time.monotonic() - started < 10


def test_a_released_connection_is_as_it_was(tmp_path):
    import sqlite3

    connection = sqlite3.connect(tmp_path / "w.db")
    session = DbApiSession(connection, "sqlite")
    session.release()
    assert connection.isolation_level == ""
    connection.close()


def test_another_database_is_refused():
    with pytest.raises(ConfigurationError, match=r"'oracle' is not supported: expected one of .*duckdb, .*postgres"):
        DbApiSession(object(), "oracle")
