"""DAGs of release sets: two datasets that go live, or back, together; what they do comes from the run's conf."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, RollbackReleaseOperator, StageReleaseOperator

RETRIED = {"retries": 1, "retry_delay": timedelta(0)}
CRITICAL = [{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}]


def die_once(context: Any, result: Any) -> None:
    """Fail after the switch, before Airflow has recorded the success, where the run asks for it."""
    if context["ti"].try_number == 1 and context["dag_run"].conf.get("die"):
        raise RuntimeError("the worker is gone")


with DAG("together", default_args=RETRIED):
    names = []
    promote = PromoteReleaseOperator(task_id="promote", release=[], post_execute=die_once)
    for name in ("flights", "daily"):
        staged = StageReleaseOperator(
            task_id=f"stage_{name}",
            dataset=f"nyc.{name}",
            conn_id="warehouse",
            sql=f"SELECT {{{{ dag_run.conf['{name}'] }}}} AS v",
        )
        gate = GateOperator(task_id=f"gate_{name}", release=staged.output, suite=CRITICAL)
        staged >> gate >> promote
        names.append(staged.output)
    promote.release = names

with DAG("mapped_together"):
    staged = StageReleaseOperator.partial(task_id="stage", conn_id="warehouse", sql="SELECT 1 AS v").expand(
        dataset=["nyc.flights", "nyc.daily"]
    )
    gate = GateOperator.partial(task_id="gate", suite=CRITICAL).expand(release=staged.output)
    gate >> PromoteReleaseOperator(task_id="promote", release=staged.output)

with DAG("back_together", default_args=RETRIED):
    RollbackReleaseOperator(
        task_id="rollback", dataset=["nyc.flights", "nyc.daily"], reason="bad", emit=True, post_execute=die_once
    )

with DAG("back_together_to"):
    RollbackReleaseOperator(task_id="rollback", dataset=["nyc.flights"], reason="bad", to="nyc.flights@r1")
