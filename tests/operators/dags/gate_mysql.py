"""A gate in front of a table in MariaDB or MySQL."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator

with DAG("on_mysql", schedule=None, start_date=pendulum.datetime(2013, 1, 1)):
    GateOperator(
        task_id="gate",
        table="{{ dag_run.conf.get('table', 'landed') }}",
        conn_id="shop",
        suite=[
            {"type": "table_row_count_to_equal", "value": 3},
            {"type": "column_values_to_be_unique", "column": "name"},
            {"type": "column_values_to_be_in_set", "column": "name", "value_set": ["ann", "Ann", "bob"]},
            {"type": "column_median_to_be_between", "column": "v", "min_value": 2, "max_value": 2},
        ],
    )
