"""Flights and their daily summary go live together: no reader ever adds up one and finds another sum in the other.

Run it by hand: ``{"month": 2}``. Where one of the gates fails, both datasets stay as they are.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator

FLOWN = "FROM raw.flights WHERE month <= {{ params.month }} AND dep_time IS NOT NULL"

with DAG(
    "nyc_flights_together",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
    params={"month": Param(1, type="integer", minimum=1, maximum=12, description="the month of 2013 that has arrived")},
    doc_md=__doc__,
) as dag:

    @task
    def land() -> int:
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
        from demo.flights import land_month

        with DuckDBHook("warehouse").get_conn() as warehouse:
            return land_month(warehouse, get_current_context()["params"]["month"])

    flown = StageReleaseOperator(
        task_id="stage_flown", dataset="nyc.flown", conn_id="warehouse", sql=f"SELECT * {FLOWN}"
    )
    by_day = StageReleaseOperator(
        task_id="stage_by_day",
        dataset="nyc.flown_by_day",
        conn_id="warehouse",
        sql=f"SELECT CAST(time_hour AS DATE) AS day, count(*) AS flights {FLOWN} GROUP BY 1",
    )
    gate_flown = GateOperator(
        task_id="gate_flown",
        release=flown.output,
        suite=[{"type": "expect_column_values_to_be_between", "column": "distance", "min_value": 17}],
    )
    gate_by_day = GateOperator(
        task_id="gate_by_day",
        release=by_day.output,
        suite=[
            {"type": "expect_column_values_to_be_unique", "column": "day"},
            {"type": "expect_column_values_to_be_between", "column": "flights", "min_value": 100},
        ],
    )
    promote = PromoteReleaseOperator(task_id="promote", release=[flown.output, by_day.output])

    land() >> [flown, by_day]
    flown >> gate_flown >> promote
    by_day >> gate_by_day >> promote
