"""Diffs in the store, on SQLite and PostgreSQL: appended, found by release, and only by those who may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.diffs import Diff, KeyCounts, SampledKey
from airflow_dataops.core.errors import ReleaseNotFound
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Dataset, Operation, ReleaseName, TaskKey
from airflow_dataops.stores.store import Store

NOW = datetime(2013, 1, 1, tzinfo=UTC)
ORDERS = Dataset(name="s.orders", conn_id="w", publisher="view", target="s.orders", reader="s.orders")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return Store.open(f"sqlite:///{tmp_path}/store.db", create=True)
    url = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    return Store.open(url, create=True)


def op(dag_id: str | None = "d") -> Operation:
    return Operation(op_id="diff", by="tests", now=NOW, key=TaskKey(dag_id=dag_id, run_id="r", task_id="diff"))


def test_diffs_are_appended_and_found_newest_first(store: Store) -> None:
    store.releases.bind(ORDERS, NOW)
    release = store.releases.begin("s.orders", lambda number: Relation(name=f"r{number}"), op(), interval_end=None)
    found = Diff(
        release=release.name,
        base=0,
        fingerprint="f",
        rows=2,
        base_rows=1,
        key=("id",),
        keys=KeyCounts(added=1, removed=0, changed=0, same=1),
        samples=(SampledKey(event="added", values=("ä\x00", 2**70, None)),),
    )
    first = store.diffs.add(found, op())
    second = store.diffs.add(replace(found, refused=("no",)), op(None))
    assert (first.diff, first.at, first.key.dag_id) == (found, NOW, "d")
    assert store.diffs.of(release.name) == [second, first]
    assert store.diffs.of(release.name, dag_ids=["d"]) == [first]
    assert store.diffs.of(release.name, limit=1) == [second]
    assert store.diffs.get(second.id) == second
    assert store.diffs.get(second.id + 1) is None


def test_a_diff_of_no_release_is_refused(store: Store) -> None:
    name = ReleaseName(dataset="s.orders", number=1)
    with pytest.raises(ReleaseNotFound):
        store.diffs.add(Diff(release=name, base=None, fingerprint="f", rows=0), op())
    with pytest.raises(ReleaseNotFound):
        store.diffs.of(name)
