"""Who reads outside of Airflow, as a real PostgreSQL tells: its counters of statements and tables, and its log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from counting import Counting, counting_server
from runs import Airflow

from airflow_dataops.services.usage import is_still_used, who_reads

RELEASE = "nyc.flights__r1"


@pytest.fixture(scope="module")
def server() -> Iterator[Counting]:
    with counting_server() as running:
        running.run(
            "postgres",
            "CREATE ROLE airflow LOGIN SUPERUSER",
            "CREATE ROLE script LOGIN IN ROLE pg_read_all_data",
            "CREATE ROLE ana LOGIN IN ROLE pg_read_all_data",
            "CREATE ROLE monitoring LOGIN IN ROLE pg_read_all_data",
            "CREATE TABLE prices AS SELECT 1 AS id, 2 AS price",
        )
        yield running


@pytest.fixture
def shop(server: Counting, airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Put the warehouse there, with one live release, and begin its counters anew."""
    place = {"conn_type": "postgres", "host": str(server.folder), "schema": "shop", "login": "airflow"}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(place))
    server.run("postgres", "DROP SCHEMA IF EXISTS nyc CASCADE", "CREATE SCHEMA nyc")
    server.run("postgres", "DROP TABLE IF EXISTS public.dataops_pointer, public.dataops_switch CASCADE")
    server.run("postgres", "SELECT pg_stat_statements_reset()", "SELECT pg_stat_reset()")
    assert airflow.run("life", sql="SELECT 1 AS v").state == "success"
    return server


def harvest(airflow: Airflow, **conf: Any) -> dict[str, Any]:
    """Run the operator; return what came of each record."""
    run = airflow.run("harvest", **conf)
    assert run.state == "success"
    return {each["record"]: each for each in run.xcom("harvest")}


def typed(*words: str) -> None:
    """Type a command."""
    from airflow.cli.cli_parser import get_parser

    args = get_parser().parse_args(["dataops", *words])
    args.func(args)


def readers(airflow: Airflow) -> dict[tuple[str, str], tuple[int | None, int]]:
    """Return who reads what, with the release and how often, beside the DAG ``life``."""
    found = [reader for reader in who_reads(airflow.store) if reader.dag_id != "life"]
    return {(reader.consumer, reader.name): (reader.release, reader.reads) for reader in found}


def test_readers_outside_of_airflow_are_told_exactly_and_once(
    shop: Counting, airflow: Airflow, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.run("script", *["SELECT v FROM nyc.flights WHERE v = 1"] * 3, f"SELECT count(*) FROM {RELEASE}")
    shop.run("ana", "SELECT price FROM prices WHERE id = 7", application="psql")
    shop.run("monitoring", "SELECT * FROM nyc.flights")
    shop.run("ana", "SELECT v, v + 1 FROM nyc.flights /*application='shop',route='checkout'*/")
    assert airflow.run("reads").state == "success"
    harvest(airflow)
    truth = {
        ("script", "nyc.flights"): (1, 4),
        ("ana", "prices"): (None, 1),
        ("shop checkout", "nyc.flights"): (1, 1),
        ("reads.report", "nyc.flights"): (1, 1),
    }
    assert readers(airflow) == truth
    again = harvest(airflow)
    assert readers(airflow) == truth
    assert {each["uses"] for each in again.values()} == {0}
    used = {each.name: each for each in is_still_used(airflow.store, datetime.now(UTC), dataset="nyc.flights")}
    assert used["nyc.flights"].standing == "used"
    assert f"PostgreSQL counters (warehouse) since {datetime.now(UTC):%Y-%m-%d}" in used["nyc.flights"].why
    (script,) = [reader for reader in who_reads(airflow.store) if (reader.consumer, reader.release) == ("script", 1)]
    assert (script.sources, script.confidence) == (("pg_stat_statements",), "parsed")
    capsys.readouterr()
    typed("usage", "report", "--dataset", "nyc.flights", "--output", "json")
    told = {row["consumer"]: row["times"] for row in json.loads(capsys.readouterr().out)}
    assert told == {"script": 4, "shop checkout": 1, "reads.report": 1, "life.after": 1}
    typed("usage", "harvest", "warehouse", "--output", "json")
    assert [row["uses"] for row in json.loads(capsys.readouterr().out)] == [0, 0]


def test_our_own_gate_and_a_task_are_no_readers_beside_what_they_told(shop: Counting, airflow: Airflow) -> None:
    assert airflow.run("reads").state == "success"
    found = harvest(airflow)
    assert readers(airflow) == {("reads.report", "nyc.flights"): (1, 1)}
    assert found["pg_stat_user_tables"]["uses"] == 0
    marked = shop.run("postgres", "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%/* airflow-dataops */'")
    assert marked[0][0] > 10


def test_counters_that_begin_anew_and_a_restart_lose_and_double_nothing(shop: Counting, airflow: Airflow) -> None:
    read = "SELECT v FROM nyc.flights"
    shop.run("script", read, read)
    first = harvest(airflow)["pg_stat_statements"]
    shop.run("script", read)
    shop.restart()
    shop.run("script", read)
    harvest(airflow)
    assert readers(airflow)["script", "nyc.flights"] == (1, 4)
    shop.run("postgres", "SELECT pg_stat_statements_reset()")
    shop.run("script", read)
    shop.run("ana", read)
    last = harvest(airflow)["pg_stat_statements"]
    assert readers(airflow)["script", "nyc.flights"] == (1, 5)
    assert readers(airflow)["ana", "nyc.flights"] == (1, 1)
    assert last["since"] > first["since"]


def test_scans_that_nobody_explains_are_an_unknown_readers(shop: Counting, airflow: Airflow) -> None:
    harvest(airflow)
    shop.run("postgres", "ALTER ROLE script SET pg_stat_statements.track = 'none'")
    shop.run("script", "SELECT v FROM nyc.flights")
    shop.run("postgres", "ALTER ROLE script RESET pg_stat_statements.track")
    harvest(airflow)
    assert readers(airflow) == {("unknown reader of warehouse", "nyc.flights"): (1, 1)}
    harvest(airflow)
    assert readers(airflow) == {("unknown reader of warehouse", "nyc.flights"): (1, 1)}


def test_what_cannot_be_harvested_says_what_to_do_and_counts_nothing(
    shop: Counting, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"conn_type": "postgres", "host": str(shop.folder), "schema": "shop", "login": "monitoring"}
    monkeypatch.setenv("AIRFLOW_CONN_BLIND", json.dumps(place))
    with pytest.raises(SystemExit, match=r"monitoring sees no other role's statements .* GRANT pg_read_all_stats"):
        typed("usage", "harvest", "blind")
    place |= {"schema": "postgres", "login": "airflow"}
    monkeypatch.setenv("AIRFLOW_CONN_BARE", json.dumps(place))
    with pytest.raises(SystemExit, match=r"not in this database: .* CREATE EXTENSION pg_stat_statements"):
        typed("usage", "harvest", "bare")
    with pytest.raises(SystemExit, match=r"No log is at '/nowhere/x\.csv' on this machine"):
        typed("usage", "harvest", "warehouse", "--log", "/nowhere/x.csv")
    with pytest.raises(SystemExit, match="a database of postgres has log, pg_stat_statements, pg_stat_user_tables"):
        typed("usage", "harvest", "warehouse", "--source", "jobs")
    assert airflow.store.harvests.all() == []
    assert airflow.run("harvest", conn_id="bare").tries["harvest"] == 1


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_a_server_log_tells_who_by_application_and_when(shop: Counting, airflow: Airflow, suffix: str) -> None:
    log = str(shop.folder / "log" / f"server.{suffix}")
    shop.run("script", "SELECT v FROM nyc.flights\nWHERE v = 1 AND 'a \"quote\"' <> ''", application="nightly")
    before = datetime.now(UTC)
    harvest(airflow, log_path=log)
    assert readers(airflow)["nightly (script)", "nyc.flights"][0] == 1
    (reader,) = [each for each in who_reads(airflow.store) if each.consumer == "nightly (script)"]
    assert 0 <= (before - reader.last_read).total_seconds() < 60
    assert reader.columns == ("v",)
    told = readers(airflow)
    assert harvest(airflow, log_path=log)["log"]["uses"] == 0
    assert readers(airflow) == told
