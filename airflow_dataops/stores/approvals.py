"""What people were asked and have answered: append-only, each answer with its event in the release's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_dataops.core.approvals import Answer, Approval, ApprovalRef, Person
from airflow_dataops.core.releases import Operation, ReleaseName, State, TaskKey
from airflow_dataops.stores.models import ApprovalRow, ReleaseEventRow
from airflow_dataops.stores.rows import record, release_row

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

ASKED = "asked"
"""The event of a question that was put to people."""

REFUSED = "refused"
"""The event of an answer that does not count; its reason says why."""

_EVENTS = {Answer.APPROVE: "approved", Answer.REJECT: "rejected"}


class ApprovalShelf:
    """What people have said of releases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, name: ReleaseName, approval: Approval, op: Operation) -> bool:
        """Append an answer and its event; False if this very answer (by ``op_id``) has been appended already."""
        refused = approval.refused
        detail = {"person": vars(approval.person), "quorum": approval.task.quorum, "refused": refused}
        said = {"answer": str(approval.answer), "fingerprint": approval.fingerprint, "said": approval.reason}
        with self._store.writing() as session:
            row = release_row(session, name)
            same = select(ReleaseEventRow.id).where(
                ReleaseEventRow.release_id == row.id,
                ReleaseEventRow.op_id == op.op_id,
                ReleaseEventRow.action.in_([REFUSED, *_EVENTS.values()]),
            )
            if session.scalars(same).first() is not None:
                return False
            session.add(
                ApprovalRow(
                    release_id=row.id,
                    fingerprint=approval.fingerprint,
                    answer=str(approval.answer),
                    reason=approval.reason,
                    expires_at=approval.expires_at,
                    detail=detail,
                    at=approval.at,
                    by=op.by,
                    **vars(op.key),
                )
            )
            record(session, row, REFUSED if refused else _EVENTS[approval.answer], State(row.state), op, said)
            return True

    def of(self, name: ReleaseName) -> list[Approval]:
        """Return all answers about a release, oldest first, those that never counted too."""
        with self._store.reading() as session:
            row = release_row(session, name)
            query = select(ApprovalRow).where(ApprovalRow.release_id == row.id).order_by(ApprovalRow.id)
            return [_approval(found) for found in session.scalars(query)]

    def asked(self, name: ReleaseName) -> list[ApprovalRef]:
        """Return the tasks that have asked people about a release, the newest question first."""
        with self._store.reading() as session:
            row = release_row(session, name)
            query = (
                select(ReleaseEventRow)
                .where(ReleaseEventRow.release_id == row.id, ReleaseEventRow.action == ASKED)
                .order_by(ReleaseEventRow.id.desc())
            )
            return [_ref(event, event.detail["quorum"]) for event in session.scalars(query)]

    def asked_in(self, key: TaskKey, *, besides: ReleaseName) -> set[str]:
        """Return the tasks that have asked in this DAG run about other releases; none outside of a run."""
        query = select(ReleaseEventRow).where(
            ReleaseEventRow.action == ASKED, ReleaseEventRow.dag_id == key.dag_id, ReleaseEventRow.run_id == key.run_id
        )
        with self._store.reading() as session:
            row = release_row(session, besides)
            events = session.scalars(query.where(ReleaseEventRow.release_id != row.id)) if key.run_id else ()
            return {str(_ref(event, event.detail["quorum"])) for event in events}


def _ref(row: ApprovalRow | ReleaseEventRow, quorum: int) -> ApprovalRef:
    return ApprovalRef(dag_id=row.dag_id or "", task_id=row.task_id or "", quorum=quorum)


def _approval(row: ApprovalRow) -> Approval:
    return Approval(
        task=_ref(row, row.detail["quorum"]),
        sequence=row.id,
        person=Person(**row.detail["person"]),
        answer=Answer(row.answer),
        fingerprint=row.fingerprint,
        at=row.at,
        reason=row.reason,
        expires_at=row.expires_at,
        refused=row.detail["refused"],
    )
