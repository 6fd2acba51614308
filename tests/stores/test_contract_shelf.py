"""Contracts, and what stops readers, in both databases that a store is kept in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.contracts import Contract
from airflow_dataops.core.releases import ReleaseName, TaskKey
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.services.usage import resume, stop_of
from airflow_dataops.stores.gates import GateRun
from airflow_dataops.stores.store import Store

NOW = datetime(2013, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHECK = Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "v"})
LIVE = ReleaseName(dataset="sales.orders", number=1)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    url = f"sqlite:///{tmp_path}/store.db"
    return Store.open(url if request.param == "sqlite" else request.getfixturevalue("postgres_url"), create=True)


def gated(store: Store, outcome: Outcome, at: datetime, *, on_fail: str = "fail", source: str = "table landed") -> None:
    result = GateResult(suite="s", suite_hash="h", source=source, results=(CheckResult(check=CHECK, outcome=outcome),))
    key = TaskKey(dag_id="loads", run_id=str(at), task_id="gate")
    store.gates.add(GateRun(result=result, at=at, by="loads.gate", key=key, on_fail=on_fail, conn_id="warehouse"))


def test_a_contract_is_replaced_by_a_changed_one_alone(store: Store) -> None:
    first = Contract(
        consumer="mart", dataset="sales.orders", checks=(CHECK,), owner="ann", origin="f.yaml", registered_at=NOW
    )
    assert store.contracts.keep(first) == [first]
    assert store.contracts.keep(replace(first, registered_at=NOW + HOUR)) == []
    assert store.contracts.of("sales.orders") == [first]
    broken = replace(first, checks=(), problem="f.yaml: line 1", registered_at=NOW + HOUR)
    assert store.contracts.keep(broken) == [broken]
    assert store.contracts.of(consumer="mart") == [broken]
    assert store.contracts.withdraw("mart", ["sales.orders", "other"]) == 1
    assert store.contracts.of() == []


def test_the_newest_decisive_run_of_a_gate_stops_or_frees(store: Store) -> None:
    assert store.stops.judged(NOW, ["landed"], LIVE) == []
    assert stop_of(store, "landed", NOW) is None
    gated(store, Outcome.FAIL, NOW, source="table landed where v > 0")
    gated(store, Outcome.FAIL, NOW, source="table landed_too")
    gated(store, Outcome.ERROR, NOW + HOUR)  # what could not be measured is as bad as before
    gated(store, Outcome.PASS, NOW + HOUR, on_fail="shadow")
    stop = stop_of(store, "landed", NOW + 2 * HOUR)
    assert stop is not None
    assert (stop.since, stop.spares) == (NOW, {"loads"})
    resume(store, "landed", by="ann", reason="known", now=NOW + 2 * HOUR)
    assert stop_of(store, "landed", NOW + 2 * HOUR) is None
    gated(store, Outcome.FAIL, NOW + 3 * HOUR)
    assert stop_of(store, "landed", NOW + 3 * HOUR) is not None
    gated(store, Outcome.PASS, NOW + 4 * HOUR)
    assert stop_of(store, "landed", NOW + 4 * HOUR) is None
