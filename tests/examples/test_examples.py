"""Every example DAG imports fast and runs for real, on flights that really flew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from airflow_dataops.formats.suites import read_suite
from dags_examples.demo.story import STORY

SCENARIO = Path(__file__).with_name("scenario.py")
EXAMPLES = SCENARIO.parents[2] / "dags_examples"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def found(home: Path) -> dict[str, Any]:
    """Run the scenario once, in an Airflow home and a warehouse of its own."""
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "duckdb", "host": str(home / "warehouse.duckdb")}),
    }
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
        ["plain_dag_with_gate", "nyc_flights_release", "nyc_delay_report", "nyc_flights_rollback"]
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
    ],
)
def test_the_release_dags_run(found: dict[str, Any], run: str, state: str, tasks: dict[str, str]) -> None:
    assert found["runs"][run] == {"state": state, "tasks": tasks}, found["log"][-20_000:]


def test_after_the_rollback_readers_have_january_again(rows: Any) -> None:
    assert rows("SELECT count(*), max(month) FROM nyc.flights") == [(27_004, 1)]


def test_the_report_is_built_from_the_release_that_ref_names(rows: Any) -> None:
    assert rows("SELECT count(*), sum(flights), max(up_to_month) FROM reports.delays_by_airline") == [(16, 27_004, 1)]


def test_every_check_that_the_story_trips_says_what_to_do() -> None:
    advice = {check.label: check.advice for check in read_suite(EXAMPLES / "suites" / "flights.yaml")}
    tripped = {label for step in STORY.values() for _, label in step.missed}
    assert {label for label in tripped if not advice[label]} == set()
