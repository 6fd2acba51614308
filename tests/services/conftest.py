"""A target for the services, in each database, each real; a test may ask for ``pointer_view``, or for ``files``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from story import Story
from warehouses import Lake, Warehouse, lake

from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target
from airflow_dataops.stores.store import Store


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """A target in each database whose DDL is part of a transaction, or in those that a module asks for."""
    if request.param in ("sqlite", "duckdb"):
        connector = Warehouse(request.param, f"{tmp_path}/warehouse")
    elif request.param == "iceberg":
        connector = lake(tmp_path / "lake")
    elif request.param == "mysql":
        connector = Warehouse("mysql", request.getfixturevalue("mysql_url").render_as_string(hide_password=False))
    elif request.param == "files":
        (tmp_path / "lake").mkdir()
        connector = Lake(where=f"{tmp_path}/lake")
    else:
        publisher = "view" if request.param == "postgres" else request.param
        connector = Warehouse("postgres", request.getfixturevalue("postgres_url"), publisher=publisher)
    return Target(
        store=Store.open(f"sqlite:///{tmp_path}/store.db", create=True),
        publisher=publisher_for(connector, connector.publisher),
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
