"""A gate that looks at the time, and at where the data came from."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator

with DAG("beyond", schedule="@daily", start_date=pendulum.datetime(2013, 1, 1), catchup=False):
    GateOperator(
        task_id="gate",
        table="copied",
        conn_id="warehouse",
        suite=[
            {"type": "column_newest_value_to_be_recent", "column": "at", "max_age": "1 day"},
            {
                "type": "table_row_count_to_match_other_source",
                "other_query": "SELECT * FROM dataops_release",
                "other_conn_id": "dataops_default",
            },
            {"type": "column_values_to_not_be_null", "column": "v", "warn_above": 0, "fail_above": "50 %"},
        ],
    )
