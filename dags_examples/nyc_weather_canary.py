"""A release that one consumer reads before all do: its next run must succeed on it, or the release is taken back.

``nyc_weather_canary`` builds and judges a release, lets ``nyc_windy_days`` read it, and makes it live once a run of
that one has succeeded. Trigger ``nyc_windy_days`` while the canary holds; ``{"fail": true}`` shows the way back.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import CanaryReleaseOperator, PromoteReleaseOperator, StageReleaseOperator

retried = {"retries": 3, "retry_delay": timedelta(seconds=2)}

with DAG("nyc_weather_canary", schedule=None, max_active_runs=1, default_args=retried, doc_md=__doc__) as release_dag:

    @task
    def land() -> None:
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
        from demo.flights import land_lookups

        with DuckDBHook("warehouse").get_conn() as warehouse:
            land_lookups(warehouse)

    stage = StageReleaseOperator(
        task_id="stage", dataset="nyc.daily_wind", conn_id="warehouse", sql="sql/daily_wind.sql"
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/daily_wind.yaml")
    canary = CanaryReleaseOperator(
        task_id="canary",
        release=stage.output,
        consumers=["nyc_windy_days"],
        steps=[0],
        hold=timedelta(seconds=5),
        check_every=timedelta(seconds=2),
    )
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)
    land() >> stage >> gate >> canary >> promote

with DAG("nyc_windy_days", schedule=None, max_active_runs=1, default_args=retried, doc_md=__doc__) as consumer_dag:
    SQLExecuteQueryOperator(
        task_id="count",
        conn_id="warehouse",
        sql="""
            CREATE SCHEMA IF NOT EXISTS reports;
            CREATE OR REPLACE TABLE reports.windy_days AS
            SELECT origin, count(*) AS days FROM {{ macros.dataops.ref("nyc.daily_wind") }}
            WHERE wind_speed > {{ "'much'" if dag_run.conf.get("fail") else 20 }}
            GROUP BY origin
        """,
        split_statements=True,
        retries=0,
    )
