"""A release that two people must approve before readers get it; who has started the run is not one of them.

Run it by hand, and answer in Airflow under "Required Actions".
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    ApproveReleaseOperator,
    DiffReleaseOperator,
    PromoteReleaseOperator,
    StageReleaseOperator,
)

with DAG(
    "nyc_weather_approval",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
    doc_md=__doc__,
) as dag:

    @task
    def land() -> None:
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
        from demo.flights import land_lookups

        with DuckDBHook("warehouse").get_conn() as warehouse:
            land_lookups(warehouse)

    stage = StageReleaseOperator(
        task_id="stage",
        dataset="nyc.weather",
        conn_id="warehouse",
        sql="SELECT * FROM raw.weather WHERE month <= {{ dag_run.conf.get('month', 12) | int }}",
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/weather.yaml")
    diff = DiffReleaseOperator(task_id="diff", release=stage.output, fail_on=["breaking_schema"])
    approve = ApproveReleaseOperator(
        task_id="approve",
        release=stage.output,
        quorum=2,
        author_may_approve=False,
        expires_after=timedelta(days=7),
    )
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)

    land() >> stage >> gate >> diff >> approve >> promote
