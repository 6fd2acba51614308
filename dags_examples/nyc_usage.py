"""Who reads what, on PostgreSQL: two datasets, three DAGs that read in three ways, and nobody who reads the aircraft.

None of the readers says that it is watched, nor does a script outside of Airflow (``demo/delay_board.py``): what the
database itself knows of that one is harvested. What is known in the end: ``airflow dataops usage report``.
"""

from __future__ import annotations

import csv
import io
import zipfile

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import DAG, Asset, Param, get_current_context, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import PromoteReleaseOperator, StageReleaseOperator
from airflow_dataops.operators.usage import HarvestUsageOperator, UsageReportOperator

CONN_ID = "nyc_postgres"

with DAG(
    "nyc_usage_release",
    params={"month": Param(1, type="integer", minimum=1, maximum=12, description="the month of 2013 that has arrived")},
    doc_md=__doc__,
) as release:

    @task
    def land() -> None:
        """Load the delivered month's flights, and the aircraft, into ``raw``."""
        from airflow.providers.postgres.hooks.postgres import PostgresHook
        from demo.flights import data_file

        month = get_current_context()["params"]["month"]
        with zipfile.ZipFile(data_file("flights.csv.zip")) as delivered, delivered.open("flights.csv") as file:
            rows = [row for row in csv.DictReader(io.TextIOWrapper(file)) if int(row["month"]) == month]
        flights = ("year", "month", "day", "carrier", "flight", "tailnum", "origin", "dest", "dep_delay", "distance")
        with data_file("planes.csv").open() as file:
            planes = [(row["tailnum"], row["manufacturer"], row["seats"]) for row in csv.DictReader(file)]
        hook = PostgresHook(CONN_ID)
        hook.run(
            """
            CREATE SCHEMA IF NOT EXISTS raw;
            CREATE TABLE IF NOT EXISTS raw.flights (year int, month int, day int, carrier text, flight int,
                tailnum text, origin text, dest text, dep_delay int, distance int);
            CREATE TABLE IF NOT EXISTS raw.planes (tailnum text, manufacturer text, seats int);
            TRUNCATE raw.planes;
            """,
            split_statements=True,
        )
        hook.run("DELETE FROM raw.flights WHERE month = %s", parameters=(month,))
        for table, columns, lines in (
            ("raw.flights", flights, [[row[name] for name in flights] for row in rows]),
            ("raw.planes", ("tailnum", "manufacturer", "seats"), planes),
        ):
            found = [[None if value in ("", "NA") else value for value in line] for line in lines]
            hook.insert_rows(table, found, target_fields=list(columns), fast_executemany=True, commit_every=10_000)

    flights = StageReleaseOperator(
        task_id="stage_flights", dataset="nyc.flights", conn_id=CONN_ID, sql="SELECT * FROM raw.flights"
    )
    planes = StageReleaseOperator(
        task_id="stage_planes", dataset="nyc.planes", conn_id=CONN_ID, sql="SELECT tailnum, seats FROM raw.planes"
    )
    gate = GateOperator(
        task_id="gate",
        release=flights.output,
        suite=[{"type": "expect_column_values_to_be_between", "column": "distance", "min_value": 17}],
    )
    land() >> [flights, planes]
    flights >> gate >> PromoteReleaseOperator(task_id="promote_flights", release=flights.output)
    planes >> PromoteReleaseOperator(task_id="promote_planes", release=planes.output, ungated="a list of the makers'")

with DAG("nyc_delays", schedule=[Asset("nyc.flights")]) as delays:  # by ref: exact
    SQLExecuteQueryOperator(
        task_id="build",
        conn_id=CONN_ID,
        sql="""
            CREATE SCHEMA IF NOT EXISTS mart;
            DROP TABLE IF EXISTS mart.delays;
            CREATE TABLE mart.delays AS
            SELECT carrier, round(avg(dep_delay), 1) AS mean_delay
            FROM {{ macros.dataops.ref("nyc.flights") }}
            GROUP BY carrier
        """,
        split_statements=True,
    )

with DAG("nyc_delay_mail") as mail:  # what is built from it

    @task
    def write_mail() -> str:
        """Tell of the airlines that are late."""
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        late = PostgresHook(CONN_ID).get_records("SELECT d.carrier FROM mart.delays AS d WHERE d.mean_delay > 10")
        return f"{len(late)} airlines were late."

    write_mail()

with DAG("nyc_routes") as routes:  # by the name that all readers use
    SQLExecuteQueryOperator(
        task_id="build",
        conn_id=CONN_ID,
        sql="""
            CREATE SCHEMA IF NOT EXISTS features;
            DROP TABLE IF EXISTS features.routes;
            CREATE TABLE features.routes AS SELECT origin, dest, count(*) AS flights FROM nyc.flights GROUP BY 1, 2
        """,
        split_statements=True,
    )

with DAG(
    "nyc_usage_report",
    schedule="@daily",
    params={"days": Param(92, type="number", description="how far back reads count")},
) as report:
    harvest = HarvestUsageOperator(task_id="harvest", conn_id=CONN_ID)  # who reads outside of Airflow
    told = UsageReportOperator(task_id="report", window_days="{{ params.days }}")

    @task
    def send(report: dict[str, str]) -> None:
        """Send it where your people look; here it is printed."""
        print(report["markdown"])

    harvest >> told >> send(told.output)
