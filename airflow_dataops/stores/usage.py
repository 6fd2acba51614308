"""Consumers and what they use, added up as it happens: answers need no event, and events need not be kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, Select, case, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.core.usage import Access, Coverage, Observed, Usage, Use
from airflow_dataops.stores.models import (
    Base,
    ConsumerRow,
    CoverageRow,
    DatasetRow,
    PinRow,
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
        """Return what is known of who uses what, most recently used first.

        :param dag_ids: only what tasks of these DAGs do.
        """
        query = select(UsageRow).order_by(UsageRow.last_at.desc(), UsageRow.id)
        if dataset is not None:
            query = query.where(UsageRow.dataset == dataset)
        if access is not None:
            query = query.where(UsageRow.access == access)
        if dag_ids is not None:
            query = query.where(UsageRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [_usage(row) for row in session.scalars(query)]

    def readers(self, dataset: str, *, dag_ids: Collection[str] | None = None) -> list[Usage]:
        """Return who reads which release of a dataset, most recently read first."""
        return self.uses(dataset=dataset, access=Access.READ, dag_ids=dag_ids)

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
_WHAT = ("dag_id", "dataset", "release", "relation", "conn_id", "access", "source")


def _added(session: Session, use: Use) -> bool:
    """Log a use unless this try of the task has logged it already."""
    consumer = _consumer(session, use.consumer)
    same = (
        select(UsageEventRow.id)
        .join(UsageRow, UsageRow.id == UsageEventRow.usage_id)
        .where(
            UsageEventRow.run_id == use.key.run_id,
            UsageEventRow.map_index == use.key.map_index,
            UsageEventRow.try_number == use.key.try_number,
            UsageRow.consumer_id == consumer.id,
            UsageRow.relation == use.relation,
            UsageRow.access == use.access,
            UsageRow.source == use.source,
        )
    )
    if use.key.run_id is not None and session.scalars(same).first() is not None:
        return False
    number = _counted(session, consumer, use)
    _add_up(session, UsageDayRow, {"usage_id": number, "day": use.at.astimezone(UTC).date()}, {"events": 1})
    session.add(UsageEventRow(usage_id=number, at=use.at, **vars(use.key)))
    return True


def _counted(session: Session, consumer: ConsumerRow, use: Use) -> int:
    """Count a use where it belongs, and return that row's number."""
    what = {name: getattr(use, name) for name in _WHAT if name != "dag_id"} | {"dag_id": use.key.dag_id}
    columns = None if use.columns is None else sorted(use.columns)
    said = [use.consumer, *(what[name] for name in _WHAT), columns]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    find = select(UsageRow.id).where(UsageRow.key == key)
    count = (
        update(UsageRow)
        .where(UsageRow.key == key)
        .values(
            events=UsageRow.events + 1,
            first_at=case((UsageRow.first_at > use.at, use.at), else_=UsageRow.first_at),
            last_at=case((UsageRow.last_at < use.at, use.at), else_=UsageRow.last_at),
        )
    )
    if not _touched(session, count):
        row = UsageRow(
            key=key, consumer_id=consumer.id, columns=columns, events=1, first_at=use.at, last_at=use.at, **what
        )
        if not _made(session, row):
            session.execute(count)
    return session.scalars(find).one()


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


def _usage(row: UsageRow) -> Usage:
    return Usage(
        consumer=row.consumer.name,
        columns=None if row.columns is None else tuple(row.columns),
        access=Access(row.access),
        **{name: getattr(row, name) for name in _WHAT if name != "access"},
        events=row.events,
        first_at=row.first_at,
        last_at=row.last_at,
    )


def _consumer(session: Session, name: str) -> ConsumerRow:
    """Return the consumer, made at its first use; two first uses at once end with one row."""
    find = select(ConsumerRow).where(ConsumerRow.name == name)
    found = session.scalars(find).first()
    if found is None:
        found = ConsumerRow(name=name)
        if not _made(session, found):
            found = session.scalars(find).one()
    return found
