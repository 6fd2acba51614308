"""A gate, and DAGs that wait for what it says."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.sensors.gate import GateSensor

WAITS = {"external_dag_id": "judges_landed", "external_task_id": "gate", "poke_interval": 0.1}


@task
def build() -> str:
    return "built"


with DAG("judges_landed"):
    GateOperator(
        task_id="gate",
        table="landed",
        conn_id="warehouse",
        suite=[{"type": "expect_column_max_to_be_between", "column": "v", "max_value": 10}],
    )

with DAG("waits_for_gate", default_args={"retries": 1}):
    since = "{{ dag_run.conf.get('since', dag_run.run_after) }}"
    GateSensor(task_id="wait", timeout=1, since=since, **WAITS) >> build()

with DAG("waits_softly"):
    GateSensor(task_id="wait", timeout=1, soft_fail=True, **WAITS) >> build()

with DAG("waits_for_gate_deferred", default_args={"retries": 1}):
    GateSensor(task_id="wait", timeout=60, deferrable=True, **WAITS) >> build()

with DAG("waits_softly_deferred"):
    GateSensor(task_id="wait", timeout=60, deferrable=True, soft_fail=True, **WAITS) >> build()
