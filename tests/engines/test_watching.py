"""A statement that runs can be told of, and stopped: on the server too, not in this process alone."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time

import duckdb
import psycopg
import pytest

from airflow_dataops.core.errors import MeasurementStopped
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.sql.watching import Watch
from tests.engines.killed import ENDLESS

RUNNING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE state = 'active' AND query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()"
)


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


@contextlib.contextmanager
def measuring(driver, url, how):
    """Start the process that measures without an end; it is gone afterwards."""
    command = [sys.executable, "-m", "tests.engines.killed", driver, url, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "measuring\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["stop", "raise"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_killed_task_leaves_no_query_on_the_server(postgres_url, driver, how):
    with psycopg.connect(postgres_url, autocommit=True) as admin, measuring(driver, postgres_url, how) as process:
        until(lambda: admin.execute(RUNNING).fetchone() == (1,))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        assert said.startswith("MeasurementStopped" if how == "stop" else "TimedOut")
        assert admin.execute(RUNNING).fetchone() == (0,)


@pytest.mark.parametrize(
    ("driver", "how", "said"),
    [
        ("duckdb", "stop", "MeasurementStopped"),
        ("duckdb", "raise", "TimedOut"),
        ("sqlite3", "stop", "MeasurementStopped"),
        ("sqlite3", "raise", "None"),  # of which sqlite3 makes an error of its own: could not be measured
    ],
)
def test_a_killed_task_ends_where_the_database_is_in_its_process(driver, how, said):
    with measuring(driver, ":memory:", how) as process:
        time.sleep(4)  # nobody outside can see that it runs
        process.send_signal(signal.SIGTERM)
        heard, _ = process.communicate(timeout=60)
    assert heard.startswith(said), heard


def test_a_stopped_watch_runs_nothing_more():
    watch = Watch()
    with contextlib.closing(duckdb.connect()) as connection:
        session = DbApiSession(connection, "duckdb")
        timer = threading.Timer(0.5, watch.stop)
        timer.start()
        with pytest.raises(MeasurementStopped, match="this: stopped, because the task was killed") as caught:
            watch.run(session, lambda db: db.execute(f"SELECT count(*) FROM ({ENDLESS['duckdb']})"), "this")
        assert caught.value.retryable
        with pytest.raises(MeasurementStopped):
            watch.run(session, lambda db: db.execute("SELECT 1"), "that")
        assert Watch().run(session, lambda db: db.execute("SELECT 1"), "another") == [(1,)]


def _nap(db):
    return db.execute("SELECT pg_sleep(0.7)::text")


def test_a_long_statement_says_that_it_still_runs(postgres_url, caplog):
    with contextlib.closing(psycopg.connect(postgres_url)) as connection, caplog.at_level("INFO"):
        session = DbApiSession(connection, "postgres")
        assert Watch(still_runs_every=0.2).run(session, _nap, "Statement 1 of 2") == [("",)]
    said = [record.getMessage() for record in caplog.records]
    assert said[:3] == ["Statement 1 of 2 still runs, after 0 s."] * 2 + ["Statement 1 of 2 still runs, after 1 s."]
