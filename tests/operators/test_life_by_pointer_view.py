"""A dataset chooses its publisher at its first stage, and every task and command behind it keeps to that."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from runs import Airflow

from airflow_dataops.hooks.targets import target_of


@pytest.fixture
def ask(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Define the connection ``shop``, and ask its database in one transaction that is never ended."""
    import psycopg

    url = urlsplit(postgres_url)
    place = {"host": parse_qs(url.query)["host"][0], "login": url.username, "schema": url.path[1:]}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "postgres", **place}))
    with contextlib.closing(psycopg.connect(postgres_url)) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def test_stage_promote_and_roll_back_while_a_reader_reads(
    airflow: Airflow, ask: Callable[[str], list[tuple[Any, ...]]], capfd: pytest.CaptureFixture[str]
) -> None:
    for v in (1, 2):
        assert set(airflow.run("life_by_pointer_view", day=v, v=v).tasks.values()) == {"success"}
    assert airflow.store.releases.dataset("nyc.flights").publisher == "pointer_view"
    assert target_of(airflow.store, "nyc.flights").publisher.name == "pointer_view"
    assert ask("SELECT v FROM nyc.flights") == [(2,)]  # from now on this transaction holds the view
    assert airflow.run("back_by_pointer_view", day=3).state == "success"
    assert ask("SELECT v FROM nyc.flights") == [(1,)]

    capfd.readouterr()
    assert airflow.run("life_by_pointer_view", day=4, v=3, publisher="view").tasks["stage"] == "failed"
    assert "Dataset nyc.flights is bound to publisher='pointer_view', not 'view'" in capfd.readouterr().out
    assert airflow.run("life_by_pointer_view", day=5, v=3, publisher="viewer").tasks["stage"] == "failed"
    assert (
        "There is no publisher 'viewer': expected one of files, iceberg, pointer_view, view." in capfd.readouterr().out
    )
    assert ask("SELECT v FROM nyc.flights") == [(1,)]


def test_on_another_database_it_is_refused(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    assert airflow.run("life_by_pointer_view", v=1, conn_id="warehouse").tasks["stage"] == "failed"
    said = "publisher='pointer_view' is for postgres alone, and connection 'warehouse' is a sqlite database"
    assert said in capfd.readouterr().out
    assert airflow.store.releases.datasets() == []
