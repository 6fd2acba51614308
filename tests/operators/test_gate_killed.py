"""A gate, or a build, that Airflow kills: its own SIGTERM handler and time-out, and what is left on the server."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from runs import Airflow

RUNNING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE state = 'active' AND query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()"
)


@pytest.fixture
def slow(airflow: Airflow, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define the connection; yield a session that looks at what the server runs, and put the handlers back."""
    url = urlsplit(postgres_url)
    connection = {
        "conn_type": "postgres",
        "login": url.username,
        "schema": url.path.lstrip("/"),
        "extra": {"host": parse_qs(url.query)["host"][0]},
    }
    connection["host"] = connection.pop("extra")["host"]
    monkeypatch.setenv("AIRFLOW_CONN_SLOW_POSTGRES", json.dumps(connection))
    before = signal.getsignal(signal.SIGTERM)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        yield admin
    signal.signal(signal.SIGTERM, before)


def _running(admin: Any) -> int:
    return int(admin.execute(RUNNING).fetchone()[0])


def _killed(airflow: Airflow, slow: Any, dag_id: str) -> Any:
    """Run the DAG and send this process SIGTERM as soon as the server is at work."""

    def kill() -> None:
        end = time.monotonic() + 60
        while not _running(slow) and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    killer = threading.Thread(target=kill)
    killer.start()
    started = time.monotonic()
    run = airflow.run(dag_id)
    killer.join()
    assert time.monotonic() - started < 60
    return run


def test_sigterm_cancels_the_build_and_a_rerun_finds_nothing_in_its_way(airflow: Airflow, slow: Any) -> None:
    run = _killed(airflow, slow, "slow_stage")
    assert run.tasks == {"stage": "failed"}
    assert _running(slow) == 0
    (release,) = airflow.store.releases.of("slow.orders")
    assert str(release.state) == "ABORTED"
    assert slow.execute("SELECT to_regclass('slow.orders__r1')").fetchone() == (None,)


def test_sigterm_cancels_the_query_and_is_recorded(airflow: Airflow, slow: Any) -> None:
    run = _killed(airflow, slow, "slow")
    assert run.tasks == {"gate": "failed"}
    assert _running(slow) == 0
    (result,) = airflow.store.gates.of(limit=1)[0].result.results
    assert str(result.outcome) == "ERROR"
    assert "stopped, because the task was killed" in result.message


def test_a_time_out_cancels_the_query(airflow: Airflow, slow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task = airflow.dags["slow"].get_task("gate")
    monkeypatch.setattr(task, "execution_timeout", timedelta(seconds=3))
    run = airflow.run("slow")
    assert run.tasks == {"gate": "failed"}
    assert _running(slow) == 0
