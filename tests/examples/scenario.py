"""Runs the example DAGs by ``dag.test()`` in an Airflow of their own, and prints what came of each as JSON.

A process of its own: ``dag.test()`` needs a migrated home and a bundle, which are settings of the whole process.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "dags_examples"
HEAVY = ("great_expectations", "pandas", "duckdb", "sqlglot", "pyarrow", "pyiceberg")

RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain_dag_with_gate", {}),
    "january": ("nyc_flights_release", {"month": 1, "delivery": "good"}),
    "report": ("nyc_delay_report", {}),
    "bad_february": ("nyc_flights_release", {"month": 2, "delivery": "bad"}),
    "february": ("nyc_flights_release", {"month": 2, "delivery": "good"}),
    "rollback": ("nyc_flights_rollback", {"reason": "a test takes it back"}),
    "second_day": ("daily_orders", {"day": "2026-03-02"}),
    "second_day_again": ("daily_orders", {"day": "2026-03-02"}),
    "approval": ("nyc_weather_approval", {}),
    "together": ("nyc_flights_together", {"month": 1}),
    "lake_january": ("nyc_weather_iceberg", {"month": 1}),
    "lake_february": ("nyc_weather_iceberg", {"month": 2}),
    "lake_february_again": ("nyc_weather_iceberg", {"month": 2}),
    "files": ("nyc_weather_files", {}),
}
ANSWERS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "approval": [("ada", "Approve", {"reason": "as agreed"}), ("grace", "Approve", {})]
}


def land_orders() -> None:
    """Make the table that everybody reads, with one day's orders, and the next day's delivery."""
    from airflow.providers.duckdb.hooks.duckdb import DuckDBHook

    with DuckDBHook("warehouse").get_conn() as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS raw; CREATE SCHEMA IF NOT EXISTS shop")
        warehouse.execute("CREATE TABLE shop.orders AS SELECT 1 AS id, DATE '2026-03-01' AS day, 12.5 AS amount")
        warehouse.execute("CREATE TABLE raw.orders AS SELECT 2 AS id, DATE '2026-03-02' AS day, 7.5 AS amount")


def import_files() -> tuple[dict[str, Any], dict[str, float], list[str]]:
    """Return the DAGs, the seconds that each file took to import, and which heavy libraries that loaded."""
    import airflow.providers.common.sql.operators.sql  # noqa: F401 - the files' other imports are not ours to measure
    from airflow.sdk import DAG

    before = set(sys.modules)
    sys.path.append(str(FOLDER))  # as Airflow does with a bundle
    dags, seconds = {}, {}
    for path in sorted(FOLDER.glob("*.py")):
        began = time.process_time()
        module = __import__(path.stem)
        seconds[path.name] = time.process_time() - began
        dags |= {value.dag_id: value for value in vars(module).values() if isinstance(value, DAG)}
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    return dags, seconds, sorted(loaded.intersection(HEAVY))


def main() -> None:
    """Print one JSON document: ``seconds``, ``heavy``, and for each run its state, tasks and the gate's result."""
    dags, seconds, heavy = import_files()
    sys.path.append(str(FOLDER.parent / "tests" / "operators"))
    from people import answering

    found: dict[str, Any] = {"seconds": seconds, "heavy": heavy, "dags": sorted(dags), "runs": {}}
    land_orders()
    for name, (dag_id, conf) in RUNS.items():
        with answering(dag_id, ANSWERS[name]) if name in ANSWERS else nullcontext():
            run = dags[dag_id].test(run_conf=conf)
        found["runs"][name] = {
            "state": str(run.state),
            "tasks": {ti.task_id: str(ti.state) for ti in run.get_task_instances()},
        }
    Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
