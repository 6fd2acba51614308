"""OpenLineage events of real DAG runs, as an HTTP receiver gets them from Airflow's provider."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from runs import Airflow

from tests.lineage.published import faults, faults_of_facets, schemas

RUNNER = Path(__file__).parent / "lineage_run.py"


class Receiver(ThreadingHTTPServer):
    """Keeps every event, and answers with ``answer``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[dict[str, Any]] = []
        self.answer = 201

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ended(self, dag_id: str, task_id: str) -> list[dict[str, Any]]:
        return [event for event in self.of(dag_id, task_id) if event["eventType"] in ("COMPLETE", "FAIL")]

    def of(self, dag_id: str, task_id: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["job"]["name"] == f"{dag_id}.{task_id}"]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.events.append(json.loads(body))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(url: str, *dags: tuple[str, dict[str, Any]]) -> tuple[list[dict[str, str]], str]:
    """Run DAGs one after another; return their tasks' states, and all that was logged."""
    transport = {"type": "http", "url": url, "timeout": 5, "retry": {"total": 0}}
    env = {**os.environ, "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport)}
    env["AIRFLOW__OPENLINEAGE__DISABLED"] = "False"
    done = subprocess.run(
        [sys.executable, str(RUNNER), json.dumps(dags)], env=env, capture_output=True, text=True, timeout=240
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log[-4000:]
    # A log of another thread may stand on the same line.
    return [json.loads(found) for found in re.findall(r"STATES (\{[^{}]*\})", done.stdout)], log


def test_releases_and_verdicts_are_told(airflow: Airflow, receiver: Receiver) -> None:
    good, bad = {"by": 1}, {"by": 100}
    states, log = run(
        receiver.url,
        ("told", good),
        ("told", good),
        ("told", bad),
        ("told_reader", {}),
        ("told_back", {}),
        ("told_in_place", {}),
    )
    assert [s.get("gate") for s in states] == ["success", "success", "failed", None, None, "success"], log[-4000:]
    assert "failed to extract data" not in log
    namespace = f"sqlite://{airflow.warehouse}"

    first = receiver.ended("told", "stage")[0]
    [source], [staged] = first["inputs"], first["outputs"]
    assert (source["namespace"], source["name"]) == (namespace, "landed")
    assert (staged["namespace"], staged["name"]) == (namespace, "nyc_told")
    facets = staged["facets"]
    assert facets["version"]["datasetVersion"] == "nyc.told@r1"
    assert facets["version"]["_producer"] == "urn:airflow-dataops"
    assert facets["version"]["_schemaURL"].endswith("#/$defs/DatasetVersionDatasetFacet")
    assert [field["name"] for field in facets["schema"]["fields"]] == ["v", "name"]
    assert facets["symlinks"]["identifiers"] == [{"namespace": namespace, "name": "nyc_told__r1", "type": "TABLE"}]
    assert facets["ownership"]["owners"] == [{"name": "sales-team", "type": "MAINTAINER"}]

    assert facets["columnLineage"]["fields"] == {
        "v": {"inputFields": [_field(source, "v", "TRANSFORMATION")]},
        "name": {"inputFields": [_field(source, "name", "IDENTITY")]},
    }

    for task in ("count", "train"):
        kinds = [event["eventType"] for event in receiver.of("told_reader", task)]
        assert kinds.index("RUNNING") < kinds.index("COMPLETE")
        [read] = [event for event in receiver.of("told_reader", task) if event["eventType"] == "RUNNING"]
        assert [d["facets"]["version"]["datasetVersion"] for d in read["inputs"]] == ["nyc.told@r2"]
        assert [d["name"] for d in read["inputs"]] == ["nyc_told"]
        assert {event["run"]["runId"] for event in receiver.of("told_reader", task)} == {read["run"]["runId"]}
    assert "RUNNING" not in [event["eventType"] for event in receiver.of("told_reader", "nothing")]

    passed, _, failed = receiver.ended("told", "gate")
    assert (passed["eventType"], failed["eventType"]) == ("COMPLETE", "FAIL")
    [judged] = failed["inputs"]
    assert judged["facets"]["version"]["datasetVersion"] == "nyc.told@r3"
    told = {a["assertion"]: a for a in judged["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert told["expect_column_max_to_be_between"]["success"] is False
    assert told["expect_column_max_to_be_between"]["actual"] == "500"
    assert told["expect_column_values_to_not_be_null"]["success"] is True
    assert "actual" not in told["expect_column_distinct_values_to_be_in_set"]  # values of rows stay here
    metrics = judged["inputFacets"]["dataQualityMetrics"]
    assert metrics["rowCount"] == 2
    assert metrics["columnMetrics"] == {"v": {"nullCount": 0, "max": 500.0}}

    compared = receiver.ended("told", "diff")[1]["inputs"]
    assert [d["facets"]["version"]["datasetVersion"] for d in compared] == ["nyc.told@r2", "nyc.told@r1"]
    promoted = [
        e["outputs"][0]["facets"]["version"]["datasetVersion"]
        for e in receiver.ended("told", "promote")
        if e["outputs"]
    ]
    assert promoted == ["nyc.told@r1", "nyc.told@r2"]
    [back] = receiver.ended("told_back", "rollback")
    assert back["outputs"][0]["facets"]["version"]["datasetVersion"] == "nyc.told@r1"

    [shadow] = receiver.ended("told_in_place", "gate")
    assert shadow["eventType"] == "COMPLETE"
    [table] = shadow["inputs"]
    assert table["inputFacets"]["dataQualityAssertions"]["assertions"][0]["success"] is False
    assert "version" not in table.get("facets", {})

    ours = [dataset for event in receiver.events for dataset in (*event["inputs"], *event["outputs"])]
    assert len([dataset for dataset in ours if "version" in dataset.get("facets", {})]) > 10
    assert [faults_of_facets(dataset, "urn:airflow-dataops") for dataset in ours] == [[]] * len(ours)
    assert [faults(event, schemas()[event["schemaURL"]]) for event in receiver.events] == [[]] * len(receiver.events)


def _field(table: dict[str, Any], column: str, how: str) -> dict[str, Any]:
    where = {"namespace": table["namespace"], "name": table["name"], "field": column}
    return {**where, "transformations": [{"type": "DIRECT", "subtype": how}]}


@pytest.mark.parametrize("away", [True, False], ids=["away", "500"])
def test_a_receiver_that_fails_fails_no_task(airflow: Airflow, receiver: Receiver, away: bool) -> None:
    receiver.answer = 500
    states, log = run("http://127.0.0.1:9" if away else receiver.url, ("told", {"by": 1}))
    assert set(states[0].values()) == {"success"}, log[-4000:]
    ends = [line for line in log.splitlines() if "Failed to emit" in line and "COMPLETE" in line.upper()]
    assert len(ends) == len(states[0]) + 1  # once for each task's end, and the run's
    assert bool(receiver.events) is not away


def test_a_postgres_database_has_the_providers_names(
    airflow: Airflow, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.engine import make_url

    from airflow_dataops.hooks.lineage import place_of

    url = make_url(postgres_url)
    host = url.host or str(url.query.get("host"))
    shop = {"conn_type": "postgres", "host": host, "port": url.port or 5432, "schema": url.database}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({**shop, "login": url.username, "password": url.password}))
    place = place_of("shop")
    assert place is not None
    authority = f"{quote(host, safe='')}:{url.port or 5432}"  # the socket's folder, as the provider writes it
    assert (place.namespace, place.database) == (f"postgres://{authority}", url.database)
    assert place.schema == "public"
