"""The life of a release by pointer view; what it does comes from the run's conf."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    PromoteReleaseOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)

with DAG("life_by_pointer_view", render_template_as_native_obj=True):
    stage = StageReleaseOperator(
        task_id="stage",
        dataset="nyc.flights",
        conn_id="{{ dag_run.conf.get('conn_id', 'shop') }}",
        sql="SELECT {{ dag_run.conf['v'] }} AS v",
        publisher="{{ dag_run.conf.get('publisher', 'pointer_view') }}",
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/life.yaml")
    stage >> gate >> PromoteReleaseOperator(task_id="promote", release=stage.output)

with DAG("back_by_pointer_view"):
    RollbackReleaseOperator(task_id="roll_back", dataset="nyc.flights", reason="bad upstream")
