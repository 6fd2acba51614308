"""Consumers and what they use, added up as it happens: answers need no event, and events need not be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, Select, and_, case, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_dataops.core.releases import ReleaseName, State
from airflow_dataops.core.usage import Access, Coverage, Observed, Usage, Use
from airflow_dataops.stores.models import (
    Base,
    ConsumerRow,
    CoverageRow,
    DatasetRow,
    PinRow,
    ReleaseRow,
    UsageDayRow,
    UsageEventRow,
    UsageRow,
)

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class UsageShelf:
    """Who has used what."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, *uses: Use) -> int:
        """Append uses in one transaction; return how many were new.

        What this try of a task has logged already from the same source is not logged again: templates may render twice.
        """
        with self._store.writing() as session:
            return sum(_added(session, use) for use in uses)

    def record(self, observed: Observed) -> None:
        """Append what was observed, and how much of all that is, in one transaction."""
        counts = {name: getattr(observed.coverage, name) for name in _COUNTS}
        with self._store.writing() as session:
            for use in observed.uses:
                _added(session, use)
            if any(counts.values()):
                consumer = _consumer(session, observed.consumer)
                day = observed.at.astimezone(UTC).date()
                _add_up(session, CoverageRow, {"consumer_id": consumer.id, "day": day}, counts)

    def uses(
        self,
        *,
        dataset: str | None = None,
        access: Access | None = None,
        dag_ids: Collection[str] | None = None,
    ) -> list[Usage]:
        """Return what is known of who uses what, whatever the release; most recently used first.

        :param dag_ids: only what tasks of these DAGs do.
        """
        query = _usages(UsageRow.release, UsageRow.events, UsageRow.first_at, UsageRow.last_at)
        query = query.order_by(UsageRow.last_at.desc(), UsageRow.id)
        if dataset is not None:
            query = query.where(UsageRow.dataset == dataset)
        if access is not None:
            query = query.where(UsageRow.access == access)
        if dag_ids is not None:
            query = query.where(UsageRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [_usage(*row) for row in session.execute(query)]

    def readers(
        self, dataset: str | None = None, number: int | None = None, *, dag_ids: Collection[str] | None = None
    ) -> list[Usage]:
        """Return who reads which release, most recently read first; releases of which nothing is kept are left out.

        :param dataset: of this one alone.
        :param number: of this release alone, which may be gone.
        """
        day, last = UsageDayRow, func.max(UsageDayRow.last_at)
        query = (
            _usages(day.release, func.sum(day.events), func.min(day.first_at), last)
            .join(day, day.usage_id == UsageRow.id)
            .where(UsageRow.access == Access.READ)
            .group_by(UsageRow.id, ConsumerRow.name, day.release)
            .order_by(last.desc(), UsageRow.id)
        )
        if dataset is not None:
            query = query.where(UsageRow.dataset == dataset)
        if number is not None:
            query = query.where(day.release == number)
        else:
            query = (
                query.join(DatasetRow, DatasetRow.name == UsageRow.dataset)
                .join(ReleaseRow, and_(ReleaseRow.dataset_id == DatasetRow.id, ReleaseRow.number == day.release))
                .where(ReleaseRow.state.not_in((State.RETIRED, State.ABORTED)))
            )
        if dag_ids is not None:
            query = query.where(UsageRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [_usage(*row) for row in session.execute(query)]

    def coverage(self, since: date) -> dict[str, Coverage]:
        """Return how much is known of each consumer since a day (UTC)."""
        sums = [func.sum(getattr(CoverageRow, name)) for name in _COUNTS]
        query = (
            select(ConsumerRow.name, *sums)
            .join(ConsumerRow, ConsumerRow.id == CoverageRow.consumer_id)
            .where(CoverageRow.day >= since)
            .group_by(ConsumerRow.name)
        )
        with self._store.reading() as session:
            return {
                name: Coverage(**dict(zip(_COUNTS, map(int, counts), strict=True)))
                for name, *counts in session.execute(query)
            }

    def watched_since(self) -> datetime | None:
        """Return when the first use was logged; ``None`` before."""
        with self._store.reading() as session:
            return session.scalars(select(UsageRow.first_at).order_by(UsageRow.first_at).limit(1)).first()

    def forget(self, before: datetime) -> int:
        """Remove the events before a time, and return how many; what they add up to stays."""
        with self._store.writing() as session:
            gone = session.execute(delete(UsageEventRow).where(UsageEventRow.at < before))
            return gone.rowcount if isinstance(gone, CursorResult) else 0

    def pin(
        self,
        dataset: str,
        dag_id: str,
        run_id: str,
        number: int,
        now: datetime,
        *,
        also: Sequence[ReleaseName] = (),
        anew: bool = False,
    ) -> int:
        """Pin a release for a DAG run and return the pinned number: the earlier one if there is one.

        :param also: releases of other datasets, pinned with it in one transaction.
        :param anew: replace earlier pins (the release was rolled back or retired).
        """
        numbers = {dataset: number} | {name.dataset: name.number for name in also}
        query = select(DatasetRow).where(DatasetRow.name.in_(numbers)).order_by(DatasetRow.name).with_for_update()
        with self._store.writing() as session:
            rows = {row.name: row.id for row in session.scalars(query)}
            for name, wanted in numbers.items():
                where = (PinRow.dataset_id == rows[name], PinRow.dag_id == dag_id, PinRow.run_id == run_id)
                pinned = session.scalars(select(PinRow).where(*where)).first()
                if pinned is None:
                    session.add(PinRow(dataset_id=rows[name], dag_id=dag_id, run_id=run_id, number=wanted, at=now))
                elif anew:
                    pinned.number, pinned.at = wanted, now
                elif name == dataset:  # before, and the others with it
                    return pinned.number
            return number

    def pinned(self, dataset: str, dag_id: str, run_id: str) -> int | None:
        """Return the release that a DAG run is pinned to."""
        with self._store.reading() as session:
            return session.scalars(_pins(dataset, dag_id).where(PinRow.run_id == run_id)).first()

    def pins(self, dataset: str) -> list[tuple[int, str, str, datetime]]:
        """Return what DAG runs are pinned to: number, DAG, run, and since when; the newest first."""
        query = (
            select(PinRow.number, PinRow.dag_id, PinRow.run_id, PinRow.at)
            .join(DatasetRow, DatasetRow.id == PinRow.dataset_id)
            .where(DatasetRow.name == dataset)
            .order_by(PinRow.at.desc())
        )
        with self._store.reading() as session:
            return [(number, dag_id, run_id, at) for number, dag_id, run_id, at in session.execute(query)]

    def seen(self, dataset: str, dag_id: str, number: int, *, besides: str | None) -> bool:
        """Return whether a run of the DAG, other than ``besides``, was pinned to this release."""
        query = _pins(dataset, dag_id).where(PinRow.number == number, PinRow.run_id != (besides or ""))
        with self._store.reading() as session:
            return session.scalars(query).first() is not None


def _pins(dataset: str, dag_id: str) -> Select[int]:
    return (
        select(PinRow.number)
        .join(DatasetRow, DatasetRow.id == PinRow.dataset_id)
        .where(DatasetRow.name == dataset, PinRow.dag_id == dag_id)
    )


_COUNTS = ("statements", "unparsed", "dropped", "lost")
_WHAT = ("dag_id", "dataset", "relation", "conn_id", "access", "source", "columns")
_NO_RELEASE = -1


def _usages(*told: Any) -> Select[Any]:
    """Select who uses what how, and what is told of that: release, events, first and last."""
    what = (getattr(UsageRow, name) for name in _WHAT)
    return select(ConsumerRow.name, *told, *what).join(ConsumerRow, ConsumerRow.id == UsageRow.consumer_id)


def _usage(consumer: str, release: int | None, events: int, first_at: datetime, last_at: datetime, *what: Any) -> Usage:
    given = dict(zip(_WHAT, what, strict=True))
    columns, access = given.pop("columns"), Access(given.pop("access"))
    return Usage(
        consumer=consumer,
        columns=None if columns is None else tuple(columns),
        access=access,
        release=None if release == _NO_RELEASE else release,
        events=int(events),
        first_at=first_at,
        last_at=last_at,
        **given,
    )


def _added(session: Session, use: Use) -> bool:
    """Log a use unless this try of the task has logged it already."""
    consumer = _consumer(session, use.consumer)
    name = UsageRow.dataset == use.dataset if use.dataset else UsageRow.relation == use.relation
    same = (
        select(UsageEventRow.id)
        .join(UsageRow, UsageRow.id == UsageEventRow.usage_id)
        .where(
            UsageEventRow.run_id == use.key.run_id,
            UsageEventRow.map_index == use.key.map_index,
            UsageEventRow.try_number == use.key.try_number,
            UsageEventRow.release.is_not_distinct_from(use.release),
            UsageRow.consumer_id == consumer.id,
            UsageRow.access == use.access,
            UsageRow.source == use.source,
            name,
        )
    )
    if use.key.run_id is not None and session.scalars(same).first() is not None:
        return False
    number = _counted(session, consumer, use)
    release = _NO_RELEASE if use.release is None else use.release
    where = {"usage_id": number, "release": release, "day": use.at.astimezone(UTC).date()}
    _tally(session, UsageDayRow(**where, events=1, first_at=use.at, last_at=use.at), where)
    session.add(UsageEventRow(usage_id=number, release=use.release, at=use.at, **vars(use.key)))
    return True


def _counted(session: Session, consumer: ConsumerRow, use: Use) -> int:
    """Count a use where it belongs, and return that row's number."""
    what = {name: getattr(use, name) for name in _WHAT if name not in ("dag_id", "columns")}
    what |= {"dag_id": use.key.dag_id, "columns": None if use.columns is None else sorted(use.columns)}
    # Each release of a dataset may be a relation of its own.
    said = what | {"consumer": use.consumer, "relation": use.relation if use.dataset is None else None}
    key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    row = UsageRow(
        **what, key=key, consumer_id=consumer.id, release=use.release, events=1, first_at=use.at, last_at=use.at
    )
    _tally(session, row, {"key": key}, latest=("release", "relation"))
    return session.scalars(select(UsageRow.id).where(UsageRow.key == key)).one()


def _tally(
    session: Session, row: UsageRow | UsageDayRow, where: dict[str, Any], *, latest: Collection[str] = ()
) -> None:
    """Add a row's events to those that are there, or make it where none are.

    :param latest: the columns that are as the latest use has them.
    """
    table, at = type(row), row.last_at
    release = _NO_RELEASE if row.release is None else row.release
    newer = or_(table.last_at < at, and_(table.last_at == at, func.coalesce(table.release, _NO_RELEASE) <= release))
    more = (
        update(table)
        .where(*(getattr(table, name) == value for name, value in where.items()))
        .values(
            **{name: case((newer, getattr(row, name)), else_=getattr(table, name)) for name in latest},
            events=table.events + row.events,
            first_at=case((table.first_at > at, at), else_=table.first_at),
            last_at=case((newer, at), else_=table.last_at),
        )
    )
    if not _touched(session, more) and not _made(session, row):
        session.execute(more)


def _add_up(session: Session, table: type[Base], where: dict[str, Any], counts: dict[str, int]) -> None:
    """Add to the counts of a row, which is made where it is not there."""
    same = [getattr(table, name) == value for name, value in where.items()]
    more = update(table).where(*same).values({name: getattr(table, name) + count for name, count in counts.items()})
    if not _touched(session, more) and not _made(session, table(**where, **counts)):
        session.execute(more)


def _touched(session: Session, statement: Any) -> bool:
    found = session.execute(statement, execution_options={"synchronize_session": False})
    return isinstance(found, CursorResult) and found.rowcount == 1


def _made(session: Session, row: Base) -> bool:
    """Insert a row; False if another session has made it meanwhile."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def _consumer(session: Session, name: str) -> ConsumerRow:
    """Return the consumer, made at its first use; two first uses at once end with one row."""
    find = select(ConsumerRow).where(ConsumerRow.name == name)
    found = session.scalars(find).first()
    if found is None:
        found = ConsumerRow(name=name)
        if not _made(session, found):
            found = session.scalars(find).one()
    return found
