"""A gate over files, wherever they lie; which, comes from the run's conf."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator

SUITE = [
    {"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10},
    {"type": "expect_column_values_to_match_regex", "column": "name", "regex": "^[a-z]$"},
    {"type": "expect_column_values_to_not_be_null", "column": "day"},
]


@task
def behind() -> None:
    """What must not run on bad data."""


with DAG("lake"):
    gate = GateOperator(task_id="gate", suite=SUITE, path="{{ dag_run.conf['path'] }}")
    gate >> behind()
