"""A process that measures for too long, to be killed: ``python -m tests.engines.killed DRIVER URL HOW``.

HOW is ``stop``, as Airflow's SIGTERM calls ``on_kill``, or ``raise``, as its time-out raises.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
from typing import Any

from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.sql.watching import Watch
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

ENDLESS = {
    "postgres": "SELECT pg_sleep(120)::text AS a",
    "duckdb": "SELECT a.range AS a FROM range(100000000) AS a, range(100000000) AS b WHERE (a.range * b.range) % 7 = 8",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS a FROM n",
}


class TimedOut(BaseException):
    """What Airflow's AirflowTaskTimeout is: no ``Exception``."""


def main(driver: str, url: str, how: str) -> None:
    """Judge, and say what came of it."""
    watch = Watch()

    def on_signal(number: int, frame: Any) -> None:
        if how == "stop":
            watch.stop()
        else:
            raise TimedOut

    signal.signal(signal.SIGTERM, on_signal)
    dialect = "postgres" if driver.startswith("psycopg") else driver.removesuffix("3")
    session = DbApiSession(importlib.import_module(driver).connect(url), dialect)
    suite = read_suite([{"type": "column_values_to_not_be_null", "column": "a"}])
    with contextlib.closing(session):
        print("measuring", flush=True)
        try:
            print(None, judge(session, ENDLESS[dialect], suite, watch=watch), flush=True)
        except BaseException as error:
            print(type(error).__name__, error, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
