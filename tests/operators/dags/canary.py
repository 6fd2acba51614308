"""A canary, by its own consumer's runs."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import CanaryReleaseOperator, PromoteReleaseOperator, StageReleaseOperator

for dag_id, min_runs in (("canary", 1), ("canary_of_nobody", 0)):
    with DAG(dag_id):
        stage = StageReleaseOperator(
            task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="SELECT {{ dag_run.conf.v }} AS v"
        )
        gate = GateOperator(
            task_id="gate",
            release=stage.output,
            suite=[{"type": "expect_column_max_to_be_between", "column": "v", "max_value": 9}],
        )
        canary = CanaryReleaseOperator(
            task_id="canary",
            release=stage.output,
            steps=[10, 100],
            consumers=["canary_reader"],
            hold=timedelta(seconds=0.3),
            check_every=timedelta(seconds=0.1),
            min_runs=min_runs,
        )
        promote = PromoteReleaseOperator(task_id="promote", release=stage.output)
        stage >> gate >> canary >> promote

with DAG("canary_reader"):
    SQLExecuteQueryOperator(
        task_id="read",
        conn_id="warehouse",
        sql="SELECT {{ 'no_such_column' if dag_run.conf.fail else 'v' }}"
        ' FROM {{ macros.dataops.ref("nyc.flights") }}',
    )
