"""Datasets, releases and their events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, case, func, select, type_coerce
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_dataops.core.approvals import ApprovalRef
from airflow_dataops.core.errors import ConfigurationError, ReleaseNotFound
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.releases import KEPT, Action, Dataset, GateRef, Operation, Release, ReleaseName, State
from airflow_dataops.core.routes import Route
from airflow_dataops.stores.models import DatasetRow, ReleaseEventRow, ReleaseRow
from airflow_dataops.stores.rows import (
    dataset_of,
    dataset_row,
    event_of,
    move_row,
    record,
    release_of,
    release_row,
    releases_of,
)

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
            row = dataset_row(session, dataset.name)
            if row is None:
                _refuse_shared_reader(session, dataset)
                row = DatasetRow(**vars(dataset), reader_key=dataset.reader.casefold(), created_at=now)
                try:
                    with session.begin_nested():
                        session.add(row)
                except IntegrityError:  # another first stage was quicker: agree with what it bound
                    _refuse_shared_reader(session, dataset)
                    row = session.scalars(select(DatasetRow).where(DatasetRow.name == dataset.name)).one()
            bound = dataset_of(row)
            for part in ("conn_id", "publisher", "target"):
                if getattr(bound, part) != getattr(dataset, part):
                    raise ConfigurationError(
                        f"Dataset {dataset.name} is bound to {part}={getattr(bound, part)!r}, not "
                        f"{getattr(dataset, part)!r}: readers rely on it. Use the bound value, or another dataset name."
                    )

    def datasets(self, *, dag_ids: Collection[str] | None = None) -> list[Dataset]:
        """Return all datasets by name.

        :param dag_ids: only those of which these DAGs have staged a release.
        """
        query = select(DatasetRow).order_by(DatasetRow.name)
        if dag_ids is not None:
            query = query.where(DatasetRow.id.in_(select(ReleaseRow.dataset_id).where(ReleaseRow.dag_id.in_(dag_ids))))
        with self._store.reading() as session:
            return [dataset_of(r) for r in session.scalars(query)]

    def find_dataset(self, name: str) -> Dataset | None:
        """Return the dataset, or ``None`` if that name is not one (yet)."""
        with self._store.reading() as session:
            row = dataset_row(session, name)
            return dataset_of(row) if row else None

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
        sources: Sequence[str] = (),
        gates: Sequence[GateRef] = (),
        approvals: Sequence[ApprovalRef] = (),
        base: int | None = None,
        above: int = 0,
    ) -> Release:
        """Give the next release number, greater than ``above``, and record that it is being built."""
        with self._store.writing() as session:
            row = session.scalars(select(DatasetRow).where(DatasetRow.name == dataset).with_for_update()).one()
            last = session.scalar(select(func.max(ReleaseRow.number)).where(ReleaseRow.dataset_id == row.id))
            number = max(last or 0, above) + 1
            release = ReleaseRow(
                dataset=row,
                number=number,
                relation=str(relation_of(number)),
                state=State.BUILDING,
                columns=[],
                sources=list(sources),
                gates=[[gate.dag_id, gate.task_id] for gate in gates],
                approvals=[vars(ref) for ref in approvals],
                interval_end=interval_end,
                base=base,
                op_id=op.op_id,
                created_at=op.now,
                **vars(op.key),
            )
            session.add(release)
            session.flush()
            record(session, release, "stage", None, op)
            return release_of(release)

    def built(self, release: Release, op: Operation, *, columns: Sequence[Column], fingerprint: str) -> Release:
        """Record that the release's relation stands: it is a candidate now."""
        with self._store.writing() as session:
            row = release_row(session, release.name)
            row.columns = [vars(c) for c in columns]
            row.fingerprint = fingerprint
            move_row(session, row, Action.BUILT, op, detail={"fingerprint": fingerprint})
            return release_of(row)

    def adopt(self, name: ReleaseName, relation: Relation, state: State, op: Operation) -> Release:
        """Record a release that this store has not made but the target holds; once.

        :param state: LIVE for a plain table under the reader-facing name (release 0), also if it was handed back.
        """
        with self._store.writing() as session:
            row = session.scalars(select(DatasetRow).where(DatasetRow.name == name.dataset).with_for_update()).one()
            found = session.scalars(releases_of(name.dataset).where(ReleaseRow.number == name.number)).first()
            if found is None:
                found = ReleaseRow(
                    dataset=row,
                    number=name.number,
                    relation=str(relation),
                    state=state,
                    columns=[],
                    sources=[],
                    gates=[],
                    op_id=op.op_id,
                    created_at=op.now,
                    **vars(op.key),
                )
                session.add(found)
                session.flush()
                record(session, found, Action.ADOPT, None, op)
            elif state is State.LIVE and found.state == State.RETIRED:
                found.relation = str(relation)
                move_row(session, found, Action.ADOPT, op)
            elif found.state in (State.BUILDING, State.ABORTED, State.RETIRED):
                # Another store has given the number again, of which nothing was left in the target.
                before, found.state, found.relation = State(found.state), state, str(relation)
                session.flush()
                record(session, found, Action.ADOPT, before, op)
            return release_of(found)

    def get(self, name: ReleaseName) -> Release:
        """Return the release.

        :raises ReleaseNotFound: no such dataset or release; says what the newest one is.
        """
        with self._store.reading() as session:
            return release_of(release_row(session, name))

    def of(
        self,
        dataset: str | None = None,
        *,
        states: Sequence[State] = (),
        dag_ids: Collection[str] | None = None,
        limit: int | None = 500,
    ) -> list[Release]:
        """Return releases, newest first.

        :param dag_ids: only those that these DAGs have staged (releases made outside Airflow are left out).
        """
        query = releases_of(dataset).order_by(ReleaseRow.created_at.desc(), ReleaseRow.id.desc()).limit(limit)
        if states:
            query = query.where(ReleaseRow.state.in_(states))
        if dag_ids is not None:
            query = query.where(ReleaseRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [release_of(r) for r in session.scalars(query)]

    def kept(self, dataset: str | None = None) -> list[tuple[ReleaseName, tuple[str, ...]]]:
        """Return each release that is kept, newest first, and the columns of those that are live."""
        live = case((ReleaseRow.state == State.LIVE, ReleaseRow.columns), else_=None)
        query = (
            select(DatasetRow.name, ReleaseRow.number, type_coerce(live, JSON))
            .join_from(ReleaseRow, DatasetRow, DatasetRow.id == ReleaseRow.dataset_id)
            .where(ReleaseRow.state.in_(KEPT))
            .order_by(ReleaseRow.created_at.desc(), ReleaseRow.id.desc())
        )
        if dataset is not None:
            query = query.where(DatasetRow.name == dataset)
        with self._store.reading() as session:
            return [
                (ReleaseName(dataset=name, number=number), tuple(column["name"] for column in columns or ()))
                for name, number, columns in session.execute(query)
            ]

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
            return [release_of(r) for r in session.scalars(query)]

    def holding(self, conn_id: str, name: str) -> list[Release]:
        """Return the releases of a connection whose relation has this name, in any case or schema, and is needed."""
        query = releases_of(None).where(
            DatasetRow.conn_id == conn_id, ReleaseRow.state.not_in([State.ABORTED, State.RETIRED])
        )
        with self._store.reading() as session:
            held = [release_of(row) for row in session.scalars(query)]
        return [release for release in held if release.relation.name.casefold() == name.casefold()]

    def note(self, name: ReleaseName, action: str, op: Operation, **detail: Any) -> None:
        """Append an event that moves nothing."""
        with self._store.writing() as session:
            row = release_row(session, name)
            session.refresh(row, ["state"], with_for_update={"of": ReleaseRow})  # who moves it now comes first
            record(session, row, action, State(row.state), op, detail)

    def noted(self, action: str, op_id: str) -> tuple[ReleaseName, dict[str, Any]] | None:
        """Return the release about which this operation has noted ``action``, and the event's detail."""
        query = select(ReleaseEventRow).where(ReleaseEventRow.action == action, ReleaseEventRow.op_id == op_id)
        with self._store.reading() as session:
            row = session.scalars(query).first()
            return (release_of(row.release).name, row.detail) if row else None

    def canary(self, dataset: str) -> tuple[Release, Route] | None:
        """Return the release that some consumers read before it is live, and which; ``None`` where there is none."""
        found = self.of(dataset, states=[State.CANARY], limit=1)
        if not found:
            return None
        routes = [event for event in self.events(found[0].name) if event["action"] == Action.CANARY]
        return found[0], Route.from_dict(routes[-1]["detail"])

    def move(self, name: ReleaseName, action: Action, op: Operation, **detail: Any) -> Release:
        """Move the release as the table of transitions allows, with an event.

        :raises IllegalTransition: its state does not allow it.
        """
        with self._store.writing() as session:
            row = release_row(session, name)
            move_row(session, row, action, op, detail)
            return release_of(row)

    def events(self, name: ReleaseName) -> list[dict[str, Any]]:
        """Return the release's history, oldest first: action, states, at, by, reason, op_id, task."""
        with self._store.reading() as session:
            row = release_row(session, name)
            query = select(ReleaseEventRow).where(ReleaseEventRow.release_id == row.id).order_by(ReleaseEventRow.id)
            return [event_of(e) for e in session.scalars(query)]

    def left_live(self, dataset: str) -> dict[int, datetime]:
        """Return when each release that was live was last replaced or rolled back, by its number."""
        query = (
            select(ReleaseRow.number, func.max(ReleaseEventRow.at))
            .join(ReleaseEventRow, ReleaseEventRow.release_id == ReleaseRow.id)
            .join(DatasetRow, DatasetRow.id == ReleaseRow.dataset_id)
            .where(DatasetRow.name == dataset, ReleaseEventRow.from_state == State.LIVE)
            .where(ReleaseEventRow.to_state.in_([State.SUPERSEDED, State.ROLLED_BACK]))
            .group_by(ReleaseRow.number)
        )
        with self._store.reading() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def predecessor(self, name: ReleaseName) -> Release | None:
        """Return what was live before this release: the target of a roll-back that names none."""
        with self._store.reading() as session:
            row = release_row(session, name)
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
            return release_of(event.release) if event else None


def _refuse_shared_reader(session: Session, dataset: Dataset) -> None:
    """Raise if another dataset is read under the same name of the same connection."""
    query = select(DatasetRow).where(
        DatasetRow.conn_id == dataset.conn_id,
        DatasetRow.reader_key == dataset.reader.casefold(),
        DatasetRow.name != dataset.name,
    )
    other = session.scalars(query).first()
    if other is not None:
        raise ConfigurationError(
            f"Dataset {dataset.name} would be read as {dataset.reader} in {dataset.conn_id!r}, as {other.name} is: "
            "one's releases would overwrite the other's. Give another dataset name, or another target=."
        )
