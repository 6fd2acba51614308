"""The operators' main job and their reruns, in Airflow."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runs import Airflow

from airflow_dataops.core.releases import Operation, ReleaseName
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import promote, stage

GOOD, NEXT = "SELECT 1 AS v", "SELECT 2 AS v"


def events(dag_id: str) -> list[dict[str, object]]:
    """Return the asset events that a DAG has emitted, oldest first."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(AssetEvent).where(AssetEvent.source_dag_id == dag_id).order_by(AssetEvent.id)
        return [{"name": e.asset.name, "extra": e.extra} for e in session.scalars(query)]


def test_stage_gate_promote_read_roll_back(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    before = len(events("life"))
    assert airflow.run("life", day=1, sql=GOOD).state == "success"
    second = airflow.run("life", day=2, sql=NEXT)
    assert second.xcom("after") == "nyc_flights__r2"
    told = events("life")[before:]
    assert [(e["name"], e["extra"]["release"]) for e in told] == [
        ("nyc.flights", "nyc.flights@r1"),
        ("nyc.flights", "nyc.flights@r2"),
    ]
    assert airflow.run("roll_back", day=3, reason="bad upstream").state == "success"
    assert airflow.sql("SELECT * FROM nyc_flights") == [(1,)]
    assert "life.after" in capfd.readouterr().out.split("Already built from it:")[1]
    history = airflow.store.releases.events(ReleaseName(dataset="nyc.flights", number=2))
    assert [e["action"] for e in history] == ["stage", "built", "promote", "announced", "rollback"]
    assert history[-1]["reason"] == "bad upstream"


def test_a_cleared_run_stages_anew_and_reads_what_it_pinned(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    again = airflow.run("life", day=1, sql=GOOD)
    assert airflow.states() == {"nyc.flights@r2": "LIVE", "nyc.flights@r1": "SUPERSEDED"}
    assert again.xcom("after") == "nyc_flights__r1"  # a clear keeps the pinned release


def test_a_cleared_reader_of_a_rolled_back_release_reads_what_is_live(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    airflow.run("life", day=2, sql=NEXT)
    assert airflow.run("read", day=3, name="nyc.flights").xcom("after") == "nyc_flights__r2"
    airflow.run("roll_back", day=4, reason="bad")
    assert airflow.run("read", day=3, name="nyc.flights").xcom("after") == "nyc_flights__r1"


def test_a_name_that_is_no_dataset_is_returned_and_its_use_logged(airflow: Airflow) -> None:
    assert airflow.run("read", name="raw.flights").xcom("after") == "raw.flights"
    read = airflow.store.usage.readers()[0]
    assert (read["relation"], read["consumer"], read["dataset"]) == ("raw.flights", "read.after", None)


def test_usage_tells_who_read_which_release(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql="SELECT v FROM landed WHERE v < 3")
    reads = {(r["consumer"], r["relation"], r["release"], r["source"]) for r in airflow.store.usage.readers()}
    assert reads == {("life.stage", "landed", None, "sql"), ("life.after", "nyc_flights__r1", 1, "ref")}


def test_a_task_that_reads_by_its_own_sql_is_a_consumer_too(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    assert airflow.run("reads_by_sql", day=1, sql="SELECT count(*) FROM nyc_flights JOIN landed").state == "success"
    (read,) = [r for r in airflow.store.usage.readers() if r["consumer"] == "reads_by_sql.query"]
    assert (read["dataset"], read["release"], read["relation"], read["source"]) == (
        "nyc.flights",
        1,
        "nyc_flights",
        "sql",
    )
    airflow.run("reads_by_sql", day=2, sql="SELECT * FROM landed")
    assert len([r for r in airflow.store.usage.readers() if r["consumer"] == "reads_by_sql.query"]) == 1


def test_mapped_tasks_carry_each_its_release(airflow: Airflow) -> None:
    before = len(events("mapped"))
    run = airflow.run("mapped", day=1)
    assert set(run.tasks.values()) == {"success"}
    assert airflow.states() == {"nyc.flights@r1": "LIVE", "nyc.weather@r1": "LIVE"}
    assert {e["name"] for e in events("mapped")[before:]} == {"nyc.flights", "nyc.weather"}


def test_a_mapped_stage_read_by_an_unmapped_gate_says_how_to_wire_it(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    assert airflow.run("mapped_wrongly").tasks["gate"] == "failed"
    assert ".partial(…).expand(release=stage.output)" in capfd.readouterr().out


def test_the_sensor_waits_for_a_release_that_is_new_to_its_dag(airflow: Airflow) -> None:
    assert airflow.run("wait", day=1).tasks["wait"] == "failed"  # timed out: nothing is live
    airflow.run("life", day=1, sql=GOOD)
    first = airflow.run("wait", day=2)
    assert (first.xcom("wait"), first.xcom("after")) == ("nyc.flights@r1", "nyc_flights__r1")
    assert airflow.run("wait", day=3).tasks["wait"] == "failed"  # an earlier run has read it
    airflow.run("life", day=4, sql=NEXT)
    assert airflow.run("wait", day=4).xcom("after") == "nyc_flights__r2"


def test_a_deferred_sensor_waits_in_the_triggerer_until_there_is_one(airflow: Airflow) -> None:
    from airflow_dataops.triggers.release import ReleaseTrigger

    trigger = ReleaseTrigger(dataset="nyc.flights", dag_id="wait_deferred", run_id="r", poll_seconds=0.1)
    path, arguments = trigger.serialize()
    assert path == "airflow_dataops.triggers.release.ReleaseTrigger"
    assert ReleaseTrigger(**arguments).serialize() == (path, arguments)
    later = threading.Timer(3, promote_by_hand, [airflow])
    later.start()
    run = airflow.run("wait_deferred", day=1)
    later.join()
    assert (run.xcom("wait"), run.xcom("after")) == ("nyc.flights@r1", "nyc_flights__r1")


def promote_by_hand(airflow: Airflow) -> None:
    """Make a release live while a DAG waits for it, as another Airflow task would."""
    target = open_target("warehouse", airflow.store)
    op = Operation(op_id="by hand", by="tests", now=datetime.now(UTC))
    release = stage(target, "nyc.flights", op, sql=GOOD)
    promote(target, release.name, replace(op, op_id="promote by hand"), required=[], ungated="a test")


def test_a_sensor_returns_what_it_waited_for_though_the_run_read_another_before(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    airflow.run("wait", day=1)
    airflow.run("life", day=2, sql=NEXT)
    airflow.run("roll_back", day=3, reason="bad")
    assert airflow.run("wait", day=4).tasks["wait"] == "failed"  # r1 was read by an earlier run, before r2


def test_the_news_of_a_switch_is_told_once_though_its_first_try_died(airflow: Airflow) -> None:
    before = len(events("lost_news"))
    run = airflow.run("lost_news", day=1, sql=GOOD)
    assert (run.tasks["promote"], run.tries["promote"]) == ("success", 2)
    assert [e["name"] for e in events("lost_news")[before:]] == ["nyc.flights"]
    history = airflow.store.releases.events(ReleaseName(dataset="nyc.flights", number=1))
    assert [e["action"] for e in history].count("announced") == 1


def test_a_gated_function_hands_its_frame_to_what_is_not_blocked(airflow: Airflow) -> None:
    run = airflow.run("taskflow_block", value=50)
    assert run.tasks == {"frame": "success", "free": "success", "blocked": "skipped"}
    assert (run.xcom("free"), run.xcom("frame", "gate")["verdict"]) == (1, "FAIL")


def test_a_gated_function_passes_its_frame_on_or_stops(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    good = airflow.run("taskflow", value=3)
    log = capfd.readouterr().out
    assert "Done. Returned value not shown" in log  # of the frame: data is not for the log
    assert log.count("Returned value was") == 1  # of the task behind it
    assert good.xcom("total") == 3
    assert good.xcom("frame", "gate")["verdict"] == "PASS"
    bad = airflow.run("taskflow", value=50)
    assert bad.tasks == {"frame": "failed", "total": "upstream_failed"}


def test_files_are_judged(airflow: Airflow, tmp_path: Path) -> None:
    (tmp_path / "part.csv").write_text("v\n1\n50\n")
    assert airflow.run("files", path=f"{tmp_path}/*.csv").tasks["gate"] == "failed"
    (tmp_path / "part.csv").write_text("v\n1\n5\n")
    assert airflow.run("files", path=f"{tmp_path}/*.csv").tasks["gate"] == "success"
