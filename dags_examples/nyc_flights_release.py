"""Flights land month by month; readers get a new release only when its gate lets it through.

Each release holds all months up to the asked one. Run it by hand: ``{"month": 2, "delivery": "good"}``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator

with DAG(
    "nyc_flights_release",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
    params={
        "month": Param(1, type="integer", minimum=1, maximum=12, description="the month of 2013 that has arrived"),
        "delivery": Param("good", enum=["good", "bad"], description="bad: as after a change upstream"),
    },
    doc_md=__doc__,
) as dag:

    @task
    def land() -> int:
        """Load the delivered month into ``raw.flights``."""
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
        from demo.flights import land_month

        params = get_current_context()["params"]
        with DuckDBHook("warehouse").get_conn() as warehouse:
            return land_month(warehouse, params["month"], params["delivery"])

    stage = StageReleaseOperator(
        task_id="stage",
        dataset="nyc.flights",
        conn_id="warehouse",
        sql="SELECT * FROM raw.flights WHERE month <= {{ params.month }}",
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/flights.yaml")
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)

    land() >> stage >> gate >> promote
