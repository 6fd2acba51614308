"""Gives the readers of ``nyc.flights`` the release before the live one back, at once. Run it by hand with a reason."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from airflow_dataops.operators.release import RollbackReleaseOperator

with DAG(
    "nyc_flights_rollback",
    schedule=None,
    max_active_runs=1,
    params={"reason": Param("", type="string", minLength=3, description="why; kept with the release for good")},
    doc_md=__doc__,
) as dag:
    RollbackReleaseOperator(task_id="rollback", dataset="nyc.flights", reason="{{ params.reason }}")
