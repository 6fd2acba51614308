"""A target for the services, in each database, each real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from story import Story
from warehouses import Warehouse

from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target
from airflow_dataops.stores.store import Store


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """A target in each database, remembered by the SQLite store."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"{tmp_path}/warehouse"
    connector = Warehouse(request.param, url)
    return Target(
        store=Store.open(f"sqlite:///{tmp_path}/store.db", create=True),
        publisher=publisher_for(connector),
        connector=connector,
        fingerprint=fingerprint,
    )


@pytest.fixture
def story(target: Target) -> Iterator[Story]:
    yield Story(target)
    live = [r for r in target.store.releases.of("nyc.flights") if r.state == "LIVE"]
    pointer = target.publisher.pointer("nyc.flights", "nyc.flights")
    if pointer.release is not None:
        assert [r.number for r in live] == [pointer.release], "store and target disagree on what is live"
    assert not target.store.switches.intents("nyc.flights"), "an intent was left behind"
