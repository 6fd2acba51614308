"""A gate that would take two minutes."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator

with DAG("slow"):
    GateOperator(
        task_id="gate",
        query="SELECT pg_sleep(120)::text AS a",
        conn_id="slow_postgres",
        suite=[{"type": "column_values_to_not_be_null", "column": "a"}],
    )
