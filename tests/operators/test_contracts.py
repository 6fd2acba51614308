"""A consumer's contract stops a candidate that breaks it, and says whose it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from runs import Airflow

from airflow_dataops.core.checks import Check
from airflow_dataops.core.contracts import Contract
from airflow_dataops.hooks import contracts
from airflow_dataops.services.usage import contracts_of
from airflow_dataops.stores.gates import GateRun

GOOD, BAD, NULL = "SELECT 1 AS v", "SELECT 1 AS v UNION ALL SELECT 99", "SELECT NULL AS v"


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that remembers nothing yet."""
    monkeypatch.setattr("airflow.configuration.AIRFLOW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def newest(airflow: Airflow) -> GateRun:
    return airflow.store.gates.of()[0]


def registered(airflow: Airflow, **more: object) -> Contract:
    """Register what a dashboard relies on."""
    check = Check(kind="expect_column_values_to_be_between", kwargs={"column": "v", "max_value": 50})
    given = {"consumer": "dashboard", "dataset": "nyc.flights", "owner": "bi", "origin": "bi.yaml"}
    contract = Contract(**(given | {"checks": (check,), "registered_at": datetime.now(UTC)} | more))
    airflow.store.contracts.keep(contract)
    return contract


def test_what_breaks_a_consumers_contract_does_not_go_live(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    assert airflow.run("kept", sql=GOOD).state == "success"
    without = newest(airflow).result
    assert airflow.run("mart_delays").state == "success"  # reads, and its contract is registered
    run = airflow.run("kept", sql=BAD)
    assert (run.tasks["gate"], run.tasks["promote"], run.tries["gate"]) == ("failed", "upstream_failed", 1)
    assert airflow.states() == {"nyc.flights@r2": "CANDIDATE", "nyc.flights@r1": "LIVE"}
    found = newest(airflow).result
    (broken,) = found.of("FAIL")
    assert broken.message.startswith("Contract of mart_delays (owner data-mart, last read within the hour) BROKEN: v: ")
    assert broken.check.contract == {"consumer": "mart_delays", "owner": "data-mart"}
    assert "(contract of mart_delays)" in broken.check.label
    assert (found.scans, found.suite_hash == without.suite_hash) == (without.scans, False)
    assert "FAILED for nyc.flights@r2: 1 of 2 checks. Contract of mart_delays" in capfd.readouterr().out
    assert airflow.run("kept", sql=GOOD).state == "success"
    assert newest(airflow).result.suite_hash == found.suite_hash


def test_the_contract_that_ref_names_is_kept_and_withdrawn_with_it(airflow: Airflow) -> None:
    airflow.run("kept", sql=GOOD)
    airflow.run("report_delays", day=5, contract="suites/life.yaml")
    (mine,) = airflow.store.contracts.of(consumer="report_delays.load")
    assert (mine.owner, mine.origin) == ("reports", "ref: suites/life.yaml")
    airflow.run("report_delays", day=5, contract="suites/life.yaml")
    assert airflow.store.contracts.of(consumer="report_delays.load") == [mine]  # a rerun changes nothing
    assert airflow.run("report_delays", day=6, contract="suites/none.yaml").state == "failed"
    assert airflow.store.contracts.of(consumer="report_delays.load") == [mine]
    airflow.run("report_delays", day=7)
    assert airflow.store.contracts.of(consumer="report_delays.load") == []


def test_a_contract_that_cannot_be_read_or_asked_stops_and_says_whose(airflow: Airflow) -> None:
    registered(airflow, checks=(), problem="bi.yaml: nyc.flights: check 1: has no 'type'")
    registered(airflow, consumer="script", owner=None, checks=(Check(kind="expect_what"),))
    run = airflow.run("kept", sql=GOOD)
    assert (run.tasks["gate"], run.tries["gate"]) == ("failed", 1)
    result = newest(airflow).result
    assert (str(result.verdict), len(result.of("PASS"))) == ("ERROR", 1)
    said = sorted(each.message for each in result.of("ERROR"))
    assert said[0].startswith("Contract of dashboard (owner bi, has not read it yet): bi.yaml: nyc.flights: check 1")
    assert said[1].startswith("Contract of script (has not read it yet): ")


def test_a_consumer_that_reads_no_more_stops_nothing(airflow: Airflow) -> None:
    check = Check(kind="expect_column_values_to_be_between", kwargs={"column": "v", "max_value": 50})
    long_ago = datetime.now(UTC) - timedelta(days=93)
    registered(airflow, registered_at=long_ago, checks=(check,))
    assert airflow.run("kept", sql=BAD).state == "success"
    (bound,) = contracts_of(airflow.store, datetime.now(UTC), "nyc.flights")
    assert not bound.active


def test_severity_is_the_contracts_own(airflow: Airflow) -> None:
    check = Check(
        kind="expect_column_values_to_be_between", kwargs={"column": "v", "max_value": 50}, severity="warning", name="n"
    )
    registered(airflow, checks=(check,))
    assert airflow.run("kept", sql=BAD).state == "success"
    (warned,) = newest(airflow).result.of("WARN")
    assert warned.complaint.startswith("Contract of dashboard (owner bi, has not read it yet) broken (a warning): n: v")


def test_contracts_alone_judge_where_there_are_some(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    run = airflow.run("kept_by_contracts_alone", sql=GOOD)
    assert (run.tasks["gate"], str(newest(airflow).result.verdict)) == ("failed", "ERROR")
    assert "no active consumer has a contract" in capfd.readouterr().out
    registered(airflow)
    assert airflow.run("kept_by_contracts_alone", sql=GOOD).state == "success"
    assert airflow.run("kept_by_contracts_alone", sql=BAD).tasks["gate"] == "failed"


def test_contracts_are_of_a_dataset(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    assert airflow.run("contracts_of_no_release").state == "failed"
    assert "contracts=True judges a release" in capfd.readouterr().out


def test_a_dag_runs_on_without_a_store(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, host: Path, tmp_path: Path
) -> None:
    from types import SimpleNamespace

    from airflow_dataops.listeners.contracts import on_task_instance_running

    (tmp_path / "d.contracts.yaml").write_text("nyc.flights: [{type: expect_table_row_count_to_equal, value: 1}]")
    dag = SimpleNamespace(dag_id="d", fileloc=str(tmp_path / "d.py"), tasks=[SimpleNamespace(owner="me")])
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", '{"conn_type": "sqlite", "host": "/nowhere/store.db"}')
    on_task_instance_running(None, SimpleNamespace(task=SimpleNamespace(dag=dag)))
    assert not list(host.glob("**/*"))  # the next task tries again


def test_a_file_is_followed(airflow: Airflow, tmp_path: Path) -> None:
    from types import SimpleNamespace

    file = tmp_path / "d.contracts.yaml"
    dag = SimpleNamespace(dag_id="d", fileloc=str(tmp_path / "d.py"), tasks=[SimpleNamespace(owner="me")])

    def kept() -> dict[str, tuple[int, str | None]]:
        contracts.register_contracts(dag)
        return {each.dataset: (len(each.checks), each.owner) for each in airflow.store.contracts.of(consumer="d")}

    rows = "{type: expect_table_row_count_to_equal, value: 1}"
    assert kept() == {}
    file.write_text(f"a: [{rows}]\nb: [{rows}]")
    assert kept() == {"a": (1, "me"), "b": (1, "me")}
    airflow.store.contracts.withdraw("d", ["a"])
    assert kept() == {"b": (1, "me")}  # unchanged: no store was asked
    file.write_text(f"owner: us\na: [{rows}, {rows}]")
    assert kept() == {"a": (2, "us")}
    file.write_text("a: [")
    assert kept() == {"a": (0, "me")}
    (broken,) = airflow.store.contracts.of(consumer="d")
    assert broken.problem is not None
    assert "d.contracts.yaml: line 1" in broken.problem
    file.unlink()
    assert kept() == {}
