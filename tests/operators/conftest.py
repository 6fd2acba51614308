"""An Airflow in this process: its database, its DAGs, a warehouse and a store of its own for each test."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from runs import Airflow

from airflow_dataops.stores.store import Store

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="session")
def dags(airflow_database: None) -> dict[str, Any]:
    """Parse the tests' DAG files as Airflow does."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(DAGS), bundle_name="operators")
    assert not bag.import_errors
    return bag.dags


@pytest.fixture
def airflow(dags: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    warehouse, store = tmp_path / "warehouse.db", tmp_path / "store.db"
    for name, file in (("WAREHOUSE", warehouse), ("DATAOPS_DEFAULT", store)):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"conn_type": "sqlite", "host": str(file)}))
    monkeypatch.setenv("WAREHOUSE_FILE", os.fspath(warehouse))
    opened = Airflow(dags, warehouse, Store.open(f"sqlite:///{store}", create=True))
    opened.sql("CREATE TABLE landed AS SELECT 1 AS v, 'a' AS name UNION ALL SELECT 5, 'b'")
    return opened
