"""A dataset in MariaDB or MySQL: staged, gated, promoted, read and rolled back."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, RollbackReleaseOperator, StageReleaseOperator


@task
def read(sql: str) -> list[list[object]]:
    """Read as any task does, through Airflow's own hook."""
    from airflow.providers.mysql.hooks.mysql import MySqlHook

    return [list(row) for row in MySqlHook("shop").get_records(sql)]


with DAG("life_on_mysql"):
    staged = StageReleaseOperator(
        task_id="stage", dataset="nyc.Flights", conn_id="shop", sql="SELECT {{ dag_run.conf['v'] }} AS v"
    )
    gate = GateOperator(
        task_id="gate",
        release=staged.output,
        suite=[{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}],
    )
    promote = PromoteReleaseOperator(task_id="promote", release=staged.output)
    staged >> gate >> promote >> read("SELECT v FROM {{ macros.dataops.ref('nyc.Flights') }}")

with DAG("roll_back_on_mysql"):
    RollbackReleaseOperator(task_id="rollback", dataset="nyc.Flights", reason="bad upstream")
