"""The operators' main job and their reruns, in Airflow."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runs import Airflow

from airflow_dataops.core.releases import Operation, ReleaseName
from airflow_dataops.core.usage import Access, Usage
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import promote, stage
from airflow_dataops.services.usage import hit_by, who_reads

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
    read = airflow.store.usage.uses()[0]
    assert (read.relation, read.consumer, read.dataset) == ("raw.flights", "read.after", None)


def test_usage_tells_who_read_which_release(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql="SELECT v FROM landed WHERE v < 3")
    reads = {(use.consumer, use.relation, use.release, use.source) for use in airflow.store.usage.uses()}
    assert reads == {
        ("life.stage", "landed", None, "sql"),
        ("life.stage", "nyc_flights__r1", 1, "ref"),
        ("life.after", "nyc_flights__r1", 1, "ref"),
    }
    written = airflow.store.usage.uses(access=Access.WRITE)
    assert [(use.consumer, use.name) for use in written] == [("life.stage", "nyc.flights")]
    hits = hit_by(airflow.store, "landed", datetime.now(UTC))
    assert [(hit.reader.consumer, hit.distance) for hit in hits] == [("life.stage", 1), ("life.after", 2)]


def test_a_task_that_reads_by_its_own_sql_is_a_consumer_too(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    assert airflow.run("reads_by_sql", day=1, sql="SELECT count(*) FROM nyc_flights JOIN landed").state == "success"
    landed, read = sorted(used(airflow), key=lambda use: use.relation)
    assert (read.dataset, read.release, read.relation, read.source) == ("nyc.flights", 1, "nyc_flights", "sql")
    assert (landed.dataset, landed.relation, landed.conn_id) == (None, "landed", "warehouse")


def used(airflow: Airflow) -> list[Usage]:
    return [use for use in airflow.store.usage.uses() if use.consumer == "reads_by_sql.query"]


def test_the_columns_that_a_tasks_sql_reads_and_what_it_writes_are_known_and_no_literal(airflow: Airflow) -> None:
    sql = "CREATE TABLE copy AS SELECT v FROM landed WHERE v <> 4711"
    airflow.run("reads_by_sql", day=1, sql=sql)
    assert {(use.relation, use.access, use.columns) for use in used(airflow)} == {
        ("landed", "read", ("v",)),
        ("copy", "write", ("*",)),
    }
    with airflow.store.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert "landed" in dump
    assert "4711" not in dump


def test_a_dag_that_is_scheduled_on_a_dataset_is_its_consumer(airflow: Airflow) -> None:
    airflow.run("life", day=1, sql=GOOD)
    assert airflow.run("waits_for_asset", day=1).state == "success"
    (reader,) = [each for each in who_reads(airflow.store, "nyc.flights") if each.dag_id == "waits_for_asset"]
    assert (reader.consumer, reader.release, reader.sources) == ("waits_for_asset.after", 1, ("schedule",))
    assert [use.relation for use in airflow.store.usage.uses() if use.dataset is None and use.source == "schedule"] == [
        "nyc.weather"
    ]


def test_what_else_hooks_tell_of_stands_in_nobodys_way(airflow: Airflow) -> None:
    from airflow.sdk.lineage import get_hook_lineage_collector

    get_hook_lineage_collector().add_extra(context=airflow, key="note", value="a text, and no SQL")
    airflow.run("reads_by_sql", day=1, sql="SELECT v FROM landed")
    assert [use.relation for use in used(airflow)] == ["landed"]


def test_sql_that_cannot_be_read_is_counted(airflow: Airflow) -> None:
    airflow.run("reads_by_sql", day=1, sql="PRAGMA table_info('landed')")
    airflow.run("reads_by_sql", day=2, sql="WITH x AS (SELECT 1), SELECT FROM")
    (known,) = airflow.store.usage.coverage(datetime.now(UTC).date()).values()
    assert (known.statements, known.unparsed) == (1, 0)  # a statement that failed is not told by the hook


def test_what_a_task_uses_while_the_store_is_away_is_stored_when_it_is_back(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = tmp_path / "away" / "dataops.db"
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(away)}))
        assert airflow.run("reads_by_sql", day=1, sql="SELECT v FROM landed").state == "success"
    assert used(airflow) == []
    assert airflow.run("reads_by_sql", day=2, sql="SELECT v FROM landed").state == "success"
    assert [use.events for use in used(airflow)] == [2]


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
    target = open_target("warehouse", airflow.store, "view")
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
