"""DAGs of dry runs, freezes, roll-backs that tell, and retiring; what they do comes from the run's conf."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    PromoteReleaseOperator,
    RetireReleasesOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)

RETRIED = {"retries": 1, "retry_delay": timedelta(0)}
CRITICAL = [{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}]

for name, options in (("rehearse", {"dry_run": True}), ("hotfix", {"override_freeze": True, "reason": "hotfix"})):
    with DAG(name):
        staged = StageReleaseOperator(
            task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="{{ dag_run.conf['sql'] }}"
        )
        gate = GateOperator(task_id="gate", release=staged.output, suite=CRITICAL)
        staged >> gate >> PromoteReleaseOperator(task_id="promote", release=staged.output, **options)

with DAG("rehearse_roll_back"):
    RollbackReleaseOperator(task_id="rollback", dataset="nyc.flights", reason="a rehearsal", emit=True, dry_run=True)

with DAG("roll_back_and_tell", default_args=RETRIED):

    def die_once(context: Any, result: Any) -> None:
        """Fail after the switch, before Airflow has recorded the success."""
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker is gone")

    RollbackReleaseOperator(task_id="rollback", dataset="nyc.flights", reason="bad", emit=True, post_execute=die_once)

for name, dry_run in (("retire", False), ("rehearse_retire", True)):
    with DAG(name):
        RetireReleasesOperator(
            task_id="retire",
            dataset="nyc.flights",
            keep="{{ dag_run.conf['keep'] }}",
            read_within="{{ dag_run.conf.get('read_within', 0) }}",
            rollback_window=0,
            reason="space of {{ ds }}",
            dry_run=dry_run,
        )
