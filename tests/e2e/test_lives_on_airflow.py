"""Clears, backfills, retries and mapped tasks on a running Airflow do what a release's life promises."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.stores.store import Store
from dags_examples.demo.airflow_process import FINISHED, AirflowFailed, RunningAirflow

DAGS = Path(__file__).parent / "dags"
PATIENCE = 240


@dataclass
class Lives:
    """A running Airflow, and what its store and its warehouse say."""

    airflow: RunningAirflow
    warehouse: Path
    store: Store

    def run(self, dag_id: str, **body: Any) -> str:
        """Run the DAG once and return the run's id."""
        self.airflow.unpause(dag_id)
        started = self.airflow.call("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None, **body})
        run_id = str(started["dag_run_id"])
        assert self.airflow.wait(dag_id, run_id, timeout=PATIENCE) == "success", self.airflow.tasks(dag_id, run_id)
        return run_id

    def clear(self, dag_id: str, run_id: str, *tasks: str) -> str:
        """Clear some tasks of a run, or all, and return the state that the run ends in."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
        self.airflow.call(
            "POST", f"dags/{dag_id}/clearTaskInstances", {**body, **({"task_ids": tasks} if tasks else {})}
        )
        return self.airflow.wait(dag_id, run_id, timeout=PATIENCE)

    def live(self, name: str) -> tuple[ReleaseName, str]:
        """Return the live release of ``life.<name>`` and the run that readers' rows are of."""
        found = self.store.releases.live(f"life.{name}")
        assert found is not None
        connection = sqlite3.connect(self.warehouse)
        ((run,),) = connection.execute(f"SELECT run FROM life_{name}").fetchall()
        connection.close()
        return found.name, run

    def told(self, name: str, times: int) -> None:
        """See that the asset has started the reading DAG so many times, and not once more."""
        reader = f"reader_of_{name}"
        self.until(lambda: len(self.airflow.run_ids(reader)) >= times)
        time.sleep(3)
        assert len(self.airflow.run_ids(reader)) == times

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "gave up"
            time.sleep(0.5)

    def log(self, dag_id: str, run_id: str, try_number: int) -> str:
        """Return a try's log whole, with what was raised."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/promote/logs/{try_number}?full_content=true"
        return json.dumps(self.airflow.call("GET", path)["content"])


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    home = tmp_path_factory.mktemp("lives")
    warehouse = home / "warehouse.db"
    env = {"AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(warehouse)})}
    with RunningAirflow(home / "airflow", dags=DAGS, expect=["life_cleared", "reader_of_two"], env=env) as airflow:
        for name in ("cleared", "backfilled", "killed", "one", "two"):
            airflow.unpause(f"reader_of_{name}")
        yield Lives(airflow, warehouse, Store.open(f"sqlite:///{airflow.home}/dataops.db", create=True))


def test_a_cleared_promotion_changes_nothing_or_says_why(lives: Lives) -> None:
    dag, (first, second) = "life_cleared", (lives.run("life_cleared"), lives.run("life_cleared"))
    newest = ReleaseName(dataset="life.cleared", number=2)
    assert lives.clear(dag, first, "promote") == "success"
    assert "life.cleared@r1 was live, and life.cleared@r2 has gone live since. Nothing changed." in lives.log(
        dag, first, 2
    )
    assert lives.live("cleared") == (newest, second)
    lives.airflow.cli("dataops", "release", "rollback", "life.cleared", "--reason", "a test takes it back")
    assert lives.live("cleared") == (ReleaseName(dataset="life.cleared", number=1), first)
    assert lives.clear(dag, second, "promote") == "failed"
    assert "life.cleared@r2 was rolled back" in lives.log(dag, second, 2)
    assert lives.airflow.tasks(dag, second)["promote"] == "failed"
    assert lives.live("cleared")[1] == first
    assert lives.clear(dag, second) == "success"  # the whole run: it builds anew, is judged anew, and goes live
    assert lives.live("cleared") == (ReleaseName(dataset="life.cleared", number=3), second)
    lives.told("cleared", 3)


def test_a_backfill_of_an_older_interval_does_not_replace_a_newer_one(lives: Lives) -> None:
    dag = "life_backfilled"
    newest = lives.run(dag, logical_date="2026-03-10T00:00:00Z")
    known = set(lives.airflow.run_ids(dag))
    live = lives.live("backfilled")
    assert live[1] == newest
    asked = {
        "dag_id": dag,
        "from_date": "2026-03-01T00:00:00Z",
        "to_date": "2026-03-02T00:00:00Z",
        "run_backwards": False,
        "dag_run_conf": {},
        "reprocess_behavior": "none",
        "max_active_runs": 1,
    }

    def begun() -> bool:
        try:
            lives.airflow.call("POST", "backfills", asked)
        except AirflowFailed as error:  # its SQLite is busy just now
            if "Database is locked" not in str(error):
                raise
            return False
        return True

    lives.until(begun)

    def filled() -> list[str]:
        return [run for run in lives.airflow.run_ids(dag) if run not in known and "backfill" in run]

    def ended() -> bool:
        states = [lives.airflow.call("GET", f"dags/{dag}/dagRuns/{run}")["state"] for run in filled()]
        return len(states) == 2 and all(state in FINISHED for state in states)

    lives.until(ended)
    for run in filled():
        assert set(lives.airflow.tasks(dag, run).values()) == {"success"}
        assert "is older than" in lives.log(dag, run, 1)
    assert lives.live("backfilled") == live
    lives.told("backfilled", 1)


def test_a_promotion_that_is_killed_when_it_has_switched_is_retried_and_told_once(lives: Lives) -> None:
    run = lives.run("life_killed")
    assert "life.killed@r1 is live: an earlier try has switched it." in lives.log("life_killed", run, 2)
    assert [e["action"] for e in lives.store.releases.events(lives.live("killed")[0])].count("promote") == 1
    lives.told("killed", 1)


def test_mapped_tasks_each_have_their_own_release_and_a_rerun_leaves_the_same(lives: Lives) -> None:
    run = lives.run("life_mapped")
    for times in (1, 2):
        for name in ("one", "two"):
            assert lives.live(name) == (ReleaseName(dataset=f"life.{name}", number=times), run)
            states = [str(r.state) for r in lives.store.releases.of(f"life.{name}")]
            assert states == ["LIVE", *["SUPERSEDED"] * (times - 1)]
            lives.told(name, times)
        if times == 1:
            assert lives.clear("life_mapped", run) == "success"
