"""A gate reaches a Spark cluster through Airflow's connection to its Connect server."""

from __future__ import annotations

import json

import pytest
from runs import Airflow


def test_a_gate_on_a_table_in_a_cluster(
    airflow: Airflow, spark_connect_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = spark_connect_url.removeprefix("sc://").split(":")
    connection = {"conn_type": "spark_connect", "host": host, "port": int(port), "login": "airflow"}
    monkeypatch.setenv("AIRFLOW_CONN_CLUSTER", json.dumps(connection))
    assert airflow.run("on_spark").tasks == {"gate": "success"}
    (gate,) = airflow.store.gates.of(limit=1)
    assert (str(gate.result.verdict), gate.result.row_count, gate.result.source) == ("WARN", 10, "table landed")
    assert airflow.run("on_spark", table="lost").tasks == {"gate": "failed"}
    assert airflow.store.gates.of(limit=1)[0].result.results[0].message.endswith("there is no table lost")


def test_a_server_that_is_away_may_come_back(airflow: Airflow, java: None, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "spark_connect", "host": "127.0.0.1", "port": 9}
    monkeypatch.setenv("AIRFLOW_CONN_CLUSTER", json.dumps(connection))
    assert airflow.run("on_spark").tasks == {"gate": "failed"}
    (gate,) = airflow.store.gates.of(limit=1)
    assert (str(gate.result.verdict), gate.result.retryable) == ("ERROR", True)
