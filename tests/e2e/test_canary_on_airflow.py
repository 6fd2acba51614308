"""A canary on a running Airflow: one consumer reads the release first, and what comes of its run decides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import duckdb
import pytest

from airflow_dataops.core.readers import readers
from airflow_dataops.core.releases import Release, ReleaseName, State
from airflow_dataops.stores.store import Store

if TYPE_CHECKING:
    from dags_examples.demo.airflow_process import RunningAirflow
    from tests.conftest import DemoAirflow

RELEASE, CONSUMER = "nyc_weather_canary", "nyc_windy_days"
PATIENCE = 240


def canary(airflow: RunningAirflow, store: Store) -> tuple[str, ReleaseName]:
    """Start a run, and return when its release is a canary."""
    run_id = airflow.trigger(RELEASE)
    end = time.monotonic() + PATIENCE
    while (found := _newest(store)) is None or found.key.run_id != run_id or found.state is not State.CANARY:
        tasks = airflow.tasks(RELEASE, run_id)
        assert time.monotonic() < end, f"gave up: {tasks}, {airflow.log(RELEASE, run_id, 'canary')[-3000:]}"
        time.sleep(0.5)
    return run_id, found.name


def _newest(store: Store) -> Release | None:
    return next(iter(store.releases.of("nyc.daily_wind", limit=1)), None)


@pytest.fixture
def store(demo_airflow: DemoAirflow) -> Store:
    return Store.open(f"sqlite:///{demo_airflow.airflow.home}/dataops.db")


def history(store: Store, name: ReleaseName) -> list[str]:
    """Return what has happened to a release, once its news is out: listeners hear of a success after it counts."""
    end = time.monotonic() + 30
    while True:
        actions = [event["action"] for event in store.releases.events(name)]
        if "announced" in actions or time.monotonic() > end:
            return actions
        time.sleep(0.2)


def test_a_run_that_reads_it_and_succeeds_lets_it_go_live(demo_airflow: DemoAirflow, store: Store) -> None:
    airflow = demo_airflow.airflow
    run_id, name = canary(airflow, store)
    consumer = airflow.trigger(CONSUMER)
    assert airflow.wait(CONSUMER, consumer, timeout=PATIENCE) == "success"
    assert airflow.wait(RELEASE, run_id, timeout=PATIENCE) == "success"
    assert history(store, name) == ["stage", "built", "canary", "promote", "announced"]
    (read,) = readers(store.usage.readers(name.dataset, name.number))
    assert read.consumer == f"{CONSUMER}.count"
    assert read.first_read < store.releases.events(name)[-2]["at"], "it was read before it was live"
    with duckdb.connect(str(demo_airflow.warehouse), read_only=True) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM nyc.daily_wind").fetchall()[0][0] > 1_000


def test_a_run_that_reads_it_and_fails_takes_it_back(demo_airflow: DemoAirflow, store: Store) -> None:
    airflow = demo_airflow.airflow
    live = store.releases.live("nyc.daily_wind")
    run_id, name = canary(airflow, store)
    consumer = airflow.trigger(CONSUMER, {"fail": True})
    assert airflow.wait(CONSUMER, consumer, timeout=PATIENCE) == "failed"
    assert airflow.wait(RELEASE, run_id, timeout=PATIENCE) == "failed"
    tasks = airflow.tasks(RELEASE, run_id)
    assert (tasks["canary"], tasks["promote"]) == ("failed", "upstream_failed")
    assert store.releases.get(name).state is State.ROLLED_BACK
    assert store.releases.live("nyc.daily_wind") == live
    last = store.releases.events(name)[-1]
    assert last["reason"] == f"a DAG run that read it failed: {CONSUMER} {consumer}"
    assert "ROLLED_BACK" in airflow.cli("dataops", "release", "list", "--dataset", "nyc.daily_wind")
