"""What was found bad stops tasks of other DAGs that are about to read it, where that is wanted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from runs import Airflow, Run

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import Operation, ReleaseName
from airflow_dataops.core.stops import STOP_FOR
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import promote, stage
from airflow_dataops.services.usage import resume, stop_of

FIRST, SECOND = "SELECT 1 AS v", "SELECT 2 AS v"
BAD = "SELECT 99 AS v"


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATAOPS__STOP_READERS", "other.* nyc.flights, landed")


def rolled_back(airflow: Airflow) -> None:
    """Two releases, read by plain SQL; then the second is rolled back."""
    airflow.run("life", day=1, sql=FIRST)
    airflow.run("life", day=2, sql=SECOND)
    assert airflow.run("reads_by_plain_sql", day=1).state == "success"
    assert airflow.run("roll_back", day=3, reason="bad upstream").state == "success"


def test_off_by_default(airflow: Airflow) -> None:
    rolled_back(airflow)
    for dag in ("reads_by_ref", "reads_by_plain_sql", "waits_for_flights"):
        assert airflow.run(dag, day=4).state == "success", dag


@pytest.mark.usefixtures("policy")
def test_after_a_roll_back_readers_stop_until_a_new_release_is_live(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    rolled_back(airflow)
    for dag in ("reads_by_ref", "reads_by_plain_sql", "waits_for_flights"):
        capfd.readouterr()
        assert stopped(airflow.run(dag, day=4)), dag
        said = capfd.readouterr().out
        assert "Stopped before it reads nyc.flights: nyc.flights@r2 was rolled back by roll_back." in said, dag
        assert ": bad upstream (" in said
        assert "Stopped until a new release is live, but no longer than" in said
    # The DAG that builds it goes on, its own readers too, and with it the others.
    assert airflow.run("life", day=5, sql="SELECT 3 AS v").state == "success"
    for dag in ("reads_by_ref", "reads_by_plain_sql", "waits_for_flights"):
        assert airflow.run(dag, day=4).state == "success", dag


def stopped(run: Run) -> bool:
    """Return whether the one task failed without a retry."""
    return (run.state, set(run.tasks.values()), set(run.tries.values())) == ("failed", {"failed"}, {1})


def test_a_tagged_dag_is_stopped_for_all_that_it_reads(airflow: Airflow) -> None:
    rolled_back(airflow)
    assert stopped(airflow.run("tagged_reads_by_ref", day=4))
    assert airflow.run("reads_by_ref", day=4).state == "success"


@pytest.mark.usefixtures("policy")
def test_it_is_lifted_by_a_person_with_a_reason(airflow: Airflow) -> None:
    rolled_back(airflow)
    now = datetime.now(UTC)
    assert "bad upstream" in resume(airflow.store, "nyc.flights", by="cli:ann", reason="checked by hand", now=now).why
    assert airflow.run("reads_by_ref", day=4).state == "success"
    with pytest.raises(ConfigurationError, match=r"Nothing stops the readers of 'nyc\.flights'"):
        resume(airflow.store, "nyc.flights", by="cli:ann", reason="again", now=now)


def test_it_ends_by_itself(airflow: Airflow) -> None:
    rolled_back(airflow)
    stop = stop_of(airflow.store, "nyc.flights", datetime.now(UTC))
    assert stop is not None
    assert stop_of(airflow.store, "nyc.flights", stop.until - timedelta(seconds=1)) == stop
    assert stop_of(airflow.store, "nyc.flights", stop.since + STOP_FOR) is None


@pytest.mark.usefixtures("policy")
def test_a_candidate_that_fails_stops_nobody(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=FIRST)
    assert airflow.run("life", day=2, sql=BAD).tasks["gate"] == "failed"
    assert airflow.run("reads_by_ref", day=4).state == "success"
    assert str(airflow.store.releases.get(ReleaseName(dataset="nyc.flights", number=2)).state) == "CANDIDATE"


@pytest.mark.usefixtures("policy")
def test_a_table_that_fails_in_place_stops_its_readers_until_its_gate_passes(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    assert airflow.run("reads_landed", day=1).state == "success"
    airflow.sql("INSERT INTO landed VALUES (99, 'c')")
    run = airflow.run("watches", day=1, table="landed")
    assert run.tasks == {"gate": "failed", "mend": "success"}  # the gate's own DAG mends
    capfd.readouterr()
    assert stopped(airflow.run("reads_landed", day=2))
    said = capfd.readouterr().out
    assert "Stopped before it reads landed: gate watches.gate FAILED for table landed (" in said
    assert "Stopped until watches.gate passes, but no longer than" in said
    assert airflow.run("watches", day=2, table="landed").state == "success"
    assert airflow.run("reads_landed", day=2).state == "success"


@pytest.mark.usefixtures("policy")
def test_a_dataset_that_fails_in_place_stops_its_readers_until_a_new_release_is_live(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    airflow.run("life", day=1, sql=FIRST)
    promoted(airflow, BAD)
    assert airflow.run("reads_by_ref", day=1).state == "success"
    assert airflow.run("watches", day=1, table="nyc_flights").tasks["gate"] == "failed"
    capfd.readouterr()
    assert stopped(airflow.run("reads_by_ref", day=2))
    assert "Stopped until watches.gate passes, or a new release is live" in capfd.readouterr().out
    assert airflow.run("life", day=3, sql=SECOND).state == "success"
    assert airflow.run("reads_by_ref", day=2).state == "success"


@pytest.mark.usefixtures("policy")
def test_a_live_release_that_fails_stops_its_readers(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=FIRST)
    live = promoted(airflow, BAD)
    result = airflow.run("judges", day=1, release=live)
    assert result.tasks == {"gate": "failed"}
    assert stopped(airflow.run("reads_by_ref", day=2))


def promoted(airflow: Airflow, sql: str) -> str:
    """Make a release live by hand, without a gate."""
    target = open_target("warehouse", airflow.store, "view")
    op = Operation(op_id=sql, by="ann", now=datetime.now(UTC))
    release = stage(target, "nyc.flights", op, sql=sql)
    promote(target, release.name, replace(op, op_id="promote by hand"), required=[], ungated="a test")
    return str(release)


@pytest.mark.usefixtures("policy")
def test_a_task_whose_store_is_away_is_not_stopped(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    rolled_back(airflow)
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps({"conn_type": "sqlite", "host": "/nowhere/store.db"}))
    assert airflow.run("reads_by_plain_sql", day=4).state == "success"
