"""Gate runs in short and the history of checks, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from airflow_dataops.core.releases import ReleaseName, TaskKey
from airflow_dataops.core.verdicts import Outcome, Verdict
from airflow_dataops.stores.store import Store
from tests.ui import seed


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Make an empty store."""
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path}/dataops.db", create=True)
    url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    return Store.open(url, create=True)


def test_summaries_count_outcomes_and_name_what_does_not_hold(store: Store) -> None:
    runs = seed.story(store)
    newest_first = store.gates.summaries()
    assert [run.id for run in newest_first] == sorted(runs.values(), reverse=True)
    broken = next(run for run in newest_first if run.id == runs["broken"])
    assert broken.verdict is Verdict.FAIL
    assert broken.counts == {Outcome.FAIL: 3, Outcome.WARN: 1, Outcome.PASS: 2}
    assert broken.missed == (seed.DISTANCE.label, seed.TAIL.label, seed.UNIQUE.label)
    assert broken.release == ReleaseName(dataset="nyc.flights", number=2)
    assert broken.gate == "flights_release.gate"


def test_summaries_are_filtered_and_paged(store: Store) -> None:
    runs = seed.story(store)
    outside = seed.gated(store, seed.bad(), seed.START, TaskKey())

    def found(**where: object) -> list[int]:
        return [run.id for run in store.gates.summaries(**where)]  # type: ignore[arg-type]

    assert found(verdict=Verdict.WARN) == [runs["repaired"]]
    assert found(release=ReleaseName(dataset="nyc.flights", number=4)) == [runs["march"]]
    assert found(dataset="nyc.hotels") == []
    assert found(dag_id="flights_release", limit=1) == [runs["march"]]
    assert found(before=runs["repaired"]) == [runs["broken"], runs["january"]]
    assert outside in found()
    assert outside not in found(dag_ids={"flights_release"})
    assert found(dag_ids=set()) == []


def test_facets_are_those_of_the_dags_asked_for(store: Store) -> None:
    seed.story(store)
    seed.gated(store, seed.bad(), seed.START, seed.key("gate", "r", dag_id="hotels_release"))
    assert store.gates.facets() == (["flights_release", "hotels_release"], ["nyc.flights"])
    assert store.gates.facets(dag_ids={"hotels_release"}) == (["hotels_release"], [])


def test_history_is_the_same_gates_up_to_the_run_oldest_first(store: Store) -> None:
    runs = seed.story(store)
    for task, index in (("other", -1), ("gate", 0)):
        seed.gated(store, seed.bad(), seed.START, seed.key(task, "r", map_index=index))
    repaired = store.gates.get(runs["repaired"])
    assert repaired is not None
    marks = store.gates.history(repaired)[seed.DISTANCE.id]
    assert [mark.outcome for mark in marks] == [Outcome.PASS, Outcome.FAIL, Outcome.PASS]
    assert [mark.gate_run for mark in marks] == [runs["january"], runs["broken"], runs["repaired"]]
    assert marks[1].message.startswith("4,113 of 25,951 values")
    assert [m.gate_run for m in store.gates.history(repaired, limit=2)[seed.DISTANCE.id]] == [
        runs["broken"],
        runs["repaired"],
    ]


def test_history_outside_of_airflow_is_the_suites(store: Store) -> None:
    for minute in range(3):
        at = seed.START + timedelta(minutes=minute)
        number = seed.gated(store, seed.bad(), at, TaskKey())
        seed.gated(store, seed.bad(), at, seed.key("gate", f"r{minute}"))
    run = store.gates.get(number)
    assert run is not None
    assert len(store.gates.history(run)[seed.TAIL.id]) == 3


def test_releases_of_some_dags_leave_out_the_others(store: Store) -> None:
    seed.story(store)
    assert len(store.releases.of("nyc.flights", dag_ids={"flights_release"})) == 4
    assert store.releases.of("nyc.flights", dag_ids={"hotels_release"}) == []
