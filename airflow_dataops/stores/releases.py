"""Datasets, releases, events, intents and pins. Every move of a release is a compare-and-set plus an event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition, ReleaseNotFound
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.releases import (
    Action,
    Dataset,
    Intent,
    Operation,
    Release,
    ReleaseName,
    State,
    TaskKey,
    transition,
)
from airflow_dataops.stores.models import DatasetRow, IntentRow, PinRow, ReleaseEventRow, ReleaseRow

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class ReleaseShelf:
    """What is known of datasets and their releases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # datasets

    def bind(self, dataset: Dataset, now: datetime) -> None:
        """Bind a dataset at its first stage; later ones must agree.

        :raises ConfigurationError: it is bound to something else; names what differs.
        """
        with self._store.writing() as session:
            row = _dataset_row(session, dataset.name)
            if row is None:
                try:
                    with session.begin_nested():
                        session.add(DatasetRow(**vars(dataset), created_at=now))
                    return
                except IntegrityError:  # another first stage was quicker: compare with what it bound
                    row = _dataset_row(session, dataset.name)
            bound = _dataset(row) if row else dataset
            for part in ("conn_id", "publisher", "target"):
                if getattr(bound, part) != getattr(dataset, part):
                    raise ConfigurationError(
                        f"Dataset {dataset.name} is bound to {part}={getattr(bound, part)!r}, not "
                        f"{getattr(dataset, part)!r}: readers rely on it. Use the bound value, or another dataset name."
                    )

    def datasets(self) -> list[Dataset]:
        """Return all datasets by name."""
        with self._store.reading() as session:
            return [_dataset(r) for r in session.scalars(select(DatasetRow).order_by(DatasetRow.name))]

    def find_dataset(self, name: str) -> Dataset | None:
        """Return the dataset, or ``None`` if that name is not one (yet)."""
        with self._store.reading() as session:
            row = _dataset_row(session, name)
            return _dataset(row) if row else None

    def dataset(self, name: str) -> Dataset:
        """Return the dataset.

        :raises ReleaseNotFound: there is none of that name; lists those there are.
        """
        found = self.find_dataset(name)
        if found:
            return found
        known = ", ".join(d.name for d in self.datasets()[:10]) or "none yet"
        raise ReleaseNotFound(f"There is no dataset {name!r}. Known datasets: {known}. The first stage makes one.")

    # releases

    def begin(
        self,
        dataset: str,
        relation_of: Callable[[int], Relation],
        op: Operation,
        *,
        interval_end: datetime | None,
        sources: Sequence[str],
    ) -> Release:
        """Give the next release number and record that it is being built."""
        with self._store.writing() as session:
            row = session.scalars(select(DatasetRow).where(DatasetRow.name == dataset).with_for_update()).one()
            last = session.scalar(select(func.max(ReleaseRow.number)).where(ReleaseRow.dataset_id == row.id))
            number = (last or 0) + 1
            release = ReleaseRow(
                dataset=row,
                number=number,
                relation=str(relation_of(number)),
                state=State.BUILDING,
                columns=[],
                sources=list(sources),
                interval_end=interval_end,
                op_id=op.op_id,
                created_at=op.now,
                **vars(op.key),
            )
            session.add(release)
            session.flush()
            _record(session, release, "stage", None, op)
            return _release(release)

    def built(self, release: Release, op: Operation, *, columns: Sequence[Column], fingerprint: str) -> Release:
        """Record that the release's relation stands: it is a candidate now."""
        with self._store.writing() as session:
            row = _release_row(session, release.name)
            row.columns = [vars(c) for c in columns]
            row.fingerprint = fingerprint
            _move(session, row, Action.BUILT, op, detail={"fingerprint": fingerprint})
            return _release(row)

    def adopt(self, dataset: str, relation: Relation, op: Operation) -> Release:
        """Record a plain table, found under the reader-facing name, as release 0, live; once."""
        with self._store.writing() as session:
            row = session.scalars(select(DatasetRow).where(DatasetRow.name == dataset).with_for_update()).one()
            found = session.scalars(_releases_of(dataset).where(ReleaseRow.number == 0)).first()
            if found is None:
                found = ReleaseRow(
                    dataset=row,
                    number=0,
                    relation=str(relation),
                    state=State.LIVE,
                    columns=[],
                    sources=[],
                    op_id=op.op_id,
                    created_at=op.now,
                    **vars(op.key),
                )
                session.add(found)
                session.flush()
                _record(session, found, Action.ADOPT, None, op)
            return _release(found)

    def get(self, name: ReleaseName) -> Release:
        """Return the release.

        :raises ReleaseNotFound: no such dataset or release; says what the newest one is.
        """
        with self._store.reading() as session:
            return _release(_release_row(session, name))

    def of(
        self,
        dataset: str | None = None,
        *,
        states: Sequence[State] = (),
        dag_ids: Collection[str] | None = None,
        limit: int = 500,
    ) -> list[Release]:
        """Return releases, newest first.

        :param dag_ids: only those that these DAGs have staged (releases made outside Airflow are left out).
        """
        query = _releases_of(dataset).order_by(ReleaseRow.created_at.desc(), ReleaseRow.id.desc()).limit(limit)
        if states:
            query = query.where(ReleaseRow.state.in_(states))
        if dag_ids is not None:
            query = query.where(ReleaseRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [_release(r) for r in session.scalars(query)]

    def live(self, dataset: str) -> Release | None:
        """Return the live release; ``None`` before the first promotion."""
        found = self.of(dataset, states=[State.LIVE], limit=1)
        return found[0] if found else None

    def staged_by(self, op_id: str) -> list[Release]:
        """Return the releases that this stage has made and that never went live."""
        query = select(ReleaseRow).where(
            ReleaseRow.op_id == op_id, ReleaseRow.state.in_([State.BUILDING, State.CANDIDATE])
        )
        with self._store.reading() as session:
            return [_release(r) for r in session.scalars(query)]

    def holding(self, conn_id: str, relation: Relation) -> Release | None:
        """Return the release that this relation of a connection belongs to, if one still counts on it."""
        query = _releases_of(None).where(
            DatasetRow.conn_id == conn_id,
            ReleaseRow.relation == str(relation),
            ReleaseRow.state.not_in([State.ABORTED, State.RETIRED]),
        )
        with self._store.reading() as session:
            row = session.scalars(query).first()
            return _release(row) if row else None

    def note(self, name: ReleaseName, action: str, op: Operation) -> None:
        """Append an event that moves nothing."""
        with self._store.writing() as session:
            row = _release_row(session, name)
            _record(session, row, action, State(row.state), op)

    def noted(self, action: str, op_id: str) -> ReleaseName | None:
        """Return the release about which this operation has noted ``action``."""
        query = select(ReleaseEventRow).where(ReleaseEventRow.action == action, ReleaseEventRow.op_id == op_id)
        with self._store.reading() as session:
            row = session.scalars(query).first()
            return _release(row.release).name if row else None

    def move(self, name: ReleaseName, action: Action, op: Operation) -> Release:
        """Move the release as the table of transitions allows, with an event.

        :raises IllegalTransition: its state does not allow it.
        """
        with self._store.writing() as session:
            row = _release_row(session, name)
            _move(session, row, action, op)
            return _release(row)

    def events(self, name: ReleaseName) -> list[dict[str, Any]]:
        """Return the release's history, oldest first: action, states, at, by, reason, op_id, task."""
        with self._store.reading() as session:
            row = _release_row(session, name)
            query = select(ReleaseEventRow).where(ReleaseEventRow.release_id == row.id).order_by(ReleaseEventRow.id)
            return [_event(e) for e in session.scalars(query)]

    def predecessor(self, name: ReleaseName) -> Release | None:
        """Return what was live before this release: the target of a roll-back that names none."""
        with self._store.reading() as session:
            row = _release_row(session, name)
            query = (
                select(ReleaseEventRow)
                .join(ReleaseRow, ReleaseRow.id == ReleaseEventRow.release_id)
                .where(
                    ReleaseRow.dataset_id == row.dataset_id,
                    ReleaseRow.id != row.id,
                    ReleaseRow.state == State.SUPERSEDED,
                    ReleaseEventRow.action == Action.SUPERSEDE,
                )
                .order_by(ReleaseEventRow.id.desc())
            )
            event = session.scalars(query).first()
            return _release(event.release) if event else None

    # switches

    def intend(self, intent: Intent) -> None:
        """Record a switch that is about to be made; the same operation's earlier intent is replaced."""
        with self._store.writing() as session:
            row = session.scalars(select(DatasetRow).where(DatasetRow.name == intent.dataset.name)).one()
            session.merge(
                IntentRow(
                    op_id=intent.op.op_id,
                    dataset_id=row.id,
                    number=intent.release.number,
                    from_epoch=intent.from_epoch,
                    leaves=str(intent.leaves),
                    at=intent.op.now,
                    by=intent.op.by,
                    reason=intent.op.reason,
                    **vars(intent.op.key),
                )
            )

    def intents(self, dataset: str) -> list[Intent]:
        """Return the switches that were begun and neither finalised nor cleared, oldest first."""
        query = (
            select(IntentRow, DatasetRow)
            .join(DatasetRow, DatasetRow.id == IntentRow.dataset_id)
            .where(DatasetRow.name == dataset)
            .order_by(IntentRow.from_epoch, IntentRow.at)
        )
        with self._store.reading() as session:
            return [_intent(intent, row) for intent, row in session.execute(query)]

    def clear_intent(self, op_id: str) -> None:
        """Forget a switch that did not and will not happen."""
        with self._store.writing() as session:
            session.execute(delete(IntentRow).where(IntentRow.op_id == op_id))

    def finalise(self, intent: Intent, *, epoch: int, adopted: Relation | None) -> bool:
        """Record a switch that happened, in one transaction; return False if somebody has recorded it already.

        :param adopted: where the plain table that was live before has gone.
        """
        with self._store.writing() as session:
            gone = session.execute(delete(IntentRow).where(IntentRow.op_id == intent.op.op_id))
            if not isinstance(gone, CursorResult) or gone.rowcount == 0:
                return False
            target = _release_row(session, intent.release)
            detail = {"epoch": epoch}
            live = _releases_of(intent.dataset.name).where(ReleaseRow.state == State.LIVE, ReleaseRow.id != target.id)
            for row in session.scalars(live):
                if adopted is not None and row.number == 0:
                    row.relation = str(adopted)
                _move(session, row, intent.leaves, intent.op, detail=detail)
            if target.state != State.LIVE:
                gains = Action.RESTORE if intent.leaves is Action.ROLLBACK else Action.PROMOTE
                _move(session, target, gains, intent.op, detail=detail)
            return True

    # pins

    def pin(self, dataset: str, dag_id: str, run_id: str, number: int, now: datetime, *, anew: bool = False) -> int:
        """Pin a release for a DAG run and return the pinned number: the earlier one if there is one.

        :param anew: replace an earlier pin (its release was rolled back or retired).
        """
        with self._store.writing() as session:
            row = session.scalars(select(DatasetRow).where(DatasetRow.name == dataset).with_for_update()).one()
            where = (PinRow.dataset_id == row.id, PinRow.dag_id == dag_id, PinRow.run_id == run_id)
            pinned = session.scalars(select(PinRow).where(*where)).first()
            if pinned is None:
                pinned = PinRow(dataset_id=row.id, dag_id=dag_id, run_id=run_id, number=number, at=now)
                session.add(pinned)
            elif anew:
                pinned.number, pinned.at = number, now
            return pinned.number

    def pinned(self, dataset: str, dag_id: str, *, run_id: str | None = None, besides: str | None = None) -> int | None:
        """Return the newest release pinned by a DAG: in ``run_id``, or in any run but ``besides``."""
        query = (
            select(PinRow.number)
            .join(DatasetRow, DatasetRow.id == PinRow.dataset_id)
            .where(DatasetRow.name == dataset, PinRow.dag_id == dag_id)
            .order_by(PinRow.at.desc(), PinRow.id.desc())
        )
        if run_id is not None:
            query = query.where(PinRow.run_id == run_id)
        if besides is not None:
            query = query.where(PinRow.run_id != besides)
        with self._store.reading() as session:
            return session.scalars(query).first()


def _dataset_row(session: Session, name: str) -> DatasetRow | None:
    return session.scalars(select(DatasetRow).where(DatasetRow.name == name)).first()


def _releases_of(dataset: str | None) -> Any:
    query = select(ReleaseRow).join(DatasetRow, DatasetRow.id == ReleaseRow.dataset_id)
    return query if dataset is None else query.where(DatasetRow.name == dataset)


def _release_row(session: Session, name: ReleaseName) -> ReleaseRow:
    row = session.scalars(_releases_of(name.dataset).where(ReleaseRow.number == name.number)).first()
    if isinstance(row, ReleaseRow):
        return row
    newest = session.scalars(_releases_of(name.dataset).order_by(ReleaseRow.number.desc())).first()
    known = f"Its newest is {name.dataset}@r{newest.number}." if newest else "That dataset has no release."
    raise ReleaseNotFound(f"There is no release {name}. {known}")


def _move(
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
    _record(session, row, action, before, op, detail)


def _record(
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


def _key(row: Any) -> TaskKey:
    return TaskKey(
        dag_id=row.dag_id, run_id=row.run_id, task_id=row.task_id, map_index=row.map_index, try_number=row.try_number
    )


def _dataset(row: DatasetRow) -> Dataset:
    return Dataset(name=row.name, conn_id=row.conn_id, publisher=row.publisher, target=row.target)


def _release(row: ReleaseRow) -> Release:
    return Release(
        dataset=_dataset(row.dataset),
        number=row.number,
        relation=Relation.parse(row.relation),
        state=State(row.state),
        op_id=row.op_id,
        created_at=row.created_at,
        key=_key(row),
        fingerprint=row.fingerprint,
        columns=tuple(Column(**c) for c in row.columns),
        interval_end=row.interval_end,
        sources=tuple(row.sources),
    )


def _event(row: ReleaseEventRow) -> dict[str, Any]:
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
    }


def _intent(row: IntentRow, dataset: DatasetRow) -> Intent:
    return Intent(
        op=Operation(op_id=row.op_id, by=row.by, now=row.at, key=_key(row), reason=row.reason),
        dataset=_dataset(dataset),
        release=ReleaseName(dataset=dataset.name, number=row.number),
        from_epoch=row.from_epoch,
        leaves=Action(row.leaves),
    )
