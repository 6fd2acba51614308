"""The life of a release on an Iceberg table; what it does comes from the run's conf."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    DiffReleaseOperator,
    PromoteReleaseOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)

with DAG("life_on_iceberg", render_template_as_native_obj=True):
    stage = StageReleaseOperator(
        task_id="stage",
        dataset="nyc.flights",
        conn_id="{{ dag_run.conf.get('conn_id', 'lake') }}",
        sql="{{ dag_run.conf.get('sql') }}",
        relation="{{ dag_run.conf.get('relation') }}",
        branch="{{ dag_run.conf.get('branch') }}",
        publisher="{{ dag_run.conf.get('publisher', 'iceberg') }}",
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/life.yaml")
    diff = DiffReleaseOperator(task_id="diff", release=stage.output, key=["v"])
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)

    @task
    def read(relation: str) -> str:
        return relation

    stage >> gate >> diff >> promote >> read("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("back_on_iceberg"):
    RollbackReleaseOperator(task_id="roll_back", dataset="nyc.flights", reason="bad upstream")
