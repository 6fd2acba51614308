"""Weather lands month by month in an Iceberg table: a release is a tag, and shares the files of the months it keeps.

Spark and Trino read ``nyc_lake.weather`` as ever, and get a new month only when its gate lets it through. Run it by
hand: ``{"month": 2}``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator

with DAG(
    "nyc_weather_iceberg",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=2)},
    params={"month": Param(1, type="integer", minimum=1, maximum=12, description="the month of 2013 that has arrived")},
    doc_md=__doc__,
) as dag:

    @task
    def land() -> str:
        """Return where the delivered file is."""
        from demo.flights import data_file

        return str(data_file("weather.csv"))

    landed = land()
    stage = StageReleaseOperator(
        task_id="stage",
        dataset="nyc_lake.weather",
        conn_id="lake",
        publisher="iceberg",
        sql="SELECT * FROM read_csv('{{ ti.xcom_pull(\"land\") }}', nullstr = 'NA') WHERE month = {{ params.month }}",
        replace_where="month = {{ params.month }}",
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/weather.yaml")
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)

    landed >> stage >> gate >> promote
