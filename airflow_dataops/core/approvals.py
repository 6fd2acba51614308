"""Approval by people: what they are asked, which answers count, and what a promotion still lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from airflow_dataops.core.releases import ReleaseName


class Answer(StrEnum):
    """What a person says of a release."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, kw_only=True)
class ApprovalRef:
    """An approval that promotion demands: a task that asks people.

    :param quorum: how many people must approve.
    """

    dag_id: str
    task_id: str
    quorum: int = 1

    def __str__(self) -> str:
        return f"{self.dag_id}.{self.task_id}"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who answers, as Airflow's login knows them.

    :param id: tells people apart.
    """

    id: str
    name: str

    def __str__(self) -> str:
        return self.name if self.name == self.id else f"{self.name} (id {self.id})"

    def is_called(self, name: str) -> bool:
        """Return whether ``name`` may be this person: the id or the name, in any case."""
        return name.casefold() in (self.id.casefold(), self.name.casefold())


@dataclass(frozen=True, kw_only=True)
class Question:
    """What people are asked: whether this release, with this content, may go live.

    :param fingerprint: of the content that was there when they were asked.
    :param shown: the mark of the form that they see, where that is an earlier question's.
    :param deadline: until when an answer is waited for.
    """

    release: ReleaseName
    fingerprint: str
    shown: str | None = None
    deadline: datetime | None = None

    @property
    def mark(self) -> str:
        """What an answer must be given for: the release and its content, short enough to be typed."""
        return f"{self.release}#{hashlib.sha256(self.fingerprint.encode()).hexdigest()[:8]}"

    def to_dict(self) -> dict[str, Any]:
        """Return the question as JSON data."""
        return {
            "release": str(self.release),
            "fingerprint": self.fingerprint,
            "shown": self.shown,
            "deadline": self.deadline and self.deadline.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Question:
        """Return what :meth:`to_dict` wrote."""
        return cls(
            release=ReleaseName.parse(data["release"]),
            fingerprint=data["fingerprint"],
            shown=data["shown"],
            deadline=data["deadline"] and datetime.fromisoformat(data["deadline"]),
        )


@dataclass(frozen=True, kw_only=True)
class Response:
    """One person's answer to a question.

    :param given_for: the mark that stood in the form.
    """

    person: Person
    answer: Answer
    at: datetime
    given_for: str
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the response as JSON data."""
        return {**vars(self), "person": vars(self.person), "answer": str(self.answer), "at": self.at.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Response:
        """Return what :meth:`to_dict` wrote."""
        return cls(
            person=Person(**data["person"]),
            answer=Answer(data["answer"]),
            at=datetime.fromisoformat(data["at"]),
            given_for=data["given_for"],
            reason=data["reason"],
        )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Whose answer counts, and how long.

    :param quorum: how many people must approve.
    :param assigned: the ids of those who are asked; empty where anybody may answer whom Airflow lets.
    :param author: who started the run, where that person may not approve.
    :param expires_after: how long an approval counts; ``None``: while the content is the same.
    """

    quorum: int = 1
    assigned: frozenset[str] = frozenset()
    author: str | None = None
    expires_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """One stored answer.

    :param sequence: rises with time; the highest of a person counts.
    :param expires_at: from when an approval does not count any more.
    :param refused: why it never counted; ``None`` where it does.
    """

    task: ApprovalRef
    sequence: int
    person: Person
    answer: Answer
    fingerprint: str
    at: datetime
    reason: str | None = None
    expires_at: datetime | None = None
    refused: str | None = None

    def expired(self, now: datetime) -> bool:
        """Return whether its time is over; a rejection stands until its person withdraws it."""
        return self.answer is Answer.APPROVE and self.expires_at is not None and self.expires_at <= now

    def is_of(self, task: ApprovalRef) -> bool:
        """Return whether it was given to this task, whatever quorum that had then."""
        return str(self.task) == str(task)


def counting(approvals: Iterable[Approval], *, fingerprint: str | None, now: datetime) -> list[Approval]:
    """Return the latest answer of each person to each task, where it is for this content and has not expired."""
    newest: dict[tuple[str, str], Approval] = {}
    for item in sorted(approvals, key=lambda a: a.sequence):
        if item.refused is None and item.fingerprint == fingerprint:
            newest[(str(item.task), item.person.id)] = item
    return [item for item in newest.values() if not item.expired(now)]


def refusal(response: Response, question: Question, rules: Rules, counted: Collection[Approval]) -> str | None:
    """Return why an answer does not count; ``None`` where it does.

    :param counted: the answers to the same task that count already.
    """
    person = response.person
    if response.given_for != question.mark:
        return f"it was given for {response.given_for}, and the question is about {question.mark}"
    if rules.assigned and person.id not in rules.assigned:
        return f"{person} is not one of those who are asked ({', '.join(sorted(rules.assigned))})"
    if response.answer is Answer.REJECT:
        return None
    if rules.author is not None and person.is_called(rules.author):
        return f"{person} has started this run, and its author may not approve"
    if any(a.person.id == person.id and a.answer is Answer.APPROVE for a in counted):
        return f"{person} has approved it already: somebody else must"
    return None


def demanded(*groups: Iterable[ApprovalRef]) -> list[ApprovalRef]:
    """Return each task once, as the first group has it that knows it."""
    found: dict[str, ApprovalRef] = {}
    for ref in (ref for group in groups for ref in group):
        found.setdefault(str(ref), ref)
    return [found[name] for name in sorted(found)]


def missing_approvals(
    required: Sequence[ApprovalRef], approvals: Sequence[Approval], *, fingerprint: str | None, now: datetime
) -> tuple[str, ...]:
    """Return a line for each rejection that stands and each task whose quorum is not met; empty if all is approved."""
    counted = counting(approvals, fingerprint=fingerprint, now=now)
    lines = [
        f"{a.person} has rejected it at {a.task}" + (f" ({a.reason})" if a.reason else "")
        for a in counted
        if a.answer is Answer.REJECT
    ]
    for task in required:
        valid = [str(a.person) for a in counted if a.is_of(task) and a.answer is Answer.APPROVE]
        if len(valid) < task.quorum:
            names = f" ({', '.join(valid)})" if valid else ""
            line = f"approval {task}: {len(valid)} of {task.quorum} given{names}"
            given = [a for a in approvals if a.is_of(task) and a.refused is None and a.answer is Answer.APPROVE]
            lines.append("; ".join([line, *dict.fromkeys(_lapsed(given, fingerprint, now))]))
    return tuple(lines)


def _lapsed(given: Iterable[Approval], fingerprint: str | None, now: datetime) -> Iterator[str]:
    """Say of each approval that counted once why it does not any more."""
    for item in given:
        if item.fingerprint != fingerprint:
            yield f"{item.person}'s was for other data (fingerprint differs)"
        elif item.expired(now):
            yield f"{item.person}'s has expired at {item.expires_at:%Y-%m-%d %H:%M}"


def shown_approval(
    required: Sequence[ApprovalRef], approvals: Sequence[Approval], *, fingerprint: str | None, now: datetime
) -> str | None:
    """Return ``REJECTED`` or ``APPROVED`` where people have said so, else ``None``."""
    if any(a.answer is Answer.REJECT for a in counting(approvals, fingerprint=fingerprint, now=now)):
        return "REJECTED"
    if required and not missing_approvals(required, approvals, fingerprint=fingerprint, now=now):
        return "APPROVED"
    return None
