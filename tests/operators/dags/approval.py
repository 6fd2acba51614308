"""DAGs whose releases people must approve; what the people say comes from the tests."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import ApproveReleaseOperator, PromoteReleaseOperator, StageReleaseOperator

CRITICAL = [{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}]
RETRIED = {"retries": 1, "retry_delay": timedelta(0)}
AWAY = json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "schema": "nowhere"})


def lose_store_once(context: Any) -> None:
    """Take the store away when the first try goes on with its answer; its next try finds it again."""
    known = os.environ.setdefault("STORE_THAT_IS_AWAY", os.environ["AIRFLOW_CONN_DATAOPS_DEFAULT"])
    ti = context["ti"]
    resumed = ti._ti_context_from_server.next_method is not None
    os.environ["AIRFLOW_CONN_DATAOPS_DEFAULT"] = AWAY if ti.try_number == 1 and resumed else known


def die_once(context: Any, result: Any) -> None:
    """Fail when the approval is recorded, before Airflow hears of it."""
    if context["ti"].try_number == 1:
        raise RuntimeError("the worker is gone")


def approved(dag_id: str, **how: Any) -> None:
    """Make a DAG that stages, gates, asks and promotes."""
    with DAG(dag_id, default_args=RETRIED):
        stage = StageReleaseOperator(
            task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="{{ dag_run.conf['sql'] }}"
        )
        gate = GateOperator(task_id="gate", release=stage.output, suite=CRITICAL)
        approve = ApproveReleaseOperator(task_id="approve", release=stage.output, **how)
        stage >> gate >> approve >> PromoteReleaseOperator(task_id="promote", release=approve.output)


approved("approval", quorum=2)
approved("approval_again", post_execute=die_once)
approved("approval_by_default", defaults="Approve", response_timeout=timedelta(days=1))
approved("approval_fails", fail_on_reject=True, response_timeout=timedelta(days=1))
approved("approval_without_store", pre_execute=lose_store_once)

with DAG("approval_mapped"):
    staged = StageReleaseOperator.partial(task_id="stage", conn_id="warehouse", sql="SELECT 1 AS v").expand(
        dataset=["nyc.flights", "nyc.weather"]
    )
    judged = GateOperator.partial(task_id="gate", suite=CRITICAL).expand(release=staged.output)
    asked = ApproveReleaseOperator.partial(task_id="approve", quorum=1).expand(release=staged.output)
    promoted = PromoteReleaseOperator.partial(task_id="promote").expand(release=staged.output)
    # Asked when it is live already, which no promotion must wait for.
    late = ApproveReleaseOperator.partial(task_id="late").expand(release=staged.output)
    staged >> judged >> asked >> promoted >> late
