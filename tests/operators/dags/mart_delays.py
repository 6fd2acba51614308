"""Consumers of ``nyc.flights`` that say what they rely on: beside this file, and by ``ref``."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator


@task
def load(relation: str) -> str:
    return relation


with DAG("mart_delays", default_args={"owner": "data-mart"}):
    load("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("report_delays", default_args={"owner": "reports"}):
    load("{{ macros.dataops.ref('nyc.flights', contract=dag_run.conf.get('contract')) }}")

SUITE = [{"type": "expect_column_values_to_not_be_null", "column": "v"}]
with DAG("kept", default_args={"retries": 1}):
    staged = StageReleaseOperator(
        task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="{{ dag_run.conf['sql'] }}"
    )
    gate = GateOperator(task_id="gate", release=staged.output, suite=SUITE, contracts=True)
    staged >> gate >> PromoteReleaseOperator(task_id="promote", release=staged.output)

with DAG("kept_by_contracts_alone"):
    staged = StageReleaseOperator(
        task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="{{ dag_run.conf['sql'] }}"
    )
    staged >> GateOperator(task_id="gate", release=staged.output, contracts=True)

with DAG("contracts_of_no_release"):
    GateOperator(task_id="gate", table="landed", conn_id="warehouse", contracts=True)
