"""Releases whose runs are cleared, backfilled, killed and mapped; each dataset has a DAG that its asset starts."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

RETRIED = {"retries": 2, "retry_delay": timedelta(seconds=1)}
SUITE = [{"type": "expect_column_values_to_not_be_null", "column": "run"}]
SQL = "SELECT '{{ run_id }}' AS run"


class KilledOnce(PromoteReleaseOperator):
    """Dies with its first try when the switch is done, before Airflow hears of it."""

    def execute(self, context: Context) -> Any:
        result = super().execute(context)
        if context["ti"].try_number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


PROMOTE = {"cleared": PromoteReleaseOperator, "backfilled": PromoteReleaseOperator, "killed": KilledOnce}

for name, promotes in PROMOTE.items():
    with DAG(
        f"life_{name}",
        schedule="@daily" if name == "backfilled" else None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        end_date=datetime(2026, 3, 31, tzinfo=UTC),
        catchup=False,
        default_args=RETRIED,
    ):
        stage = StageReleaseOperator(task_id="stage", dataset=f"life.{name}", conn_id="warehouse", sql=SQL)
        gate = GateOperator(task_id="gate", release=stage.output, suite=SUITE)
        promote = promotes(task_id="promote", release=stage.output)
        stage >> gate >> promote

with DAG("life_mapped", schedule=None, default_args=RETRIED):
    staged = StageReleaseOperator.partial(task_id="stage", conn_id="warehouse", sql=SQL).expand(
        dataset=["life.one", "life.two"]
    )
    judged = GateOperator.partial(task_id="gate", suite=SUITE).expand(release=staged.output)
    promoted = PromoteReleaseOperator.partial(task_id="promote").expand(release=staged.output)
    staged >> judged >> promoted

for name in (*PROMOTE, "one", "two"):
    with DAG(f"reader_of_{name}", schedule=[Asset(f"life.{name}")]):
        EmptyOperator(task_id="read")
