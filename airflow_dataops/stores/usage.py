"""Consumers and what they use, added up as it happens: answers need no event, and events need not be kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, Select, Text, and_, cast, delete, func, select

from airflow_dataops.core.releases import KEPT, Dataset, ReleaseName, TaskKey
from airflow_dataops.core.usage import Access, Coverage, Observed, Usage, Use
from airflow_dataops.stores.models import (
    ConsumerRow,
    CoverageRow,
    DatasetRow,
    PinRow,
    ReleaseRow,
    UsageDayRow,
    UsageEventRow,
    UsageRow,
)
from airflow_dataops.stores.usage_log import COUNTS, NO_RELEASE, WHAT, cover, lives, logged, named, read_by

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
            return logged(session, uses)

    def record(self, observed: Observed, *, keep: bool = True) -> None:
        """Append what was observed, and how much of all that is, in one transaction.

        :param keep: false to try it and keep nothing.
        """
        with self._store.writing() as session:
            logged(session, observed.uses)
            if observed.coverage != Coverage():
                cover(session, observed)
            if not keep:
                session.rollback()

    def named(self, names: Collection[str]) -> tuple[list[Dataset], dict[str, ReleaseName]]:
        """Return the datasets that have one of these names or are read under one, and whose release is in which."""
        with self._store.reading() as session:
            return named(session, names)

    def lives(self, dataset: str, *, after: datetime, until: datetime) -> list[tuple[datetime, int]]:
        """Return when which release went live, in order: the last one up to ``after``, and those up to ``until``."""
        with self._store.reading() as session:
            return lives(session, dataset, after=after, until=until)

    def uses(
        self,
        *,
        dataset: str | None = None,
        access: Access | None = None,
        dag_ids: Collection[str] | None = None,
        bound: bool | None = None,
    ) -> list[Usage]:
        """Return what is known of who uses what, whatever the release; most recently used first.

        :param dag_ids: only what tasks of these DAGs do.
        :param bound: only uses of datasets, or, where false, only of tables that are none.
        """
        told = (UsageRow.release, UsageRow.events, UsageRow.first_at, UsageRow.last_at)
        query = _usages(*told, dataset=dataset, dag_ids=dag_ids).order_by(UsageRow.last_at.desc(), UsageRow.id)
        if access is not None:
            query = query.where(UsageRow.access == access)
        if bound is not None:
            query = query.where(UsageRow.dataset.is_not(None) if bound else UsageRow.dataset.is_(None))
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
            _usages(day.release, func.sum(day.events), func.min(day.first_at), last, dataset=dataset, dag_ids=dag_ids)
            .join(day, day.usage_id == UsageRow.id)
            .where(UsageRow.access == Access.READ)
            .group_by(UsageRow.id, ConsumerRow.name, day.release)
            .order_by(last.desc(), UsageRow.id)
        )
        if number is not None:
            query = query.where(day.release == number)
        else:
            query = (
                query.join(DatasetRow, DatasetRow.name == UsageRow.dataset)
                .join(ReleaseRow, and_(ReleaseRow.dataset_id == DatasetRow.id, ReleaseRow.number == day.release))
                .where(ReleaseRow.state.in_(KEPT))
            )
        with self._store.reading() as session:
            return [_usage(*row) for row in session.execute(query)]

    def read_by(self, key: TaskKey) -> list[ReleaseName]:
        """Return the releases that a try of a task has read, as far as is logged."""
        with self._store.reading() as session:
            return read_by(session, key)

    def coverage(self, since: date) -> dict[str, Coverage]:
        """Return how much is known of each consumer since a day (UTC)."""
        sums = [func.sum(getattr(CoverageRow, name)) for name in COUNTS]
        query = (
            select(ConsumerRow.name, *sums)
            .join(ConsumerRow, ConsumerRow.id == CoverageRow.consumer_id)
            .where(CoverageRow.day >= since)
            .group_by(ConsumerRow.name)
        )
        with self._store.reading() as session:
            return {
                name: Coverage(**dict(zip(COUNTS, map(int, counts), strict=True)))
                for name, *counts in session.execute(query)
            }

    def covered(self, since: date) -> Coverage:
        """Return how much is known of all that was done since a day (UTC)."""
        sums = (func.coalesce(func.sum(getattr(CoverageRow, name)), 0) for name in COUNTS)
        with self._store.reading() as session:
            found = session.execute(select(*sums).where(CoverageRow.day >= since)).one()
        return Coverage(**dict(zip(COUNTS, map(int, found), strict=True)))

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


def _usages(*told: Any, dataset: str | None, dag_ids: Collection[str] | None) -> Select[Any]:
    """Select who uses what how, and what is told of that: release, events, first and last."""
    what = (cast(UsageRow.columns, Text) if name == "columns" else getattr(UsageRow, name) for name in WHAT)
    query = select(ConsumerRow.name, *told, *what).join(ConsumerRow, ConsumerRow.id == UsageRow.consumer_id)
    if dataset is not None:
        query = query.where(UsageRow.dataset == dataset)
    return query if dag_ids is None else query.where(UsageRow.dag_id.in_(dag_ids))


@lru_cache(maxsize=10_000)
def _names(text: str | None) -> tuple[str, ...] | None:
    """Return columns from the JSON in which they are kept: the same ones stand in many rows."""
    found = None if text is None else json.loads(text)
    return None if found is None else tuple(found)


def _usage(
    consumer: str,
    release: int | None,
    events: int,
    first_at: datetime,
    last_at: datetime,
    dag_id: str | None,
    dataset: str | None,
    relation: str,
    conn_id: str | None,
    access: str,
    source: str,
    columns: str | None,
) -> Usage:
    return Usage(
        consumer=consumer,
        dag_id=dag_id,
        relation=relation,
        access=Access(access),
        source=source,
        events=int(events),
        first_at=first_at,
        last_at=last_at,
        columns=_names(columns),
        conn_id=conn_id,
        dataset=dataset,
        release=None if release == NO_RELEASE else release,
    )
