"""A diff between stage and promote, in Airflow: told, stored, refused, retried and run again."""

from __future__ import annotations

import json

import pytest
from runs import Airflow

from airflow_dataops.core.releases import ReleaseName

ONE = "SELECT 1 AS v, 'ada' AS name UNION ALL SELECT 2, 'grace'"
TWO = "SELECT 1 AS v, 'ada' AS name UNION ALL SELECT 2, 'hopper'"
R1, R2 = (ReleaseName(dataset="nyc.flights", number=number) for number in (1, 2))


def test_the_diff_is_told_stored_and_handed_on(airflow: Airflow, capfd: pytest.CaptureFixture[str]) -> None:
    first = airflow.run("diffed", day=1, sql=ONE)
    assert set(first.tasks.values()) == {"success"}
    assert "nyc.flights@r1: a first release" in capfd.readouterr().out
    second = airflow.run("diffed", day=2, sql=TWO, max_changed=0.5)
    assert set(second.tasks.values()) == {"success"}
    assert second.xcom("diff") == str(R2)
    assert airflow.states() == {str(R2): "LIVE", str(R1): "SUPERSEDED"}
    (stored,) = airflow.store.diffs.of(R2)
    told = second.xcom("diff", "diff")
    assert told["diff"] == stored.id
    assert told["keys"] == {"added": 0, "removed": 0, "changed": 1, "same": 1}
    assert told["columns"] == [{"column": "name", "changed": 1}]
    assert (stored.key.task_id, stored.key.try_number, stored.diff.samples[0].values) == ("diff", 1, (2,))
    assert second.xcom("diff", "_link_DiffLink") == "/dataops/releases/nyc.flights/2"
    log = capfd.readouterr().out
    assert "- keys (`v`): 0 added, 0 removed, 1 changed, 1 the same (50 % of the live keys)" in log
    assert "| `name` | 1 | 50 % |" in log
    assert "hopper" not in log.replace(TWO, "")


@pytest.mark.parametrize(
    ("sql", "conf", "said"),
    [
        (TWO, {"max_changed": 0.4}, "max_changed=0.4: 1 against 2 live keys (50 %)"),
        ("SELECT 1 AS v UNION ALL SELECT 2", {}, "breaking_schema: name dropped"),
        (f"{ONE} UNION ALL SELECT 2, 'x'", {}, "key v is not unique in the candidate: 2 of 3 rows share 1 key"),
    ],
)
def test_what_is_refused_fails_without_a_retry_and_is_stored_and_pushed(
    airflow: Airflow, capfd: pytest.CaptureFixture[str], sql: str, conf: dict[str, object], said: str
) -> None:
    airflow.run("diffed", day=1, sql=ONE)
    run = airflow.run("diffed", day=2, sql=sql, **conf)
    assert run.tasks == {"stage": "success", "diff": "failed", "promote": "upstream_failed"}
    assert run.tries["diff"] == 1
    (stored,) = airflow.store.diffs.of(R2)
    told = run.xcom("diff", "diff")
    assert (told["diff"], tuple(told["refused"])) == (stored.id, stored.diff.refused)
    assert said in told["refused"][0]
    assert airflow.states()[str(R1)] == "LIVE"
    log = capfd.readouterr().out
    assert "Diff of nyc.flights@r2 against nyc.flights@r1 REFUSED: " in log
    assert "Candidate kept; nyc.flights@r1 is still what readers get." in log


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"fail_on": "breaking"}, "fail_on: 'breaking' is not known; expected some of breaking_schema"),
        ({"max_changed": 5}, "max_changed='5': expected a share from 0 to 1"),
        ({"key": "no"}, "key='no': there is no such column; the candidate has v, name"),
    ],
)
def test_what_cannot_be_meant_fails_at_once(
    airflow: Airflow, capfd: pytest.CaptureFixture[str], conf: dict[str, object], said: str
) -> None:
    run = airflow.run("diffed", sql=ONE, **conf)
    assert (run.tasks["diff"], run.tries["diff"]) == ("failed", 1)
    assert said in capfd.readouterr().out
    assert airflow.store.diffs.of(R1) == []


def test_what_waiting_can_mend_is_retried_and_stores_nothing(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow.run("diffed", day=1, sql=ONE)
    away = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "schema": "d"}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(away))
    run = airflow.run("diff_alone", release=str(R1))
    assert (run.tasks, run.tries) == ({"diff": "failed"}, {"diff": 2})
    assert len(airflow.store.diffs.of(R1)) == 1


def test_a_cleared_run_stores_one_more_diff_each(airflow: Airflow) -> None:
    airflow.run("diffed", day=1, sql=ONE)
    airflow.run("diffed", day=1, sql=ONE)  # stages r2 anew, as the first is live
    (again,) = airflow.store.diffs.of(R2)
    assert (again.diff.base, again.diff.keys and again.diff.keys.differing) == (1, 0)
    assert len(airflow.store.diffs.of(R1)) == 1


def test_a_mapped_diff_stores_one_for_each(airflow: Airflow) -> None:
    run = airflow.run("diffed_mapped")
    assert {name: state for name, state in run.tasks.items() if "diff" in name} == {
        "diff[0]": "success",
        "diff[1]": "success",
    }
    assert airflow.store.diffs.of(R1)[0].key.map_index == 0
