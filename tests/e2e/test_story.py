"""The main job on a running Airflow with its scheduler and LocalExecutor; the demo tells the same steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dags_examples.demo.story import RELEASE, REPORT, what_readers_get

if TYPE_CHECKING:
    from tests.conftest import DemoAirflow


def test_january_is_staged_gated_promoted_and_reported(demo_airflow: DemoAirflow) -> None:
    january = demo_airflow.told["january"]
    assert january.state == "success"
    assert january.gate is not None
    assert january.gate["verdict"] == "PASS"
    assert january.reported, "the asset event of the promotion starts the consumer"
    assert (january.readers.rows, january.readers.report_month) == (27_004, 1)


def test_a_bad_delivery_is_held_back_and_nobody_notices(demo_airflow: DemoAirflow) -> None:
    bad = demo_airflow.told["bad_february"]
    assert bad.state == "failed"
    assert bad.tasks == {"land": "success", "stage": "success", "gate": "failed", "promote": "upstream_failed"}
    assert not bad.reported
    assert bad.readers == demo_airflow.told["january"].readers


def test_a_failed_gate_spends_no_retry(demo_airflow: DemoAirflow) -> None:
    run_id = demo_airflow.told["bad_february"].run_id
    gate = demo_airflow.airflow.call("GET", f"dags/{RELEASE}/dagRuns/{run_id}/taskInstances/gate")
    assert (gate["state"], gate["try_number"], gate["max_tries"]) == ("failed", 1, 3)


def test_a_failed_gate_says_what_failed_by_how_much_and_what_to_do(demo_airflow: DemoAirflow) -> None:
    text = "\n".join(demo_airflow.told["bad_february"].gate_log)
    for words in (
        "FAIL (suite flights",
        "2,000 of 52,955 rows (3.78 %) are not unique",
        "mean is 1,303.05; expected between 900 and 1,100",
        "1,899 of 51,122 rows where dep_time is not null (3.71 %) are null",
        "what to do: Upstream sent rows twice.",
        "9 of 14 checks passed",
    ):
        assert words in text


def test_a_failed_gate_keeps_its_result_in_xcom(demo_airflow: DemoAirflow) -> None:
    gate = demo_airflow.told["bad_february"].gate
    assert gate is not None
    assert gate["checks"] == {"PASS": 9, "WARN": 1, "FAIL": 4}
    assert [entry["outcome"] for entry in gate["not_held"]] == ["FAIL"] * 4 + ["WARN"]


def test_the_repaired_february_passes_with_one_warning_that_stops_nothing(demo_airflow: DemoAirflow) -> None:
    february = demo_airflow.told["february"]
    assert february.gate is not None
    assert (february.state, february.gate["verdict"]) == ("success", "WARN")
    assert [entry["outcome"] for entry in february.gate["not_held"]] == ["WARN"]
    assert february.reported
    assert february.readers.month == 2


def test_march_is_promoted_and_taken_back_by_the_pointer_alone(demo_airflow: DemoAirflow) -> None:
    march, rollback = demo_airflow.told["march"], demo_airflow.told["rollback"]
    assert (march.readers.rows, march.readers.month) == (80_789, 3)
    assert "nyc.flights@r3 is live again; nyc.flights@r4 is rolled back" in rollback.switch
    assert rollback.readers.rows == demo_airflow.told["february"].readers.rows
    assert not rollback.reported


def test_the_report_reads_the_release_that_is_live_after_the_rollback(demo_airflow: DemoAirflow) -> None:
    assert demo_airflow.told["report_again"].readers.report_month == 2
    assert what_readers_get(demo_airflow.warehouse) == demo_airflow.told["report_again"].readers


def test_the_asset_started_the_report_once_for_each_promotion(demo_airflow: DemoAirflow) -> None:
    runs = demo_airflow.airflow.run_ids(REPORT)
    assert len([run for run in runs if run.startswith("asset_triggered")]) == 3


def test_the_store_remembers_gates_releases_and_readers(demo_airflow: DemoAirflow) -> None:
    assert demo_airflow.history.differences() == []
    assert len(demo_airflow.history.releases) == 4


@pytest.mark.parametrize(("user", "may"), [("admin", True), ("viewer", False)])
def test_users_have_their_roles(demo_airflow: DemoAirflow, user: str, may: bool) -> None:
    airflow = demo_airflow.airflow
    assert airflow.call("GET", f"dags/{REPORT}", user=user)["dag_id"] == REPORT
    answer = airflow.status("PATCH", f"dags/{REPORT}", {"is_paused": False}, user=user)
    assert answer == (200 if may else 403)
