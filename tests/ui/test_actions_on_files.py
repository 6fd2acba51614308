"""The pages' buttons on releases that are folders."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.releases import Operation, TaskKey
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.publishers.files import live
from airflow_dataops.services.releasing import promote, stage
from airflow_dataops.stores.store import Store
from tests.ui.conftest import Login

HERE = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


def test_the_plan_names_the_folders_and_a_roll_back_moves_the_pointer(
    login: Login, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps({"conn_type": "fs", "extra": {"path": str(lake)}}))
    target = open_target("lake", store, "files")
    for number in (1, 2):
        key = TaskKey(dag_id="flights_release", run_id=str(number), task_id="stage", try_number=1)
        op = Operation(op_id=f"stage {number}", by="flights_release.stage", now=datetime.now(UTC), key=key)
        release = stage(target, "nyc.flights", op, sql=f"SELECT {number} AS v")
        done = Operation(op_id=f"promote {number}", by="tests", now=datetime.now(UTC))
        promote(target, release.name, done, required=[], ungated="a test")
    ada = login("ada", "user")
    assert f"{lake}/nyc.flights/r2" in ada.get("releases/nyc.flights/2").text
    asked = ada.get("releases/nyc.flights/2/rollback")
    folder = f"{lake}/nyc.flights"
    assert f"point {folder} from {folder}/r2 (nyc.flights@r2) to {folder}/r1" in asked.text
    assert live(folder) == f"{folder}/r2", "a GET changed something"
    found = re.search(r'name="op_id" value="([0-9a-f]{32})"', asked.text)
    assert found
    form = {"reason": "kilometres", "op_id": found[1]}
    assert ada.post("releases/nyc.flights/2/rollback", data=form, headers=HERE).status_code == 200
    assert live(folder) == f"{folder}/r1"
