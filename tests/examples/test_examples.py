"""Every example DAG imports fast and runs for real, on flights that really flew."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from airflow_dataops.formats.suites import read_suite
from airflow_dataops.publishers.files import live
from dags_examples.demo.story import STORY

SCENARIO = Path(__file__).with_name("scenario.py")
EXAMPLES = SCENARIO.parents[2] / "dags_examples"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


def lake_of(home: Path) -> dict[str, Any]:
    """Return an Iceberg catalogue as the fields of a connection."""
    extra = {"type": "sql", "warehouse": f"file://{home}/lake"}
    return {"host": f"sqlite:///{home}/lake.db", "extra": extra}


@pytest.fixture(scope="module")
def found(home: Path) -> dict[str, Any]:
    """Run the scenario once, in an Airflow home and a warehouse of its own."""
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "duckdb", "host": str(home / "warehouse.duckdb")}),
        "AIRFLOW_CONN_LAKE": json.dumps({"conn_type": "iceberg", **lake_of(home)}),
    }
    (home / "folder").mkdir()
    env["AIRFLOW_CONN_FOLDER"] = json.dumps({"conn_type": "fs", "extra": {"path": str(home / "folder")}})
    result = home / "found.json"
    for command in (["-m", "airflow", "db", "migrate"], [str(SCENARIO), str(result)]):
        done = subprocess.run([sys.executable, *command], env=env, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
    return {**json.loads(result.read_text()), "log": done.stdout + done.stderr}


@pytest.fixture(scope="module")
def rows(home: Path, found: dict[str, Any]) -> Any:
    """Return a function that asks the warehouse one question."""

    def ask(sql: str) -> Any:
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(sql).fetchall()

    return ask


def test_every_file_is_imported_within_a_second_and_loads_no_engine(found: dict[str, Any]) -> None:
    assert set(found["seconds"]) == {path.name for path in EXAMPLES.glob("*.py")}
    assert {name: taken for name, taken in found["seconds"].items() if taken > 1} == {}
    assert found["heavy"] == []


def test_every_example_dag_is_run(found: dict[str, Any]) -> None:
    assert found["dags"] == sorted(
        [
            "plain_dag_with_gate",
            "nyc_flights_release",
            "nyc_delay_report",
            "nyc_flights_rollback",
            "nyc_weather_approval",
            "nyc_flights_together",
            "nyc_weather_files",
            "daily_orders",
            # These wait for each other: tests/e2e/test_canary_on_airflow.py runs them on a running Airflow.
            "nyc_weather_canary",
            "nyc_windy_days",
            "nyc_weather_iceberg",
            # On PostgreSQL: test_usage_told.py runs them.
            "nyc_usage_release",
            "nyc_delays",
            "nyc_delay_mail",
            "nyc_routes",
            "nyc_usage_report",
        ]
    )


def test_the_gate_in_a_plain_dag_is_three_lines() -> None:
    lines = (EXAMPLES / "plain_dag_with_gate.py").read_text().splitlines()
    assert len([line for line in lines if line.endswith("# added")]) == 3
    without = "\n".join(line for line in lines if not line.endswith("# added"))
    compile(without, "plain_dag", "exec")
    assert "gate" not in without.split('"""', 2)[2].replace("plain_dag_with_gate", "").lower()


def test_the_plain_dag_runs_with_its_gate(found: dict[str, Any], rows: Any) -> None:
    assert found["runs"]["plain"] == {
        "state": "success",
        "tasks": {"load": "success", "gate": "success", "build": "success"},
    }
    assert rows("SELECT count(*), max(wind_speed) > 1000 FROM reports.daily_weather") == [(1092, True)]


@pytest.mark.parametrize(
    ("run", "state", "tasks"),
    [
        ("january", "success", {"land": "success", "stage": "success", "gate": "success", "promote": "success"}),
        ("report", "success", {"land_airlines": "success", "report": "success"}),
        (
            "bad_february",
            "failed",
            {"land": "success", "stage": "success", "gate": "failed", "promote": "upstream_failed"},
        ),
        ("february", "success", {"land": "success", "stage": "success", "gate": "success", "promote": "success"}),
        ("rollback", "success", {"rollback": "success"}),
        ("files", "success", dict.fromkeys(("land", "stage", "gate", "promote", "report"), "success")),
        (
            "approval",
            "success",
            dict.fromkeys(("land", "stage", "gate", "diff", "approve", "promote"), "success"),
        ),
    ],
)
def test_the_release_dags_run(found: dict[str, Any], run: str, state: str, tasks: dict[str, str]) -> None:
    assert found["runs"][run] == {"state": state, "tasks": tasks}, found["log"][-20_000:]


def test_an_existing_table_is_adopted_and_a_day_replaces_its_own_part(found: dict[str, Any], rows: Any) -> None:
    tasks = {"stage": "success", "gate": "success", "promote": "success"}
    for run in ("second_day", "second_day_again"):
        assert found["runs"][run] == {"state": "success", "tasks": tasks}, found["log"][-20_000:]
    assert rows("SELECT id, day::text FROM shop.orders ORDER BY id") == [(1, "2026-03-01"), (2, "2026-03-02")]
    assert rows("SELECT count(*) FROM shop.orders__r0") == [(1,)]
    assert rows("SELECT relation FROM shop.dataops_pointer") == [("shop.orders__r2",)]


def test_a_release_set_goes_live_together(found: dict[str, Any], rows: Any) -> None:
    tasks = ("land", "stage_flown", "stage_by_day", "gate_flown", "gate_by_day", "promote")
    assert found["runs"]["together"] == {"state": "success", "tasks": dict.fromkeys(tasks, "success")}, found["log"][
        -20_000:
    ]
    assert rows("SELECT count(*) FROM nyc.flown") == rows("SELECT sum(flights) FROM nyc.flown_by_day") == [(26_483,)]
    pointers = "SELECT dataset, release FROM nyc.dataops_pointer WHERE dataset LIKE 'nyc.flown%' ORDER BY dataset"
    assert rows(pointers) == [("nyc.flown", 1), ("nyc.flown_by_day", 1)]


def test_each_month_is_a_release_that_shares_the_files_of_the_months_it_keeps(
    found: dict[str, Any], home: Path
) -> None:
    from pyiceberg.catalog import load_catalog

    tasks = {"land": "success", "stage": "success", "gate": "success", "promote": "success"}
    for run in ("lake_january", "lake_february", "lake_february_again"):
        assert found["runs"][run] == {"state": "success", "tasks": tasks}, found["log"][-20_000:]
    fields = lake_of(home)
    with contextlib.closing(load_catalog("lake", uri=fields["host"], **fields["extra"])) as catalog:
        table = catalog.load_table("nyc_lake.weather")
    months = table.scan().to_arrow().group_by("month").aggregate([([], "count_all")]).sort_by("month")
    assert months.to_pydict() == {"month": [1, 2], "count_all": [2226, 2010]}
    of = [
        {
            task.file.file_path
            for task in table.scan(snapshot_id=table.refs()[f"dataops_r{release}"].snapshot_id).plan_files()
        }
        for release in (1, 2, 3)
    ]
    assert of[0] < of[1]
    assert of[0] < of[2]


def test_after_the_rollback_readers_have_january_again(rows: Any) -> None:
    assert rows("SELECT count(*), max(month) FROM nyc.flights") == [(27_004, 1)]


def test_the_report_is_built_from_the_release_that_ref_names(rows: Any) -> None:
    assert rows("SELECT count(*), sum(flights), max(up_to_month) FROM reports.delays_by_airline") == [(16, 27_004, 1)]


def test_the_release_in_files_is_the_folder_that_its_pointer_names(home: Path, found: dict[str, Any]) -> None:
    folder = home / "folder/folder.weather"
    assert live(folder) == str(folder / "r1")
    assert duckdb.sql(f"SELECT count(*) FROM '{live(folder)}/*.parquet'").fetchall() == [(26_115,)]
    assert not (home / "folder/incoming/weather").exists()


def test_every_check_that_the_story_trips_says_what_to_do() -> None:
    advice = {check.label: check.advice for check in read_suite(EXAMPLES / "suites" / "flights.yaml")}
    tripped = {label for step in STORY.values() for _, label in step.missed}
    assert {label for label in tripped if not advice[label]} == set()
