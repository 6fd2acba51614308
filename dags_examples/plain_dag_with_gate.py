"""An ordinary DAG, load a table and build another from it, into which a gate was dropped: three lines are new."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator  # added

with DAG("plain_dag_with_gate", schedule=None, default_args={"retries": 3, "retry_delay": timedelta(seconds=2)}) as dag:

    @task
    def load() -> None:
        from airflow.providers.duckdb.hooks.duckdb import DuckDBHook
        from demo.flights import land_lookups

        with DuckDBHook("warehouse").get_conn() as warehouse:
            land_lookups(warehouse)

    build = SQLExecuteQueryOperator(
        task_id="build",
        conn_id="warehouse",
        sql="""
            CREATE SCHEMA IF NOT EXISTS reports;
            CREATE OR REPLACE TABLE reports.daily_weather AS
            SELECT origin, year, month, day, avg(temp) AS temp, max(wind_speed) AS wind_speed, sum(precip) AS precip
            FROM raw.weather GROUP BY ALL
        """,
        split_statements=True,
    )

    loaded = load()
    loaded >> build

    gate = GateOperator(task_id="gate", table="raw.weather", suite="suites/weather.yaml", conn_id="warehouse")  # added
    loaded >> gate >> build  # added
