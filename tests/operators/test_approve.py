"""People approve in Airflow: rounds, rejections, time-outs, clears, and a store that is away."""

from __future__ import annotations

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from people import answering
from runs import Airflow

from airflow_dataops.core.approvals import ApprovalRef, Question, Rules
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.operators.release import ApproveReleaseOperator
from airflow_dataops.operators.upstream import approvals_downstream, approvals_upstream

GOOD, NEXT = "SELECT 1 AS v", "SELECT 2 AS v"


def history(airflow: Airflow, number: int = 1, dataset: str = "nyc.flights") -> list[tuple[str, str, str | None]]:
    """Return what people did with a release: action, by and reason."""
    events = airflow.store.releases.events(ReleaseName(dataset=dataset, number=number))
    about = ("asked", "approved", "rejected", "refused", "timed out", "promote")
    return [(e["action"], e["by"].partition(" (run by")[0], e["reason"]) for e in events if e["action"] in about]


def question(airflow: Airflow, number: int) -> Question:
    """Return what is asked about a release with the content that was staged."""
    release = airflow.store.releases.get(ReleaseName(dataset="nyc.flights", number=number))
    return Question(release=release.name, fingerprint=str(release.fingerprint))


def test_a_release_goes_live_when_two_people_have_approved_it(airflow: Airflow) -> None:
    answers = [("ada", "Approve", {"reason": "as agreed"}), ("ada", "Approve", {}), ("grace", "Approve", {})]
    with answering("approval", answers) as asked:
        run = airflow.run("approval", day=1, sql=GOOD)
    assert run.tasks == dict.fromkeys(("stage", "gate", "approve", "promote"), "success")
    assert set(asked) == {"May nyc.flights@r1 go live?"}
    assert history(airflow) == [
        ("asked", "approval.approve", None),
        ("approved", "ada", "as agreed"),
        ("refused", "ada", "ada has approved it already: somebody else must"),
        ("approved", "grace", None),
        ("promote", "approval.promote", None),
    ]
    assert airflow.store.releases.get(ReleaseName(dataset="nyc.flights", number=1)).approvals == (
        ApprovalRef(dag_id="approval", task_id="approve", quorum=2),
    )


def test_a_rejection_or_a_time_out_spends_no_retry_where_it_fails(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    with answering("approval_fails", [("ada", "Reject", {"reason": "wrong currency"})]):
        run = airflow.run("approval_fails", day=1, sql=GOOD)
    assert (run.tasks["approve"], run.tries["approve"], run.tasks["promote"]) == ("failed", 1, "upstream_failed")
    assert "ada has rejected nyc.flights@r1: wrong currency. Readers keep what is live." in capfd.readouterr().out
    with answering("approval_fails", [("nobody", "", {})]):
        run = airflow.run("approval_fails", day=2, sql=NEXT)
    assert (run.tasks["approve"], run.tries["approve"], run.tasks["promote"]) == ("failed", 1, "upstream_failed")
    assert "Nobody has answered in time whether nyc.flights@r2 may go live: it is not" in capfd.readouterr().out
    assert [action for action, _, _ in history(airflow, 2)] == ["asked", "timed out"]


def test_an_answer_to_the_form_that_airflow_still_shows_after_a_clear_does_not_count(
    airflow: Airflow, capfd: pytest.CaptureFixture[str]
) -> None:
    anew = {"answer_for": "{mark}", "reason": None}
    answers = [
        ("clear", "", {}),
        ("ada", "Approve", {}),
        ("grace", "Reject", {"reason": "which one is it?"}),
        ("ada", "Approve", anew),
    ]
    with answering("approval_fails", answers, marks=lambda: question(airflow, 2).mark) as subjects:
        run = airflow.run("approval_fails", day=3, sql=GOOD)
    assert set(subjects) == {"May nyc.flights@r1 go live?"}, "Airflow shows the first question"
    assert airflow.states() == {"nyc.flights@r2": "LIVE", "nyc.flights@r1": "ABORTED"}
    assert run.tasks == dict.fromkeys(("stage", "gate", "approve", "promote"), "success")
    old, new = question(airflow, 1).mark, question(airflow, 2).mark
    why = f"it was given for {old}, and the question is about {new}"
    assert history(airflow, 2)[:4] == [
        ("asked", "approval_fails.approve", None),
        ("refused", "ada", why),
        ("refused", "grace", why),
        ("approved", "ada", None),
    ]
    assert f"To answer about nyc.flights@r2, write {new} in the field 'answer_for'" in capfd.readouterr().out


def test_nobody_is_asked_again_who_has_approved_this_very_content(airflow: Airflow) -> None:
    with answering("approval_again", [("ada", "Approve", {})]) as asked:
        run = airflow.run("approval_again", day=1, sql=GOOD)
    assert run.tasks == dict.fromkeys(("stage", "gate", "approve", "promote"), "success")
    assert (run.tries["approve"], len(asked)) == (2, 1)
    assert [h[:2] for h in history(airflow)].count(("approved", "ada")) == 1


def test_an_answer_that_the_store_could_not_take_is_recorded_by_the_next_try(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STORE_THAT_IS_AWAY", raising=False)
    known = os.environ["AIRFLOW_CONN_DATAOPS_DEFAULT"]
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", known)  # given back whatever the DAG leaves
    with answering("approval_without_store", [("ada", "Approve", {"reason": "as agreed"})]):
        run = airflow.run("approval_without_store", day=1, sql=GOOD)
    os.environ.pop("STORE_THAT_IS_AWAY", None)
    assert (run.tasks["approve"], run.tries["approve"], run.tasks["promote"]) == ("success", 2, "success")
    log = capfd.readouterr().out
    assert "Not recorded: the answer of ada" in log
    assert "The answer of ada at" in log
    assert [h[:2] for h in history(airflow)][:3] == [
        ("asked", "approval_without_store.approve"),
        ("approved", "ada"),
        ("promote", "approval_without_store.promote"),
    ]


def test_of_mapped_releases_each_is_asked_about_for_itself(airflow: Airflow) -> None:
    with answering("approval_mapped", [("ada", "Approve", {}), ("ada", "Reject", {})]) as asked:
        run = airflow.run("approval_mapped", day=1)
    both = {"May nyc.flights@r1 go live?": "approve[0]", "May nyc.weather@r1 go live?": "approve[1]"}
    # Both ask at once, and who is heard first is told yes.
    assert [run.tasks[both[subject]] for subject in asked] == ["success", "failed"]
    assert airflow.states()[asked[1].split()[1]] == "CANDIDATE"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"quorum": 0}, "quorum=0: expected how many people must approve"),
        ({"quorum": "2"}, "quorum='2'"),
        ({"quorum": True}, "quorum=True"),
        ({"expires_after": 3}, "expires_after=3: expected a timedelta"),
        ({"expires_after": timedelta(0)}, "expires_after="),
        ({"response_timeout": "1 day"}, "response_timeout='1 day'"),
        ({"defaults": "Approve"}, "would approve a release that nobody has looked at"),
        ({"assigned_users": ["ada"]}, r"assigned_users=\['ada'\]: expected a list such as"),
        ({"assigned_users": [{"id": "ada", "name": "ada"}], "quorum": 2}, "quorum=2 can never be reached: 1 of"),
        (
            {"assigned_users": [{"id": "ada", "name": "ada"}], "author_may_approve": False},
            r"quorum=1 can never be reached: 0 of the assigned_users may approve: ada has started this run",
        ),
    ],
)
def test_what_cannot_be_meant_is_said_before_anybody_is_asked(given: dict[str, object], said: str) -> None:
    task = ApproveReleaseOperator(task_id="approve", release="a.b@r1", **given)
    with pytest.raises(ConfigurationError, match=said):
        task._rules({"dag_run": SimpleNamespace(triggering_user_name="ada")})


def test_who_may_answer_comes_from_the_task_and_its_run() -> None:
    people = [{"id": "ada", "name": "ada"}, {"id": "grace", "name": "grace"}]
    task = ApproveReleaseOperator(task_id="approve", release="a.b@r1", assigned_users=people, author_may_approve=False)
    assert task._rules({"dag_run": SimpleNamespace(triggering_user_name="ada")}) == Rules(
        assigned=frozenset({"ada", "grace"}), author="ada"
    )
    assert task._rules({"dag_run": SimpleNamespace(triggering_user_name=None)}).author is None


def test_a_promotion_demands_those_who_are_asked_before_it(airflow: Airflow) -> None:
    dag = airflow.dags["approval_mapped"]
    asked = ApprovalRef(dag_id="approval_mapped", task_id="approve")
    assert approvals_upstream(dag.get_task("promote")) == [asked]
    assert approvals_downstream(dag.get_task("stage")) == [asked]  # and not those who are asked afterwards
    assert approvals_upstream(airflow.dags["approval"].get_task("promote"))[0].quorum == 2
    assert approvals_upstream(airflow.dags["life"].get_task("promote")) == []
