"""Approval on real databases: what promotion demands of people, and what comes of changed data and changed minds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from story import GATE, NOW, Story

from airflow_dataops.core.approvals import Answer, Approval, ApprovalRef, Person, Question, Response, Rules
from airflow_dataops.core.errors import EvidenceMissing, IllegalTransition, MeasureError, StoreUnavailable
from airflow_dataops.core.releases import GateRef, Release, TaskKey
from airflow_dataops.core.usage import Use
from airflow_dataops.services.releasing import Target
from airflow_dataops.services.releasing.approving import lacking, note_asked, question_about, state_shown, take
from airflow_dataops.services.releasing.telling import told
from airflow_dataops.stores.store import Store

ASK = ApprovalRef(dag_id="flights", task_id="approve")
ADA, GRACE = Person(id="ada", name="ada"), Person(id="grace", name="grace")
SOON = NOW + timedelta(minutes=5)
# What does not touch the data itself is the same everywhere.
IN_SQLITE = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


def asked(story: Story, release: Release) -> Question:
    question = question_about(story.target, release.name)
    assert question is not None
    return question


def answer(
    story: Story,
    question: Question,
    person: Person = ADA,
    said: Answer = Answer.APPROVE,
    rules: Rules | None = None,
    **more: object,
) -> Approval:
    values: dict[str, object] = {"at": SOON, "given_for": question.mark} | more
    response = Response(person=person, answer=said, **values)
    return take(story.store, question, response, rules or Rules(), story.op("approve", "r"))


def candidate(story: Story, sql: str = "SELECT 1 AS v", run: str = "r", **more: object) -> Release:
    release = story.stage(run, sql, **more)
    assert story.gate(release) == "PASS"
    return release


def actions(story: Story, release: Release) -> list[str]:
    return [e["action"] for e in story.store.releases.events(release.name)]


def change(story: Story, release: Release) -> None:
    """Change a candidate's content, as a forgotten script would."""
    with story.target.connector.open() as db, db.transaction():
        if db.dialect == "sqlite":
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                db.execute(f'DROP TRIGGER "{name}"')
        db.execute(f"INSERT INTO {release.relation.sql} SELECT 2")


def test_promote_waits_for_people_and_tells_who_they_were(story: Story) -> None:
    release = candidate(story)
    with pytest.raises(EvidenceMissing, match=r"cannot be promoted: approval flights\.approve: 0 of 1 given\. Readers"):
        story.promote(release, approvals=[ASK])
    answer(story, asked(story, release), reason="as agreed")
    assert story.promote(release, approvals=[ASK]).switched
    told_of = [(e["action"], e["by"], e["reason"]) for e in story.store.releases.events(release.name)]
    assert ("approved", "ada", "as agreed") in told_of


@IN_SQLITE
def test_two_different_people_make_a_quorum_of_two(story: Story) -> None:
    release, two = candidate(story), replace(ASK, quorum=2)
    question, rules = asked(story, release), Rules(quorum=2)
    answer(story, question, rules=rules)
    again = answer(story, question, rules=rules, at=SOON + timedelta(seconds=1))
    assert again.refused == "ada has approved it already: somebody else must"
    with pytest.raises(EvidenceMissing, match=r"1 of 2 given \(ada\)") as refused:
        story.promote(release, approvals=[two])
    assert refused.value.missing == ("approval flights.approve: 1 of 2 given (ada)",)
    answer(story, question, GRACE, rules=rules)
    assert lacking(story.store, question, two, SOON) == ()
    assert story.promote(release, approvals=[two]).switched
    assert actions(story, release).count("approved") == 2


@IN_SQLITE
def test_who_has_rejected_may_think_better_of_it(story: Story) -> None:
    release = candidate(story)
    question = asked(story, release)
    answer(story, question)
    answer(story, question, said=Answer.REJECT, reason="wrong currency", at=SOON + timedelta(seconds=1))
    assert state_shown(story.store, release, SOON) == "REJECTED"
    with pytest.raises(EvidenceMissing, match=r"ada has rejected it at flights\.approve \(wrong currency\)"):
        story.promote(release, approvals=[ASK])
    with pytest.raises(EvidenceMissing, match="ada has rejected it"):
        story.promote(release)  # where nobody need be asked, a no still is one
    answer(story, question, at=SOON + timedelta(seconds=2))
    assert story.promote(release, approvals=[ASK]).switched


@IN_SQLITE
def test_an_approval_is_for_one_release_and_its_content(story: Story) -> None:
    first = candidate(story)
    before = asked(story, first)
    answer(story, before)
    again = candidate(story)  # the same task staged again
    assert again.number == first.number + 1
    with pytest.raises(EvidenceMissing, match="0 of 1 given"):
        story.promote(again, approvals=[ASK])
    late = answer(story, asked(story, again), given_for=before.mark, at=NOW)  # in the form that Airflow still shows
    assert late.refused is not None
    with pytest.raises(EvidenceMissing, match="0 of 1 given"):
        story.promote(again, approvals=[ASK])
    answer(story, asked(story, again))
    assert story.promote(again, approvals=[ASK]).release.number == again.number


def test_data_that_changed_after_the_approval_is_not_approved(story: Story) -> None:
    release = candidate(story)
    answer(story, asked(story, release))
    change(story, release)
    story.gate(release)  # the gate passes what is there now
    with pytest.raises(EvidenceMissing, match=r"0 of 1 given; ada's was for other data \(fingerprint differs\)"):
        story.promote(release, approvals=[ASK])
    with pytest.raises(EvidenceMissing, match="ada's was for other data"):
        story.promote(release, required=[], ungated="no suite yet", approvals=[ASK])
    answer(story, asked(story, release), at=SOON + timedelta(seconds=1))
    assert story.promote(release, approvals=[ASK]).switched


@IN_SQLITE
def test_an_approval_expires(story: Story) -> None:
    release = candidate(story)
    answer(story, asked(story, release), rules=Rules(expires_after=timedelta(hours=1)), at=NOW - timedelta(hours=2))
    with pytest.raises(EvidenceMissing, match="ada's has expired at 2013-01-31 23:00"):
        story.promote(release, approvals=[ASK])
    answer(story, asked(story, release), rules=Rules(expires_after=timedelta(hours=1)))
    assert story.promote(release, approvals=[ASK]).switched


@IN_SQLITE
def test_what_stood_behind_the_stage_is_demanded_from_anywhere(story: Story) -> None:
    release = candidate(story, approvals=[replace(ASK, quorum=2)])
    assert story.store.releases.get(release.name).approvals == (replace(ASK, quorum=2),)
    assert state_shown(story.store, release, SOON) == "VALIDATED"
    answer(story, asked(story, release))
    with pytest.raises(EvidenceMissing, match=r"1 of 2 given \(ada\)"):
        story.promote(release)
    answer(story, asked(story, release), GRACE)
    assert state_shown(story.store, release, SOON) == "APPROVED"
    assert story.promote(release).switched


@IN_SQLITE
def test_going_without_is_recorded_with_its_reason(story: Story) -> None:
    release = candidate(story, approvals=[ASK])
    assert story.promote(release, approvals=None, reason="ada is ill, grace has looked at it").switched
    (event,) = [e for e in story.store.releases.events(release.name) if e["action"] == "unapproved"]
    assert event["reason"] == "ada is ill, grace has looked at it"
    assert event["detail"]["missing"] == ["approval flights.approve: 0 of 1 given"]
    approved = candidate(story, run="second", approvals=[ASK])
    answer(story, asked(story, approved))
    story.promote(approved, approvals=None, reason="by hand")
    assert "unapproved" not in actions(story, approved)


@IN_SQLITE
def test_a_gate_and_a_person_must_both_agree(story: Story) -> None:
    release = candidate(story)
    answer(story, asked(story, release))
    with pytest.raises(EvidenceMissing, match=r"gate flights\.second has not run"):
        story.promote(release, required=[GATE, GateRef(dag_id="flights", task_id="second")], approvals=[ASK])


@IN_SQLITE
def test_the_same_answer_is_recorded_once(story: Story) -> None:
    question = asked(story, candidate(story))
    answer(story, question)
    answer(story, question)
    assert len(story.store.approvals.of(question.release)) == 1


@IN_SQLITE
def test_there_is_nothing_to_ask_about_what_is_live_or_gone(story: Story) -> None:
    live = story.live("first")
    assert question_about(story.target, live.name) is None
    release = story.stage("r")
    story.stage("r")
    with pytest.raises(IllegalTransition, match=r"@r2 is ABORTED: there is nothing to approve\. Stage a new release\."):
        question_about(story.target, release.name)


@IN_SQLITE
def test_content_that_cannot_be_read_is_no_question(story: Story) -> None:
    release = candidate(story)
    story.target.publisher.drop(release.relation)
    with pytest.raises(MeasureError):
        question_about(story.target, release.name)


@IN_SQLITE
def test_a_store_that_is_away_says_so(target: Target, story: Story) -> None:
    question = asked(story, candidate(story))
    story.store = Store("sqlite:////nowhere/store.db")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        answer(story, question)
    story.store = target.store
    assert story.store.approvals.of(question.release) == []


@IN_SQLITE
def test_people_read_what_is_known_of_the_release(story: Story) -> None:
    live = story.live("first", "SELECT 1 AS v UNION ALL SELECT 2")
    key = TaskKey(dag_id="report", run_id="x", task_id="build")
    read = Use(relation="nyc.flights", consumer="report.[build](http://x)", source="ref", at=NOW, key=key)
    story.store.usage.add(replace(read, dataset="nyc.flights", release=live.number))
    release = candidate(story)
    question, rules = asked(story, release), Rules(quorum=2, author="ada", expires_after=timedelta(days=7))
    answer(story, question, GRACE, rules=rules, reason="rows are right")
    text = told(story.store, question, rules, story.op("approve", "r"))
    for words in (
        "**nyc.flights@r2**\n",
        "- Rows: 1; 1 column\n",
        "- Live now: nyc.flights@r1",
        "- flights.gate: **PASS**, 1 check\n",
        r"- report.\[build\](http://x): 1 read",  # no link of a consumer's making
        "- 2 different people must approve. ada, who has started this run, may not. An approval counts for 7 days.",
        "- grace has approved it at flights.approve: rows are right",
    ):
        assert words in text
    assert f"- Fingerprint: `{question.fingerprint}`" in text
    change(story, release)
    later = told(story.store, asked(story, release), rules, story.op("approve", "r"))
    assert "- flights.gate: **PASS**, 1 check, of other data than there is now" in later
    assert "- Rows: not counted by a gate; 1 column" in later


@IN_SQLITE
def test_what_was_asked_is_known_to_a_promotion_by_hand(story: Story) -> None:
    release = candidate(story)
    note_asked(story.store, asked(story, release), Rules(quorum=2), story.op("approve", "r"))
    note_asked(story.store, asked(story, release), Rules(quorum=3), story.op("approve", "r"))
    assert [ref.quorum for ref in story.store.approvals.asked(release.name)] == [3, 2]
    with pytest.raises(EvidenceMissing, match="0 of 3 given"):
        story.promote(release, approvals=story.store.approvals.asked(release.name))


@IN_SQLITE
def test_a_task_that_has_asked_about_another_release_in_the_run_is_not_waited_for(story: Story) -> None:
    first = candidate(story, approvals=[ASK])
    note_asked(story.store, asked(story, first), Rules(), story.op("approve", "r"))
    answer(story, asked(story, first))
    assert story.promote(first, approvals=[ASK]).switched
    second = candidate(story, "SELECT 2 AS v")
    later = ApprovalRef(dag_id="flights", task_id="approve_second")
    with pytest.raises(EvidenceMissing, match="approve_second: 0 of 1") as refused:
        story.promote(second, approvals=[ASK, later])
    assert "flights.approve:" not in str(refused.value)
    with pytest.raises(EvidenceMissing, match=r"flights\.approve: 0 of 1"):
        story.promote(second, "another run", approvals=[ASK])
