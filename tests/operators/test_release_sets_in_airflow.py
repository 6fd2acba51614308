"""Release sets in Airflow: an asset event for each member, retries, clears, and a mapped stage's list."""

from __future__ import annotations

import pytest
from runs import Airflow
from test_life import events


def test_a_set_goes_live_together_and_each_dataset_tells_its_news(airflow: Airflow) -> None:
    before = len(events("together"))
    run = airflow.run("together", day=1, flights=1, daily=2)
    assert run.state == "success"
    assert run.xcom("promote") == ["nyc.flights@r1", "nyc.daily@r1"]
    told = [(e["name"], e["extra"]["release"]) for e in events("together")[before:]]
    assert sorted(told) == [("nyc.daily", "nyc.daily@r1"), ("nyc.flights", "nyc.flights@r1")]
    assert airflow.sql("SELECT flights.v, daily.v FROM nyc_flights AS flights, nyc_daily AS daily") == [(1, 2)]


def test_a_bad_member_keeps_the_other_back_too(airflow: Airflow) -> None:
    assert airflow.run("together", day=1, flights=1, daily=1).state == "success"
    run = airflow.run("together", day=2, flights=2, daily=50)
    assert (run.tasks["gate_daily"], run.tasks["promote"]) == ("failed", "upstream_failed")
    assert airflow.sql("SELECT flights.v, daily.v FROM nyc_flights AS flights, nyc_daily AS daily") == [(1, 1)]


def test_a_try_that_dies_after_the_switch_is_announced_once_for_each_by_its_retry(airflow: Airflow) -> None:
    before = len(events("together"))
    run = airflow.run("together", day=1, flights=1, daily=1, die=True)
    assert (run.state, run.tries["promote"]) == ("success", 2)
    assert sorted(str(e["name"]) for e in events("together")[before:]) == ["nyc.daily", "nyc.flights"]
    for name in ("nyc.flights", "nyc.daily"):
        (release,) = airflow.store.releases.of(name)
        actions = [event["action"] for event in airflow.store.releases.events(release.name)]
        assert actions == ["stage", "built", "promote", "announced"]


def test_a_mapped_stages_list_is_a_set(airflow: Airflow) -> None:
    run = airflow.run("mapped_together", day=1)
    assert run.state == "success"
    assert run.xcom("promote") == ["nyc.flights@r1", "nyc.daily@r1"]
    assert airflow.states() == {"nyc.flights@r1": "LIVE", "nyc.daily@r1": "LIVE"}


def test_a_set_goes_back_together_and_tells_each_once(airflow: Airflow) -> None:
    for day, value in ((1, 1), (2, 2)):
        assert airflow.run("together", day=day, flights=value, daily=value).state == "success"
    before = len(events("back_together"))
    run = airflow.run("back_together", day=3, die=True)
    assert run.state == "success"
    told = {(e["name"], e["extra"]["release"], e["extra"]["rolled_back"]) for e in events("back_together")[before:]}
    assert told == {(f"nyc.{name}", f"nyc.{name}@r1", f"nyc.{name}@r2") for name in ("flights", "daily")}
    assert len(events("back_together")) == before + 2
    assert airflow.sql("SELECT flights.v, daily.v FROM nyc_flights AS flights, nyc_daily AS daily") == [(1, 1)]
    assert run.xcom("rollback") == ["nyc.flights@r1", "nyc.daily@r1"]


def test_where_to_go_back_to_is_not_said_for_a_set(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    assert airflow.run("back_together_to").tasks["rollback"] == "failed"
    assert "is for one dataset, and dataset= is a list" in capfd.readouterr().out
