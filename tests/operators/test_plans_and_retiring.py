"""Dry runs, freezes, roll-backs that tell, and retiring, in Airflow."""

from __future__ import annotations

import pytest
from runs import Airflow
from test_life import GOOD, NEXT, events

from airflow_dataops.core.releases import ReleaseName

R1, R2 = (ReleaseName(dataset="nyc.flights", number=number) for number in (1, 2))


def actions(airflow: Airflow, name: ReleaseName) -> list[str]:
    return [event["action"] for event in airflow.store.releases.events(name)]


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    airflow: Airflow, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    airflow.run("life", day=1, sql=GOOD)
    before = len(events("rehearse"))
    assert airflow.run("rehearse", day=2, sql="SELECT 2 AS other, 2 AS v").state == "success"
    for line in (
        "Plan: promote nyc.flights@r2",
        "1. reconcile nyc.flights: nothing is stranded",
        "2. gate rehearse.gate stands behind it",
        "3. point nyc_flights from nyc_flights__r1 (nyc.flights@r1) to nyc_flights__r2 (nyc.flights@r2)",
        "4. emit the asset event of nyc.flights",
        "preflight, note: columns added: other",
    ):
        assert line in caplog.text
    assert "Dry run: nothing was changed." in capfd.readouterr().out
    assert airflow.states() == {"nyc.flights@r1": "LIVE", "nyc.flights@r2": "CANDIDATE"}
    assert airflow.sql("SELECT * FROM nyc_flights") == [(1,)]
    assert events("rehearse")[before:] == []


def test_a_dry_run_fails_as_the_promotion_would(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    airflow.run("life", day=1, sql=GOOD)
    airflow.sql("CREATE VIEW report AS SELECT v FROM nyc_flights")
    assert airflow.run("rehearse", day=2, sql="SELECT 2 AS v").tasks["promote"] == "success"
    airflow.sql("DROP TABLE nyc_flights__r2")
    assert airflow.run("rehearse_roll_back", day=3).tasks["rollback"] == "failed"
    assert "nothing that was live before it can go live again" in capfd.readouterr().out


def test_no_promotion_in_a_freeze_window_unless_overridden(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__DATAOPS__FREEZE_WINDOWS", "2020-01-01/2100-01-01 Europe/Berlin")
    frozen = airflow.run("life", day=1, sql=GOOD)
    assert (frozen.tasks["promote"], frozen.tries["promote"]) == ("failed", 1)  # waiting for a retry does not help
    assert "the freeze window 2020-01-01/2100-01-01 Europe/Berlin holds" in capfd.readouterr().out
    assert airflow.states() == {"nyc.flights@r1": "CANDIDATE"}
    assert airflow.run("hotfix", day=2, sql=NEXT).tasks["promote"] == "success"
    assert actions(airflow, R2) == ["stage", "built", "override freeze", "promote", "announced"]
    monkeypatch.setenv("AIRFLOW__DATAOPS__FREEZE_WINDOWS", "now and then")
    assert airflow.run("hotfix", day=3, sql=GOOD).tasks["promote"] == "failed"
    assert "'now and then' is no window" in capfd.readouterr().out


def test_a_roll_back_tells_once_what_was_built_from_the_bad_release(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    airflow.run("life", day=2, sql=NEXT)
    before = len(events("roll_back_and_tell"))
    run = airflow.run("roll_back_and_tell", day=3)
    assert (run.tasks["rollback"], run.tries["rollback"]) == ("success", 2)  # the first try was killed after its switch
    assert events("roll_back_and_tell")[before:] == [
        {
            "name": "nyc.flights",
            "extra": {"release": str(R1), "rolled_back": str(R2), "built_from": ["life.after"]},
        }
    ]
    assert actions(airflow, R1)[-1] == "announced"
    airflow.run("roll_back_and_tell", day=3)  # cleared
    assert len(events("roll_back_and_tell")[before:]) == 1
    assert airflow.states() == {str(R1): "LIVE", str(R2): "ROLLED_BACK"}


def test_retire_drops_what_nobody_needs_and_says_why_the_rest_stays(
    airflow: Airflow, caplog: pytest.LogCaptureFixture
) -> None:
    for day, sql in enumerate((GOOD, NEXT, "SELECT 3 AS v"), start=1):
        airflow.run("life", day=day, sql=sql)
    kept = airflow.run("retire", day=4, keep=1, read_within=7)
    assert kept.xcom("retire") == []
    assert "keep nyc.flights@r1 (SUPERSEDED): it was read" in caplog.text
    assert "keep nyc.flights@r2 (SUPERSEDED): a roll-back would go to it" in caplog.text
    assert airflow.run("rehearse_retire", day=5, keep=1).xcom("retire") == [str(R1)]
    assert airflow.states()[str(R1)] == "SUPERSEDED"
    assert airflow.run("retire", day=6, keep=1).xcom("retire") == [str(R1)]
    assert airflow.states()[str(R1)] == "RETIRED"
    assert airflow.sql("SELECT name FROM sqlite_master WHERE name = 'nyc_flights__r1'") == []
    (*_, event) = airflow.store.releases.events(R1)
    assert event["reason"] == "space of 2013-01-06"
    assert airflow.run("retire", day=6, keep=1).xcom("retire") == []  # cleared: there is nothing more
    assert airflow.run("read", day=1, name="nyc.flights").xcom("after") == "nyc_flights__r3"


def test_what_a_running_dag_run_is_pinned_to_stays_however_long_it_runs(
    airflow: Airflow, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    from airflow_dataops.hooks.dag_runs import runs_in_database

    reading = airflow.run("life", day=1, sql=GOOD)
    for day, sql in enumerate((NEXT, "SELECT 3 AS v"), start=2):
        airflow.run("life", day=day, sql=sql)

    def set_state(state: str) -> None:
        with create_session() as session:
            where = (DagRun.dag_id == "life", DagRun.run_id == reading.run_id)
            session.execute(update(DagRun).where(*where).values(state=state))

    set_state("running")
    assert runs_in_database("life", ["another", reading.run_id])
    assert not runs_in_database("life", ["another"])
    assert airflow.run("retire", day=4, keep=1).xcom("retire") == []
    assert "keep nyc.flights@r1 (SUPERSEDED): DAG runs are pinned to it: life (still running)" in caplog.text
    set_state("success")
    assert airflow.run("retire", day=5, keep=1).xcom("retire") == [str(R1)]


def test_what_is_no_number_of_releases_fails_in_the_task(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    airflow.run("life", day=1, sql=GOOD)
    assert airflow.run("retire", day=2, keep="few").tasks["retire"] == "failed"
    assert "keep='few' is no number that counts: expected 0 or more, such as 30" in capfd.readouterr().out
