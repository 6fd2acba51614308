"""Reports of usage."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_dataops.operators.usage import UsageReportOperator

with DAG("report_usage"):
    UsageReportOperator(
        task_id="report",
        retries=1,
        retry_delay=timedelta(0),
        datasets="{{ dag_run.conf.get('dataset', '') }}",
        window_days="{{ dag_run.conf.get('days', 92) }}",
        keep_days="{{ dag_run.conf.get('keep') }}",
    )
