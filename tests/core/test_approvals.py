"""Which answers of people count, and what an approval lacks: tables of cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_dataops.core.approvals import (
    Answer,
    Approval,
    ApprovalRef,
    Person,
    Question,
    Response,
    Rules,
    counting,
    demanded,
    missing_approvals,
    refusal,
    shown_approval,
)
from airflow_dataops.core.releases import ReleaseName, State, shown_state

NOW = datetime(2013, 2, 1, 12, tzinfo=UTC)
TASK = ApprovalRef(dag_id="d", task_id="approve")
ADA, GRACE = Person(id="ada", name="ada"), Person(id="7", name="Grace")
QUESTION = Question(release=ReleaseName(dataset="a.b", number=1), fingerprint="f")


def approval(sequence: int = 1, **more: object) -> Approval:
    values: dict[str, object] = {
        "task": TASK,
        "sequence": sequence,
        "person": ADA,
        "answer": Answer.APPROVE,
        "fingerprint": "f",
        "at": NOW - timedelta(hours=1),
    }
    return Approval(**(values | more))


def response(**more: object) -> Response:
    values: dict[str, object] = {"person": ADA, "answer": Answer.APPROVE, "at": NOW, "given_for": QUESTION.mark}
    return Response(**(values | more))


REJECT = {"answer": Answer.REJECT, "reason": "wrong currency"}
OVER = {"expires_at": NOW - timedelta(minutes=1)}


@pytest.mark.parametrize(
    ("quorum", "approvals", "missing"),
    [
        (1, [], ["approval d.approve: 0 of 1 given"]),
        (1, [approval()], []),
        (2, [approval()], ["approval d.approve: 1 of 2 given (ada)"]),
        (2, [approval(1), approval(2)], ["approval d.approve: 1 of 2 given (ada)"]),
        (2, [approval(1), approval(2, person=GRACE)], []),
        (1, [approval(refused="ada is the author")], ["approval d.approve: 0 of 1 given"]),
        (
            1,
            [approval(fingerprint="other")],
            ["approval d.approve: 0 of 1 given; ada's was for other data (fingerprint differs)"],
        ),
        (1, [approval(**OVER)], ["approval d.approve: 0 of 1 given; ada's has expired at 2013-02-01 11:59"]),
        (1, [approval(1, **OVER), approval(2, expires_at=NOW + timedelta(days=1))], []),
        (
            1,
            [approval(1), approval(2, **REJECT)],
            ["ada has rejected it at d.approve (wrong currency)", "approval d.approve: 0 of 1 given"],
        ),
        (1, [approval(1, **REJECT), approval(2)], []),
        (1, [approval(1, **REJECT, fingerprint="other"), approval(2, person=GRACE)], []),
        (
            1,
            [approval(1, **REJECT, **OVER), approval(2, person=GRACE)],
            ["ada has rejected it at d.approve (wrong currency)"],
        ),
        (1, [approval(1, **REJECT, refused="not asked"), approval(2, person=GRACE)], []),
        (
            1,
            [approval(task=ApprovalRef(dag_id="d", task_id="another"))],
            ["approval d.approve: 0 of 1 given"],
        ),
        (
            1,
            [
                approval(),
                approval(2, person=GRACE, task=ApprovalRef(dag_id="d", task_id="another"), answer=Answer.REJECT),
            ],
            ["Grace (id 7) has rejected it at d.another"],
        ),
    ],
)
def test_what_an_approval_lacks(quorum: int, approvals: list[Approval], missing: list[str]) -> None:
    task = ApprovalRef(dag_id="d", task_id="approve", quorum=quorum)
    assert list(missing_approvals([task], approvals, fingerprint="f", now=NOW)) == missing
    # The order in which they are read makes no difference: the store's numbers tell which is the latest.
    assert list(missing_approvals([task], approvals[::-1], fingerprint="f", now=NOW))[:1] == missing[:1]


@pytest.mark.parametrize(
    ("answer", "rules", "counted", "said"),
    [
        ({}, Rules(), [], None),
        ({}, Rules(assigned=frozenset({"ada"})), [], None),
        ({}, Rules(assigned=frozenset({"grace"})), [], "ada is not one of those who are asked (grace)"),
        (REJECT, Rules(assigned=frozenset({"grace"})), [], "ada is not one of those who are asked (grace)"),
        ({}, Rules(author="ada"), [], "ada has started this run, and its author may not approve"),
        ({}, Rules(author="ADA"), [], "ada has started this run, and its author may not approve"),
        ({"person": GRACE}, Rules(author="grace"), [], "Grace (id 7) has started this run"),
        (REJECT, Rules(author="ada"), [], None),
        ({}, Rules(quorum=2), [approval()], "ada has approved it already: somebody else must"),
        ({}, Rules(quorum=2), [approval(**REJECT)], None),
        (REJECT, Rules(quorum=2), [approval()], None),
        ({"person": GRACE}, Rules(quorum=2), [approval()], None),
        (
            {"given_for": "a.b@r0#1"},
            Rules(),
            [],
            f"it was given for a.b@r0#1, and the question is about {QUESTION.mark}",
        ),
        ({**REJECT, "given_for": "a.b@r0#1"}, Rules(), [], "it was given for a.b@r0#1"),
    ],
)
def test_which_answers_count(
    answer: dict[str, object], rules: Rules, counted: list[Approval], said: str | None
) -> None:
    found = refusal(response(**answer), QUESTION, rules, counted)
    assert found is None if said is None else found is not None and found.startswith(said)


def test_an_answer_is_for_the_release_and_its_content() -> None:
    other = Question(release=QUESTION.release, fingerprint="g")
    assert QUESTION.mark.startswith("a.b@r1#")
    assert (
        len({QUESTION.mark, other.mark, Question(release=ReleaseName(dataset="a.b", number=2), fingerprint="f").mark})
        == 3
    )


def test_each_persons_latest_answer_to_each_task_counts() -> None:
    another = ApprovalRef(dag_id="d", task_id="another")
    found = counting([approval(3), approval(1, **REJECT), approval(2, task=another)], fingerprint="f", now=NOW)
    assert [(str(a.task), a.answer) for a in found] == [("d.approve", Answer.APPROVE), ("d.another", Answer.APPROVE)]


def test_a_task_is_demanded_once_as_the_first_who_knows_it_says() -> None:
    mine, theirs = ApprovalRef(dag_id="d", task_id="approve", quorum=2), ApprovalRef(dag_id="c", task_id="ask")
    assert demanded([mine], [TASK, theirs], [theirs]) == [theirs, mine]


@pytest.mark.parametrize(
    ("approvals", "said", "candidate"),
    [
        ([], None, "CANDIDATE"),
        ([approval()], "APPROVED", "APPROVED"),
        ([approval(**OVER)], None, "CANDIDATE"),
        ([approval(1), approval(2, **REJECT)], "REJECTED", "REJECTED"),
        ([approval(fingerprint="other")], None, "CANDIDATE"),
    ],
)
def test_what_people_say_is_shown(approvals: list[Approval], said: str | None, candidate: str) -> None:
    found = shown_approval([TASK], approvals, fingerprint="f", now=NOW)
    assert found == said
    assert shown_state(State.CANDIDATE, [], "f", found) == candidate
    assert shown_state(State.LIVE, [], "f", found) == "LIVE"


def test_nobody_was_asked_so_nobody_has_approved() -> None:
    assert shown_approval([], [], fingerprint="f", now=NOW) is None


@pytest.mark.parametrize(
    "value",
    [
        QUESTION,
        Question(release=QUESTION.release, fingerprint="f", shown="a.b@r0#1", deadline=NOW),
        response(),
        response(person=GRACE, reason="as agreed", answer=Answer.REJECT),
    ],
)
def test_values_cross_a_border_and_back(value: Question | Response) -> None:
    assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value
