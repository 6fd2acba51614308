"""Who reads what on real flights in PostgreSQL: what is told equals what is written down here beforehand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.usage import Access, Use
from airflow_dataops.services.usage import adopted_by, hit_by, is_still_used, who_reads
from airflow_dataops.stores.store import Store
from tests.operators.counting import Counting, counting_server
from tests.operators.runs import Airflow

EXAMPLES = Path(__file__).parents[2] / "dags_examples"
# Reader, what it reads, which columns and how sure that is.
READERS = {
    ("nyc_usage_release.land", "raw.flights", ("month",), "parsed"),  # it looks for the rows that it replaces
    ("nyc_usage_release.stage_flights", "raw.flights", ("*",), "parsed"),
    ("nyc_usage_release.stage_planes", "raw.planes", ("seats", "tailnum"), "parsed"),
    ("nyc_delays.build", "nyc.flights", ("carrier", "dep_delay"), "exact"),
    ("nyc_routes.build", "nyc.flights", ("dest", "origin"), "parsed"),
    ("nyc_delay_mail.write_mail", "mart.delays", ("carrier", "mean_delay"), "parsed"),
    ("board", "nyc.flights", ("carrier", "distance"), "parsed"),  # a script outside of Airflow
}
READ = ("carrier", "dep_delay", "dest", "distance", "origin")
USED = {"nyc.flights", "nyc.flights@r1"} | {f"nyc.flights.{name}" for name in READ}
UNUSED = {"nyc.planes", "nyc.planes@r1", "nyc.planes.tailnum", "nyc.planes.seats"} | {
    f"nyc.flights.{name}" for name in ("year", "month", "day", "flight", "tailnum")
}


@pytest.fixture(scope="module")
def dags(airflow_database: None) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(EXAMPLES / "nyc_usage.py"), bundle_name="examples")
    assert not bag.import_errors
    return bag.dags


@pytest.fixture(scope="module")
def server() -> Iterator[Counting]:
    with counting_server() as running:
        running.run("postgres", "CREATE ROLE airflow LOGIN SUPERUSER")
        running.run("postgres", "CREATE ROLE board LOGIN IN ROLE pg_read_all_data")
        yield running


@pytest.fixture
def airflow(dags: dict[str, Any], server: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    warehouse = {"conn_type": "postgres", "host": str(server.folder), "schema": "shop", "login": "airflow"}
    store = tmp_path / "store.db"
    monkeypatch.setenv("AIRFLOW_CONN_NYC_POSTGRES", json.dumps(warehouse))
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(store)}))
    monkeypatch.syspath_prepend(EXAMPLES)
    return Airflow(dags, tmp_path, Store.open(f"sqlite:///{store}", create=True))


@pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")  # Airflow's own, of an .airflowignore
def test_what_is_told_of_usage_is_the_truth(airflow: Airflow, server: Counting) -> None:
    run = airflow.run("nyc_usage_release", day=1, month=1)
    assert set(run.tasks.values()) == {"success"}
    long_ago = datetime.now(UTC) - timedelta(days=100)  # since when usage has been logged here
    loaded = Use(relation="raw.old", consumer="old.load", source="sql", access=Access.WRITE, at=long_ago, key=TaskKey())
    airflow.store.usage.add(loaded)
    for dag_id in ("nyc_delays", "nyc_delay_mail", "nyc_routes"):
        assert airflow.run(dag_id, day=1).state == "success"
    where = f"host={server.folder} dbname=shop user=board"
    board = [sys.executable, "-m", "demo.delay_board", where]
    shown = subprocess.run(board, cwd=EXAMPLES, check=True, capture_output=True, text=True).stdout
    assert shown.startswith("HA: 4983 miles")
    sent = airflow.run("nyc_usage_report", day=1)
    assert sent.state == "success"
    report = sent.xcom("report")
    told = {(r.consumer, r.name, r.columns, r.confidence) for r in who_reads(airflow.store)}
    assert told == READERS

    now = datetime.now(UTC)
    standings = {each.name: str(each.standing) for each in is_still_used(airflow.store, now)}
    assert standings == dict.fromkeys(USED, "used") | dict.fromkeys(UNUSED, "unused")
    assert (set(report["used"]), set(report["unused"]), report["unknown"]) == (USED, UNUSED, [])
    assert "| nyc.planes | never | 0 reads in 92 days; 100% of" in report["markdown"]
    reached = [(hit.reader.consumer, hit.distance) for hit in hit_by(airflow.store, "nyc.flights", now)]
    assert reached[0] == ("nyc_delays.build", 1)  # it feeds another
    assert set(reached[1:]) == {("board", 1), ("nyc_routes.build", 1), ("nyc_delay_mail.write_mail", 2)}

    airflow.run("nyc_usage_release", day=2, month=2)
    airflow.run("nyc_delays", day=2)
    adopters = {(one.consumer, one.release, one.adopted) for one in adopted_by(airflow.store, "nyc.flights")}
    assert adopters == {("nyc_delays.build", 2, True), ("nyc_routes.build", 1, False), ("board", 1, False)}
    again = airflow.run("nyc_usage_report", day=2).xcom("report")
    assert again["behind"] == {"nyc.flights": ["board", "nyc_routes.build"]}
