"""Releases on Iceberg tables in the pages: the timeline, a plan, and what a button does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.releases import Operation, TaskKey
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import Target, diff, promote, stage
from airflow_dataops.stores.store import Store
from tests.ui.conftest import Login

NAME = "nyc.flights"
HERE = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def target(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A catalogue with two releases of a table, the second live."""
    extra = {"type": "sql", "warehouse": f"file://{tmp_path}/lake"}
    connection = {"conn_type": "iceberg", "host": f"sqlite:///{tmp_path}/lake.db", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))
    opened = open_target("lake", store, "iceberg")
    for v in (1, 2):
        op = _op(f"stage {v}")
        release = stage(opened, NAME, op, sql=f"SELECT {v} AS v")
        diff(opened, release.name, op, key=["v"])
        promote(opened, release.name, _op(f"promote {v}"), required=[], ungated="a test")
    return opened


def _op(name: str) -> Operation:
    key = TaskKey(dag_id="flights_release", run_id=name, task_id="stage", try_number=1)
    return Operation(op_id=name, by="flights_release.stage", now=datetime.now(UTC), key=key)


def test_a_roll_back_is_planned_and_done(login: Login, target: Target) -> None:
    ada = login("ada", "user")
    assert "nyc.flights@r2" in ada.get("releases").text
    assert "nyc.flights.tag_dataops_r2" in ada.get(f"releases/{NAME}/2").text
    asked = ada.get(f"releases/{NAME}/2/rollback").text
    plan = "point nyc.flights from nyc.flights.tag_dataops_r2 (nyc.flights@r2) to nyc.flights.tag_dataops_r1"
    assert plan in asked
    found = re.search(r'name="op_id" value="([0-9a-f]{32})"', asked)
    assert found
    form = {"reason": "kilometres", "op_id": found[1]}
    assert ada.post(f"releases/{NAME}/2/rollback", data=form, headers=HERE).status_code == 200
    with target.connector.open(read_only=True) as db:
        assert db.execute("SELECT v FROM nyc.flights") == [(1,)]
