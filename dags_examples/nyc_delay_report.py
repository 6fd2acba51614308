"""The consumer: whenever ``nyc.flights`` has a new live release, rebuild the report on delays by airline from it."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, Asset, task

with DAG(
    "nyc_delay_report",
    schedule=[Asset("nyc.flights")],
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
    doc_md=__doc__,
) as dag:

    @task
    def land_airlines() -> None:
        """Load the airlines' names."""
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
        from demo.flights import land_lookups

        with DuckDBHook("warehouse").get_conn() as warehouse:
            land_lookups(warehouse)

    report = SQLExecuteQueryOperator(
        task_id="report",
        conn_id="warehouse",
        sql="""
            CREATE SCHEMA IF NOT EXISTS reports;
            CREATE OR REPLACE TABLE reports.delays_by_airline AS
            SELECT
                airlines.name AS airline,
                count(*) AS flights,
                count(*) FILTER (dep_time IS NULL) AS cancelled,
                round(avg(dep_delay), 1) AS mean_delay_minutes,
                max(month) AS up_to_month
            FROM {{ macros.dataops.ref("nyc.flights") }} AS flights
            JOIN raw.airlines AS airlines USING (carrier)
            GROUP BY airlines.name
            ORDER BY mean_delay_minutes DESC
        """,
        split_statements=True,
    )

    land_airlines() >> report
