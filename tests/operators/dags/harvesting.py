"""A task that reads a dataset by Airflow's own hook, and the harvest of what others do."""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

from airflow_dataops.operators.usage import HarvestUsageOperator

with DAG("reads"):
    SQLExecuteQueryOperator(task_id="report", conn_id="warehouse", sql="SELECT v FROM nyc.flights")

with DAG("harvest"):
    HarvestUsageOperator(
        task_id="harvest",
        conn_id="{{ dag_run.conf.get('conn_id', 'warehouse') }}",
        log_path="{{ dag_run.conf.get('log_path', '') }}",
        exclude=["monitoring"],
    )
