"""A table that everybody reads becomes a dataset: its first promotion adopts it, and each day replaces its own part.

Readers go on using ``shop.orders``. Run it by hand: ``{"day": "2026-03-02"}``.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator

with DAG(
    "daily_orders",
    schedule=None,
    max_active_runs=1,
    params={"day": Param("2026-03-01", type="string", format="date", description="the day that has arrived")},
    doc_md=__doc__,
) as dag:
    stage = StageReleaseOperator(
        task_id="stage",
        dataset="shop.orders",
        conn_id="warehouse",
        sql="SELECT id, day, amount FROM raw.orders WHERE day = DATE '{{ params.day }}'",
        replace_where="day = DATE '{{ params.day }}'",  # all other days are kept of what is live
    )
    gate = GateOperator(
        task_id="gate",
        release=stage.output,
        suite=[
            {"type": "expect_column_values_to_be_unique", "column": "id"},
            {"type": "expect_column_values_to_be_between", "column": "amount", "min_value": 0},
        ],
    )
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)

    stage >> gate >> promote
