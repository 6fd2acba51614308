"""Approve: people are asked about a release's present content, and their answers are kept before anything else."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.approvals import (
    Answer,
    Approval,
    ApprovalRef,
    Question,
    Response,
    Rules,
    counting,
    demanded,
    missing_approvals,
    refusal,
    shown_approval,
)
from airflow_dataops.core.errors import IllegalTransition
from airflow_dataops.core.plans import RequireApproval
from airflow_dataops.core.releases import NOT_YET_LIVE, Operation, Release, ReleaseName, State, op_id, shown_state
from airflow_dataops.services.releasing.target import Target
from airflow_dataops.stores.approvals import ASKED

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

TIMED_OUT = "timed out"

ASKABLE = (*NOT_YET_LIVE, State.SUPERSEDED, State.ROLLED_BACK)
"""The states in which people are asked whether a release may go live."""


def question_about(target: Target, name: ReleaseName, *, deadline: datetime | None = None) -> Question | None:
    """Return what to ask about a release as it is now; ``None`` where it is live already.

    :raises IllegalTransition: it can never go live.
    :raises MeasureError: its fingerprint could not be read.
    """
    release = target.store.releases.get(name)
    if release.state is State.LIVE:
        return None
    if release.state not in ASKABLE:
        raise IllegalTransition(f"{release} is {release.state}: there is nothing to approve. Stage a new release.")
    with target.connector.open(read_only=True) as db:
        found = target.fingerprint(db, release.relation)
    return Question(release=name, fingerprint=found, deadline=deadline)


def note_asked(store: Store, question: Question, rules: Rules, op: Operation) -> None:
    """Record that people are asked, and how many of them must approve."""
    detail = {"fingerprint": question.fingerprint, "quorum": rules.quorum, "assigned": sorted(rules.assigned)}
    store.releases.note(question.release, ASKED, op, **detail)


def take(store: Store, question: Question, response: Response, rules: Rules, op: Operation) -> Approval:
    """Record a person's answer and return it; one that does not count says why, and is recorded too.

    The same answer taken again is recorded once.

    :param op: of the task that asked.
    :raises StoreUnavailable: the answer could not be recorded.
    """
    task = ApprovalRef(dag_id=op.key.dag_id or "", task_id=op.key.task_id or "", quorum=rules.quorum)
    counted = counting(store.approvals.of(question.release), fingerprint=question.fingerprint, now=response.at)
    approval = Approval(
        task=task,
        sequence=0,
        person=response.person,
        answer=response.answer,
        fingerprint=question.fingerprint,
        at=response.at,
        reason=response.reason,
        expires_at=response.at + rules.expires_after if rules.expires_after else None,
        refused=refusal(response, question, rules, [a for a in counted if a.is_of(task)]),
    )
    answered = replace(
        op,
        op_id=op_id(op.op_id, question.mark, response.person.id, response.at.isoformat()),
        by=str(response.person),
        now=response.at,
        reason=approval.refused or response.reason,
    )
    store.approvals.add(question.release, approval, answered)
    return approval


def lacking(store: Store, question: Question, task: ApprovalRef, now: datetime) -> tuple[str, ...]:
    """Return what the approval by this task lacks, a line each; empty where enough people have approved."""
    approvals = store.approvals.of(question.release)
    return missing_approvals([task], approvals, fingerprint=question.fingerprint, now=now)


def approved_fingerprint(
    target: Target, release: Release, judged: str | None, asked: Sequence[ApprovalRef] | None, op: Operation
) -> tuple[str | None, list[RequireApproval]]:
    """Return the content that may go live, ``None`` for any, and the plan's step that demands its approval.

    :param judged: the fingerprint that the gates' evidence is for; ``None`` where no gate is required.
    :param asked: the tasks whose approval is demanded beside those behind the release's stage; ``None`` where an
        operation goes without, for its reason.
    """
    shelf = target.store.approvals
    here = set(map(str, shelf.asked(release.name)))
    # A task that has asked about another release in this run stands before that one's promotion.
    elsewhere = shelf.asked_in(op.key, besides=release.name) - here
    upstream = [ref for ref in asked or () if str(ref) not in elsewhere]
    required, approvals = demanded(upstream, release.approvals), shelf.of(release.name)
    if not required and not approvals:
        return judged, []
    present = judged
    if present is None:
        with target.connector.open(read_only=True) as db:
            present = target.fingerprint(db, release.relation)
    missing = missing_approvals(required, approvals, fingerprint=present, now=op.now)
    waived = op.reason or "" if missing and asked is None else None
    return present, [RequireApproval(release=release.name, missing=tuple(missing), waived=waived)]


def state_shown(store: Store, release: Release, now: datetime) -> str:
    """Return the release's state as people read it, with what gates and people have said of a candidate."""
    if release.state is not State.CANDIDATE:
        return str(release.state)
    required = demanded(release.approvals, store.approvals.asked(release.name))
    approvals = store.approvals.of(release.name)
    said = shown_approval(required, approvals, fingerprint=release.fingerprint, now=now)
    return shown_state(release.state, store.gates.evidence(release=release.name), release.fingerprint, said)


def verdict_of(approval: Approval, question: Question, missing: Sequence[str]) -> str:
    """Return the line that tells what has come of an answer.

    :param missing: what the approval lacks now.
    """
    said = "approved" if approval.answer is Answer.APPROVE else "rejected"
    because = f": {approval.reason}" if approval.reason else ""
    if approval.refused:
        return f"The answer of {approval.person} does not count: {approval.refused}."
    rest = "" if not missing or approval.answer is Answer.REJECT else f" Still missing: {'; '.join(missing)}."
    return f"{approval.person} has {said} {question.release}{because}.{rest}"
