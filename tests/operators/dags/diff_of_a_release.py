"""DAGs that compare a candidate with what is live; what they do comes from the run's conf."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_dataops.operators.release import DiffReleaseOperator, PromoteReleaseOperator, StageReleaseOperator

RETRIED = {"retries": 1, "retry_delay": timedelta(0)}


def stage() -> StageReleaseOperator:
    return StageReleaseOperator(
        task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="{{ dag_run.conf['sql'] }}"
    )


with DAG("diffed", default_args=RETRIED):
    staged = stage()
    compared = DiffReleaseOperator(
        task_id="diff",
        release=staged.output,
        key="{{ dag_run.conf.get('key', 'v') }}",
        fail_on=["{{ dag_run.conf.get('fail_on', 'breaking_schema') }}"],
        max_changed="{{ dag_run.conf.get('max_changed', 1) }}",
        samples=2,
    )
    staged >> compared >> PromoteReleaseOperator(task_id="promote", release=compared.output, ungated="a test")

with DAG("diff_alone", default_args=RETRIED):
    DiffReleaseOperator(task_id="diff", release="{{ dag_run.conf['release'] }}")

with DAG("diffed_mapped"):
    staged = StageReleaseOperator.partial(task_id="stage", conn_id="warehouse", sql="SELECT 1 AS v").expand(
        dataset=["nyc.flights", "nyc.weather"]
    )
    DiffReleaseOperator.partial(task_id="diff", key=["v"]).expand(release=staged.output)
