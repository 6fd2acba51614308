"""What is live of every dataset, and what gates say of it, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from airflow_dataops.core.graph import Live
from airflow_dataops.core.releases import Dataset, Operation
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.stores.live import live_now
from airflow_dataops.stores.store import Store
from tests.ui import seed

MINUTE = timedelta(minutes=1)
HOTELS = Dataset(name="nyc.hotels", conn_id="warehouse", publisher="view", target="nyc.hotels", reader="nyc.hotels")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path}/dataops.db", create=True)
    url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    return Store.open(url, create=True)


def test_after_a_rollback_it_is_the_earlier_release_since_then(store: Store) -> None:
    seed.story(store)
    assert live_now(store) == {
        "nyc.flights": Live(
            number=3,
            since=seed.START + timedelta(days=2, minutes=49),
            verdict=Verdict.WARN,
            judged_at=seed.START + timedelta(days=1, minutes=41),
        )
    }


def test_the_verdict_is_the_worst_of_each_gates_newest_run_and_shadows_do_not_count(store: Store) -> None:
    release = seed.staged(store, HOTELS, seed.START, "r", "f")
    seed.switched(store, release, seed.START + MINUTE, "r", epoch=1)
    assert live_now(store)["nyc.hotels"].verdict is None
    good, bad = seed.good(10, number=1), seed.bad(1)
    late = seed.good(10, number=1, mean=10.8)
    for minute, (result, task, mode) in enumerate(
        [(bad, "gate", "fail"), (good, "gate", "fail"), (late, "other", "fail"), (bad, "try", "shadow")], start=2
    ):
        seed.gated(store, result, seed.START + minute * MINUTE, seed.key(task, "r"), release.name, on_fail=mode)
    found = live_now(store, dataset="nyc.hotels")["nyc.hotels"]
    assert (found.verdict, found.judged_at) == (Verdict.WARN, seed.START + 4 * MINUTE)


def test_a_note_on_a_live_release_does_not_make_it_fresher(store: Store) -> None:
    release = seed.staged(store, HOTELS, seed.START, "r", "f")
    seed.switched(store, release, seed.START + MINUTE, "r", epoch=1)
    store.releases.note(release.name, "override freeze", Operation(op_id="n", by="x", now=seed.START + 9 * MINUTE))
    assert live_now(store)["nyc.hotels"].since == seed.START + MINUTE


def test_only_what_the_dags_asked_for_have_staged_and_judged(store: Store) -> None:
    seed.story(store)
    hotels = seed.staged(store, HOTELS, seed.START, "r", "f", dag_id="hotels_release")
    seed.gated(store, seed.bad(1), seed.START, seed.key("gate", "r", dag_id="audit"), hotels.name)
    seed.switched(store, hotels, seed.START + MINUTE, "r", epoch=1)
    found = live_now(store, dag_ids={"hotels_release"})
    assert set(found) == {"nyc.hotels"}
    assert found["nyc.hotels"].verdict is None
    assert live_now(store, dag_ids={"hotels_release", "audit"})["nyc.hotels"].verdict is Verdict.FAIL
    assert live_now(store, dag_ids=set()) == {}
    assert [each.name for each in store.releases.datasets(dag_ids={"hotels_release"})] == ["nyc.hotels"]
    assert [each.name for each in store.releases.datasets()] == ["nyc.flights", "nyc.hotels"]
