"""A gate and a build that would take two minutes."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import StageReleaseOperator

with DAG("slow"):
    GateOperator(
        task_id="gate",
        query="SELECT pg_sleep(120)::text AS a",
        conn_id="slow_postgres",
        suite=[{"type": "column_values_to_not_be_null", "column": "a"}],
    )

with DAG("slow_stage"):
    StageReleaseOperator(
        task_id="stage", dataset="slow.orders", conn_id="slow_postgres", sql="SELECT pg_sleep(120)::text AS a"
    )
