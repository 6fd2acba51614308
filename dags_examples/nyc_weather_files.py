"""A release that is a folder of Parquet files: a task writes it, and readers get its path once a gate lets it through.

The connection ``folder`` is to a folder (type ``fs``); with S3, and URLs as ``target`` and ``path``, it is there.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator

with DAG(
    "nyc_weather_files",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
    doc_md=__doc__,
) as dag:

    @task
    def land() -> str:
        """Write the weather into a folder below the connection's, and return its path there."""
        from pathlib import Path

        import duckdb
        from airflow.providers.standard.hooks.filesystem import FSHook
        from demo.flights import data_file

        folder = Path(FSHook("folder").get_path()) / "incoming/weather"
        folder.mkdir(parents=True, exist_ok=True)
        rows = f"FROM read_csv('{data_file('weather.csv')}', nullstr = 'NA')"
        duckdb.sql(f"COPY ({rows}) TO '{folder}/weather.parquet' (FORMAT parquet)")
        return "incoming/weather"

    @task
    def report(path: str) -> float:
        """Return the highest temperature, read from the release that this run is pinned to."""
        import pandas as pd

        return float(pd.read_parquet(path, columns=["temp"])["temp"].max())

    stage = StageReleaseOperator(
        task_id="stage", dataset="folder.weather", conn_id="folder", publisher="files", path=land()
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/weather.yaml")
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)

    stage >> gate >> promote >> report("{{ macros.dataops.ref('folder.weather') }}")
