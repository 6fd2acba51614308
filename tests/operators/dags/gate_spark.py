"""A gate in front of a table that lives in a Spark cluster."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator

with DAG("on_spark", schedule=None, start_date=pendulum.datetime(2013, 1, 1)):
    GateOperator(
        task_id="gate",
        table="{{ dag_run.conf.get('table', 'landed') }}",
        conn_id="cluster",
        suite=[
            {"type": "table_row_count_to_equal", "value": 10},
            {"type": "column_values_to_be_unique", "column": "name"},
            {"type": "column_values_to_be_between", "column": "v", "max_value": 7, "warn_above": 1, "fail_above": 5},
        ],
    )
