"""What a task pays before and beside the database's work: its process's memory, and the seconds of importing us."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_dataops.stores.store import Store
from tests.bench import floors
from tests.bench.databases import FEW_ROWS
from tests.bench.peering import CACHE
from tests.bench.suites import Report
from tests.bench.targets import Figure
from tests.bench.trips import CHECKS

# A task's process: Airflow with the hook connected, and then some statements, or the gate as the operator runs it, its
# result stored. The peak is the process's own since it began (`ru_maxrss` would count the one that started it).
_TASK = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
mode, table, what = sys.argv[1:]
from airflow.sdk import BaseHook
hook = BaseHook.get_hook("bench")
connection = hook.get_conn()
if mode == "gate":
    connection.close()
    from datetime import UTC, datetime
    from airflow_dataops.core.releases import TaskKey
    from airflow_dataops.formats.suites import read_suite
    from airflow_dataops.hooks.gating import open_judged
    from airflow_dataops.hooks.store import open_store
    from airflow_dataops.services.gating import run_gate
    import airflow_dataops.operators.gate
    store = open_store()
    judged = open_judged(store, release=None, table=table, query=None, path=None, conn_id="bench")
    key = TaskKey(dag_id="bench", run_id="1", task_id="gate", map_index=-1, try_number=1)
    run = run_gate(store, read_suite(json.loads(what)), judged, key=key, by="bench", now=datetime.now(UTC))
    assert str(run.result.verdict) == "PASS", run.result
else:
    cursor = connection.cursor()
    for sql in json.loads(what):
        cursor.execute(sql)
        cursor.fetchall()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024)
"""


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which Python keeps byte code: to compile each module anew costs 20 MB and seconds."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"), **more}


def memory(dialect: str, name: str, place: Mapping[str, str], *, rows: int, home: Path, runs: int) -> Report:
    """Measure the peak of a task's memory for a gate, on few rows and on all.

    Against Airflow with the hook connected; DuckDB is a part of the process, so there it is against a process that
    runs the hand-written statements.

    :param place: the Airflow connection, without its type.
    :param home: a folder for Airflow and our store.
    """
    store = home / f"{dialect}.db"
    store.parent.mkdir(exist_ok=True)
    Store(f"sqlite:///{store}").upgrade()
    # A task asks its supervisor for connections that are not in the environment. This process has none: it would load
    # the models of Airflow's metadata database, 16 MB that no task loads.
    given = environment(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW_CONN_BENCH=json.dumps({"conn_type": dialect, **place}),
        AIRFLOW_CONN_DATAOPS_DEFAULT=json.dumps({"conn_type": "sqlite", "host": str(store)}),
    )
    report = Report()
    sizes = {"few_trips": FEW_ROWS, "trips": rows}
    for table, count in sizes.items() if rows > FEW_ROWS else [("trips", rows)]:
        by_hand = [sql.replace(" trips", f" {table}") for sql in next(iter(floors.statements(dialect).values()))]
        without = ["SELECT 1"] if dialect == "postgres" else by_hand
        tasks: dict[str, tuple[str, Any]] = {"without": ("statements", without), "gate": ("gate", CHECKS)}
        taken: dict[str, list[float]] = {task: [] for task in tasks}
        for turn in range(runs + 1):
            for task, (mode, what) in tasks.items():
                peak = _peak(given, mode, table, what)
                if turn:  # the first one makes the byte code
                    taken[task].append(peak)
        base, gate = (statistics.median(taken[task]) for task in tasks)
        compared = "Airflow's" if dialect == "postgres" else "the hand-written's"
        report.figures.append(
            Figure(
                key=f"memory/{dialect}",
                case=f"memory, {name}",
                what=f"a gate's process, {count:,} rows",
                value=gate - base,
                unit=f"MB over {compared} {base:.0f}",
            )
        )
    return report


def _peak(environment: dict[str, str], mode: str, table: str, what: object) -> float:
    """Return the peak of a task's process in MB."""
    command = [sys.executable, "-c", _TASK, mode, table, json.dumps(what)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"The process for the memory of {mode} failed:\n{run.stderr[-2000:]}")
    return float(run.stdout.split()[-1])


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


def imports(*, runs: int) -> Report:
    """Measure what a DAG file pays for the operators and the sensor over Airflow itself."""
    command = [sys.executable, "-W", "ignore", "-c", _IMPORTS]
    took = []
    for _ in range(runs + 1):
        run = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
        took.append([float(seconds) for seconds in run.stdout.split()])
    sdk, ours = (statistics.median(run[index] for run in took[1:]) for index in (0, 1))
    figure = Figure(
        key="import/ours",
        case="import in a DAG file",
        what="operators and sensor",
        value=ours,
        unit=f"s over airflow.sdk's {sdk:.2f}",
        seconds=sdk + ours,
    )
    return Report(figures=[figure])
