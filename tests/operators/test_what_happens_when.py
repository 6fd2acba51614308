"""DESIGN's table "What happens when", row by row, in Airflow."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from runs import Airflow

GOOD, WARNS, BAD = "SELECT 1 AS v", "SELECT 5 AS v", "SELECT 50 AS v"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (BAD, "1 of 1"),
        ("SELECT 1 AS other", "there is no such column; the table has other"),
        ("SELECT 'text' AS v", "v"),
        ("SELECT 1 AS v WHERE false", "the data is empty"),
    ],
    ids=["critical check", "missing column", "wrong type", "empty"],
)
def test_bad_data_fails_without_a_retry_and_stops_what_is_behind(
    airflow: Airflow, capfd: pytest.CaptureFixture[str], sql: str, said: str
) -> None:
    airflow.run("life", sql=GOOD)
    run = airflow.run("life", sql=sql)
    assert run.tasks == {
        "stage": "success",
        "gate": "failed",
        "promote": "upstream_failed",
        "after": "upstream_failed",
    }
    assert run.tries["gate"] == 1
    told = run.xcom("gate")  # pushed before raising
    assert told["verdict"] == "FAIL"
    assert told["not_held"][0]["outcome"] == "FAIL"
    stored = airflow.store.gates.of(limit=1)[0]
    assert (stored.id, str(stored.result.verdict)) == (told["gate_run"], "FAIL")
    assert airflow.states() == {"nyc.flights@r2": "CANDIDATE", "nyc.flights@r1": "LIVE"}
    assert airflow.sql("SELECT * FROM nyc_flights") == [(1,)]
    log = capfd.readouterr().out
    assert "Gate 'life.gate' FAILED for nyc.flights@r2" in log
    assert "Candidate kept; nyc.flights@r1 is still live." in log
    assert said in stored.result.results[0].message


def test_a_failed_check_says_what_to_do(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    airflow.run("life", sql=BAD)
    assert "what to do: Ask the team upstream whether the unit has changed." in capfd.readouterr().out


def test_only_warnings_do_not_stop(airflow: Airflow) -> None:
    run = airflow.run("life", sql=WARNS)
    assert set(run.tasks.values()) == {"success"}
    assert run.xcom("gate")["verdict"] == "WARN"
    assert str(airflow.store.gates.of()[0].result.verdict) == "WARN"
    assert run.xcom("after") == "nyc_flights__r1"


def test_skip_skips_all_that_is_behind_and_the_gate_succeeds(airflow: Airflow) -> None:
    airflow.sql("INSERT INTO landed VALUES (50, 'c')")
    run = airflow.run("in_place_skip")
    assert run.tasks == {"gate": "success", "after": "skipped", "always": "skipped"}
    assert str(airflow.store.gates.of()[0].result.verdict) == "FAIL"


def test_block_skips_only_what_it_names(airflow: Airflow) -> None:
    airflow.sql("INSERT INTO landed VALUES (50, 'c')")
    run = airflow.run("in_place_block")
    assert run.tasks == {"gate": "success", "blocked": "skipped", "free": "success"}
    assert airflow.store.gates.of()[0].on_fail == "block"


def test_block_of_a_task_that_is_not_behind_is_refused(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    assert airflow.run("block_a_stranger").tasks == {"gate": "failed"}
    assert "block=['nobody']: not downstream of gate" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("dag_id", "said"),
    [("mapped_skip", "A mapped gate cannot skip what is downstream"), ("block_a_text", "block='after' must be a list")],
)
def test_what_airflow_could_not_stop_is_refused_before_measuring(
    airflow: Airflow, capfd: pytest.CaptureFixture[str], dag_id: str, said: str
) -> None:
    run = airflow.run(dag_id)
    assert "success" not in run.tasks.values()
    assert said in capfd.readouterr().out
    assert airflow.store.gates.of() == []


def test_an_inline_suite_is_not_rendered_in_a_mapped_gate_either(airflow: Airflow) -> None:
    airflow.run("mapped_inline")
    assert airflow.store.gates.of()[0].result.results[0].check.kwargs["regex"] == "{{ ds }}"


def test_shadow_stores_the_verdict_and_stops_nothing(airflow: Airflow) -> None:
    airflow.sql("INSERT INTO landed VALUES (50, 'c')")
    run = airflow.run("in_place_shadow")
    assert set(run.tasks.values()) == {"success"}
    stored = airflow.store.gates.of()[0]
    assert (str(stored.result.verdict), stored.on_fail) == ("FAIL", "shadow")
    assert airflow.store.gates.evidence() == []


def test_a_leaf_that_always_runs_turns_the_run_green_and_the_log_says_so(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    airflow.sql("INSERT INTO landed VALUES (50, 'c')")
    run = airflow.run("in_place_fail")
    assert run.tasks == {"gate": "failed", "after": "upstream_failed", "always": "success"}
    assert run.state == "success"
    assert "always runs all the same (all_done) and will turn this DAG run green" in capfd.readouterr().out


def test_a_check_that_no_retry_can_measure_fails_at_once_and_says_why(airflow: Airflow, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("name\na\n")
    run = airflow.run("refused_regex", path=f"{tmp_path}/names.csv")
    assert run.tasks == {"gate": "failed", "after": "upstream_failed"}
    assert run.tries["gate"] == 1
    result = airflow.store.gates.of()[0].result
    assert (str(result.verdict), result.retryable) == ("ERROR", False)
    assert "(?={{ not jinja)" in result.results[0].check.kwargs["regex"]  # an inline suite is not rendered
    assert "DuckDB" in result.results[0].message


def test_a_missing_table_is_an_error_that_names_it(airflow: Airflow) -> None:
    run = airflow.run("in_place_fail", table="nowhere")
    assert run.tasks["gate"] == "failed"
    assert run.tries["gate"] == 1
    result = airflow.store.gates.of()[0].result
    assert str(result.verdict) == "ERROR"
    assert "there is no table nowhere" in result.results[0].message


def test_what_waiting_can_mend_is_retried(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWAY",
        json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "schema": "d"}),
    )
    run = airflow.run("in_place_fail", conn_id="away")
    assert run.tasks["gate"] == "failed"
    assert run.tries["gate"] == 2
    runs = airflow.store.gates.of()
    assert [str(r.result.verdict) for r in runs] == ["ERROR", "ERROR"]
    assert [r.key.try_number for r in runs] == [2, 1]


@pytest.mark.parametrize(("policy", "verdict", "state"), [("fail", "FAIL", "failed"), ("warn", "WARN", "success")])
def test_empty_data_is_what_on_empty_says(airflow: Airflow, policy: str, verdict: str, state: str) -> None:
    run = airflow.run(f"on_empty_{policy}")
    assert run.tasks["gate"] == state
    assert str(airflow.store.gates.of()[0].result.verdict) == verdict


def test_empty_data_passes_where_it_may(airflow: Airflow) -> None:
    assert airflow.run("on_empty_pass").xcom("gate")["verdict"] == "PASS"


def test_without_the_store_nothing_is_promoted_and_the_task_is_retried(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    away = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "hidden", "schema": "d"}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps(away))
    run = airflow.run("in_place_fail")
    assert run.tasks == {"gate": "failed", "after": "upstream_failed", "always": "success"}
    assert run.tries["gate"] == 2
    log = capfd.readouterr().out
    assert "cannot be reached" in log
    assert "hidden" not in log


@pytest.mark.parametrize(
    ("dag_id", "said"),
    [
        ("ungated", "no gate stands upstream of it"),
        ("requires", "gate life.gate has not run on nyc.flights@r1"),
        ("tampered", "has changed since its gates judged it"),
    ],
)
def test_promote_without_evidence_fails_and_says_which(
    airflow: Airflow, capfd: pytest.CaptureFixture[str], dag_id: str, said: str
) -> None:
    run = airflow.run(dag_id, sql=GOOD)
    assert run.tasks["promote"] == "failed"
    assert airflow.states() == {"nyc.flights@r1": "CANDIDATE"}
    assert said in capfd.readouterr().out
    assert airflow.sql("SELECT count(*) FROM sqlite_master WHERE name = 'nyc_flights'") == [(0,)]


def test_a_lock_that_cannot_be_had_is_retried_and_leaves_no_intent(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_dataops.hooks.targets import open_target

    monkeypatch.setitem(open_target.__kwdefaults__, "deadline", 0.2)
    airflow.run("life", day=1, sql=GOOD)
    with sqlite3.connect(airflow.warehouse) as held:
        held.execute("BEGIN IMMEDIATE")
        run = airflow.run("roll_back", day=1, reason="x")  # nothing to go back to: settled before any lock
        assert run.tasks == {"rollback": "failed"}
        blocked = airflow.run("life", day=2, sql=WARNS)
    assert blocked.tasks["stage"] == "failed"
    assert blocked.tries["stage"] == 2
    assert airflow.store.switches.intents("nyc.flights") == []
    assert airflow.sql("SELECT * FROM nyc_flights") == [(1,)]
