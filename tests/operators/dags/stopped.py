"""Readers that are stopped, or not, when what they read was found bad."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.sensors.release import ReleaseSensor


@task
def read(relation: str) -> str:
    return relation


RETRIED = {"retries": 1, "retry_delay": timedelta(0)}
for name, tags in (("reads_by_ref", []), ("tagged_reads_by_ref", ["dataops-stop"])):
    with DAG(name, default_args=RETRIED, tags=tags):
        read("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("reads_by_plain_sql", default_args=RETRIED):
    SQLExecuteQueryOperator(task_id="query", conn_id="warehouse", sql="SELECT v FROM nyc_flights")

with DAG("reads_landed", default_args=RETRIED):
    SQLExecuteQueryOperator(task_id="query", conn_id="warehouse", sql="SELECT v FROM landed")

with DAG("waits_for_flights", default_args=RETRIED):
    ReleaseSensor(task_id="wait", dataset="nyc.flights", poke_interval=0.01, timeout=60)

with DAG("watches"):
    GateOperator(
        task_id="gate",
        table="{{ dag_run.conf['table'] }}",
        conn_id="warehouse",
        suite=[{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}],
    ) >> SQLExecuteQueryOperator(
        task_id="mend",
        conn_id="warehouse",
        sql="UPDATE {{ dag_run.conf['table'] }} SET v = 1 WHERE v > 10",
        trigger_rule="all_done",
    )

with DAG("judges"):
    GateOperator(
        task_id="gate",
        release="{{ dag_run.conf['release'] }}",
        suite=[{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}],
    )
