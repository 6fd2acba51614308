"""Approval on a running Airflow: people answer through its REST API, and its scheduler goes on with what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.e2e.approvals import DAG, Asked, started

if TYPE_CHECKING:
    from tests.conftest import DemoAirflow


@pytest.fixture
def asked(demo_airflow: DemoAirflow) -> Asked:
    return started(demo_airflow.airflow)


def test_a_release_goes_live_when_two_people_approve_it_who_did_not_start_it(
    asked: Asked, demo_airflow: DemoAirflow
) -> None:
    form = asked.airflow.call("GET", asked.form, user="viewer")
    assert form["subject"] == f"May {asked.release} go live?"
    for words in (f"**{asked.release}**", "- Rows: 26,115; 15 columns", "**WARN**, 4 checks", "Live now:"):
        assert words in form["body"]
    assert asked.airflow.status("PATCH", asked.form, {"chosen_options": ["Approve"]}, user="viewer") == 403
    asked.answer("admin", "Approve")
    asked.answer("ada", "Approve", answer_for=form["params"]["answer_for"]["value"], reason="as agreed")
    assert asked.shown == "VALIDATED"
    assert asked.answer_at_last("grace", "Approve") == "success"
    assert asked.history() == [
        ("refused", "admin", "admin has started this run, and its author may not approve"),
        ("approved", "ada", "as agreed"),
        ("approved", "grace", None),
        ("promote", f"{DAG}.promote", None),
    ]
    with duckdb.connect(str(demo_airflow.warehouse), read_only=True) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM nyc.weather").fetchall() == [(26_115,)]


def test_a_release_that_somebody_rejects_stays_a_candidate(asked: Asked) -> None:
    assert asked.answer_at_last("ada", "Reject", answer_for="", reason="1,048 miles an hour") == "success"
    tasks = asked.airflow.tasks(DAG, asked.run_id)
    assert (tasks["approve"], tasks["promote"]) == ("success", "skipped")
    assert set(asked.history()) == {("rejected", "ada", "1,048 miles an hour")}
    assert asked.shown == "REJECTED"
    said = asked.airflow.cli("dataops", "release", "show", str(asked.release))
    assert "rejected" in said
    assert "1,048 miles an hour" in said
