"""Rows to values and back: what the shelves share. A release's row moves only by compare-and-set, with an event."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from airflow_dataops.core.approvals import ApprovalRef
from airflow_dataops.core.errors import IllegalTransition, ReleaseNotFound
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.releases import (
    Action,
    Dataset,
    GateRef,
    Operation,
    Release,
    ReleaseName,
    State,
    TaskKey,
    transition,
)
from airflow_dataops.stores.models import DatasetRow, ReleaseEventRow, ReleaseRow


def dataset_row(session: Session, name: str) -> DatasetRow | None:
    return session.scalars(select(DatasetRow).where(DatasetRow.name == name)).first()


def releases_of(dataset: str | None) -> Any:
    query = select(ReleaseRow).join(DatasetRow, DatasetRow.id == ReleaseRow.dataset_id)
    return query if dataset is None else query.where(DatasetRow.name == dataset)


def release_row(session: Session, name: ReleaseName) -> ReleaseRow:
    row = session.scalars(releases_of(name.dataset).where(ReleaseRow.number == name.number)).first()
    if isinstance(row, ReleaseRow):
        return row
    newest = session.scalars(releases_of(name.dataset).order_by(ReleaseRow.number.desc())).first()
    known = f"Its newest is {name.dataset}@r{newest.number}." if newest else "That dataset has no release."
    raise ReleaseNotFound(f"There is no release {name}. {known}")


def move_row(
    session: Session, row: ReleaseRow, action: Action, op: Operation, detail: dict[str, Any] | None = None
) -> None:
    """Compare-and-set the state and append the event.

    :raises IllegalTransition: the table forbids it, or somebody else moved the release first.
    """
    before = State(row.state)
    name = f"{row.dataset.name}@r{row.number}"
    after = transition(action, before, name)
    session.flush()
    moved = session.execute(
        update(ReleaseRow).where(ReleaseRow.id == row.id, ReleaseRow.state == before).values(state=after)
    )
    if isinstance(moved, CursorResult) and moved.rowcount != 1:
        raise IllegalTransition(f"{name} was {before} a moment ago and is not any more: another operation moved it.")
    session.refresh(row, ["state"])
    record(session, row, action, before, op, detail)


def record(
    session: Session,
    row: ReleaseRow,
    action: str,
    before: State | None,
    op: Operation,
    detail: dict[str, Any] | None = None,
) -> None:
    session.add(
        ReleaseEventRow(
            release_id=row.id,
            action=str(action),
            from_state=before,
            to_state=row.state,
            at=op.now,
            by=op.by,
            reason=op.reason,
            op_id=op.op_id,
            detail=detail or {},
            **vars(op.key),
        )
    )


def key_of(row: Any) -> TaskKey:
    return TaskKey(
        dag_id=row.dag_id, run_id=row.run_id, task_id=row.task_id, map_index=row.map_index, try_number=row.try_number
    )


def dataset_of(row: DatasetRow) -> Dataset:
    return Dataset(name=row.name, conn_id=row.conn_id, publisher=row.publisher, target=row.target, reader=row.reader)


def release_of(row: ReleaseRow) -> Release:
    return Release(
        dataset=dataset_of(row.dataset),
        number=row.number,
        relation=Relation.parse(row.relation),
        state=State(row.state),
        op_id=row.op_id,
        created_at=row.created_at,
        key=key_of(row),
        fingerprint=row.fingerprint,
        columns=tuple(Column(**c) for c in row.columns),
        interval_end=row.interval_end,
        sources=tuple(row.sources),
        gates=tuple(GateRef(dag_id=dag_id, task_id=task_id) for dag_id, task_id in row.gates),
        base=row.base,
        approvals=tuple(ApprovalRef(**ref) for ref in row.approvals or ()),
    )


def event_of(row: ReleaseEventRow) -> dict[str, Any]:
    return {
        "action": row.action,
        "from_state": row.from_state,
        "to_state": row.to_state,
        "at": row.at,
        "by": row.by,
        "reason": row.reason,
        "op_id": row.op_id,
        "detail": row.detail,
        "dag_id": row.dag_id,
        "run_id": row.run_id,
        "task_id": row.task_id,
        "map_index": row.map_index,
    }
