"""A sensor waits for what a gate of another DAG says: good data, bad data, and nothing yet."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from runs import Airflow

from airflow_dataops.core.checks import Check
from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.services.gating import verdict_since
from airflow_dataops.stores.gates import GateRun
from airflow_dataops.triggers.gate import GateTrigger

BAD = "INSERT INTO landed VALUES (99, 'c')"


def judged(outcome: Outcome, **changes: Any) -> GateRun:
    """Return what the gate ``judges_landed.gate`` would keep."""
    result = CheckResult(
        check=Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "v"}), outcome=outcome
    )
    run = GateRun(
        result=GateResult(suite="suite", suite_hash="h", source="landed", results=(result,)),
        at=datetime.now(UTC),
        by="judges_landed.gate",
        key=TaskKey(dag_id="judges_landed", run_id="r", task_id="gate", try_number=1),
    )
    return replace(run, **changes)


def test_good_data_let_the_dag_go_on(airflow: Airflow) -> None:
    airflow.run("judges_landed", day=1)
    run = airflow.run("waits_for_gate", day=1)
    assert run.tasks == {"wait": "success", "build": "success"}
    (kept,) = airflow.store.gates.summaries(dag_id="judges_landed")
    assert run.xcom("wait") == {"gate_run": kept.id, "verdict": "PASS", "at": kept.at.isoformat()}
    assert airflow.run("waits_for_gate", day=1).xcom("wait") == run.xcom("wait")  # cleared: the same


@pytest.mark.parametrize("how", ["", "_deferred"])
def test_bad_data_stop_it_without_a_retry(airflow: Airflow, capfd: pytest.CaptureFixture[str], how: str) -> None:
    airflow.sql(BAD)
    airflow.run("judges_landed", day=1)
    run = airflow.run(f"waits_for_gate{how}", day=1)
    assert run.tasks == {"wait": "failed", "build": "upstream_failed"}
    assert run.tries["wait"] == 1
    out = capfd.readouterr().out
    assert "judges_landed.gate has judged at" in out
    assert "FAIL; `airflow dataops gate show 1` tells more. What does not hold: v: max to be between" in out
    assert airflow.run(f"waits_softly{how}", day=1).tasks == {"wait": "skipped", "build": "skipped"}


def test_a_gate_that_has_not_judged_is_waited_for(airflow: Airflow) -> None:
    assert airflow.run("waits_for_gate", day=1).tasks["wait"] == "failed"  # timed out
    airflow.store.gates.add(judged(Outcome.ERROR))
    assert airflow.run("waits_for_gate", day=2).tasks["wait"] == "failed"  # it could not measure
    airflow.store.gates.add(judged(Outcome.PASS, on_fail="shadow", key=TaskKey(dag_id="judges_landed", task_id="gate")))
    assert airflow.run("waits_for_gate", day=3).tasks["wait"] == "failed"
    airflow.store.gates.add(judged(Outcome.WARN))  # its retry could
    assert airflow.run("waits_for_gate", day=4).xcom("wait")["verdict"] == "WARN"


def test_a_deferred_one_waits_in_the_triggerer(airflow: Airflow) -> None:
    trigger = GateTrigger(dag_id="judges_landed", task_id="gate", since="2026-01-01T00:00:00+00:00", poll_seconds=0.1)
    path, arguments = trigger.serialize()
    assert path == "airflow_dataops.triggers.gate.GateTrigger"
    assert GateTrigger(**arguments).serialize() == (path, arguments)
    later = threading.Timer(3, lambda: airflow.store.gates.add(judged(Outcome.PASS)))
    later.start()
    run = airflow.run("waits_for_gate_deferred", day=1)
    later.join()
    assert (run.tasks["build"], run.xcom("wait")["verdict"]) == ("success", "PASS")


def test_earlier_verdicts_do_not_count(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    airflow.store.gates.add(judged(Outcome.PASS, at=datetime(2026, 1, 1, 5, tzinfo=UTC)))
    late = airflow.run("waits_for_gate", day=1, since="2026-01-01T05:00:01Z")
    assert late.tasks["wait"] == "failed"
    assert airflow.run("waits_for_gate", day=2, since="2026-01-01 05:00").tasks["wait"] == "success"
    assert airflow.run("waits_for_gate", day=3, since="soon").tries["wait"] == 1
    assert "since='soon' is no time: expected one such as 2026-01-31T06:00:00+00:00." in capfd.readouterr().out


def test_of_a_mapped_gate_the_worst_counts_and_of_each_task_its_last(airflow: Airflow) -> None:
    now = datetime.now(UTC)

    def add(outcome: Outcome, map_index: int, run_id: str = "r") -> None:
        key = TaskKey(dag_id="judges_landed", run_id=run_id, task_id="gate", map_index=map_index, try_number=1)
        airflow.store.gates.add(judged(outcome, at=now, key=key))

    def verdict() -> str | None:
        found = verdict_since(airflow.store, "judges_landed", "gate", now - timedelta(hours=1))
        return str(found.verdict) if found else None

    add(Outcome.FAIL, 0, "earlier")
    add(Outcome.FAIL, 0)
    add(Outcome.PASS, 1)
    assert verdict() == "FAIL"
    add(Outcome.WARN, 0)
    assert verdict() == "WARN"
    add(Outcome.ERROR, 2)
    assert verdict() is None
    add(Outcome.PASS, 2)
    add(Outcome.PASS, 0)
    assert verdict() == "PASS"
