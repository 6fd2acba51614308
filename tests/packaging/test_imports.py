"""What a DAG file, the scheduler and the triggerer import stays light."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("great_expectations", "pandas", "duckdb", "sqlglot", "polars", "pyarrow", "pyiceberg")


MODULES = (
    "airflow_dataops",
    "airflow_dataops.operators.gate",
    "airflow_dataops.operators.release",
    "airflow_dataops.operators.usage",
    "airflow_dataops.sensors.gate",
    "airflow_dataops.sensors.release",
    "airflow_dataops.decorators.gate",
    "airflow_dataops.triggers.gate",
    "airflow_dataops.triggers.release",
    "airflow_dataops.macros",
    "airflow_dataops.provider",
    "airflow_dataops.ui.plugin",
)


def test_what_a_dag_file_needs_loads_no_engine() -> None:
    code = f"import sys, {', '.join(MODULES)}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == []
