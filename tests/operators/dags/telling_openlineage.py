"""DAGs of which OpenLineage events tell."""

from __future__ import annotations

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    DiffReleaseOperator,
    PromoteReleaseOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)

SUITE = [
    {"type": "expect_column_values_to_not_be_null", "column": "v"},
    {"type": "expect_column_max_to_be_between", "column": "v", "max_value": 10},
    {"type": "expect_column_distinct_values_to_be_in_set", "column": "name", "value_set": ["a", "b"]},
]

with DAG("told", default_args={"owner": "sales-team"}):
    staged = StageReleaseOperator(
        task_id="stage",
        dataset="nyc.told",
        conn_id="warehouse",
        sql="SELECT v * {{ dag_run.conf['by'] }} AS v, name FROM landed",
    )
    gate = GateOperator(task_id="gate", release=staged.output, suite=SUITE)
    diff = DiffReleaseOperator(task_id="diff", release=staged.output)
    staged >> gate >> diff >> PromoteReleaseOperator(task_id="promote", release=staged.output)

with DAG("told_reader"):
    SQLExecuteQueryOperator(
        task_id="count", conn_id="warehouse", sql="SELECT count(*) FROM {{ macros.dataops.ref('nyc.told') }}"
    )
    PythonOperator(task_id="train", python_callable=print, op_args=["{{ macros.dataops.ref('nyc.told') }}"])
    PythonOperator(task_id="nothing", python_callable=print)

with DAG("told_back"):
    RollbackReleaseOperator(task_id="rollback", dataset="nyc.told", reason="wrong")

with DAG("told_in_place"):
    GateOperator(
        task_id="gate",
        table="landed",
        conn_id="warehouse",
        on_fail="shadow",
        suite=[{"type": "expect_column_max_to_be_between", "column": "v", "max_value": 1}],
    )
