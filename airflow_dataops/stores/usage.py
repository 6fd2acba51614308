"""Consumers and their reads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_dataops.core.usage import Read
from airflow_dataops.stores.models import ConsumerRow, DatasetRow, PinRow, UsageEventRow

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class UsageShelf:
    """Who has read what."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, read: Read) -> bool:
        """Append a read; False if this try of the task has logged it already (templates may render twice)."""
        with self._store.writing() as session:
            consumer = _consumer(session, read.consumer)
            same = select(UsageEventRow.id).where(
                UsageEventRow.consumer_id == consumer.id,
                UsageEventRow.run_id == read.key.run_id,
                UsageEventRow.map_index == read.key.map_index,
                UsageEventRow.try_number == read.key.try_number,
                UsageEventRow.relation == read.relation,
            )
            if read.key.run_id is not None and session.scalars(same).first() is not None:
                return False
            session.add(
                UsageEventRow(
                    consumer_id=consumer.id,
                    dataset=read.dataset,
                    release=read.release,
                    relation=read.relation,
                    source=read.source,
                    at=read.at,
                    **vars(read.key),
                )
            )
            return True

    def readers(self, *, dataset: str | None = None, dag_ids: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Return who read which release of what: reads, first and last time, most recently read first.

        :return: rows with ``dataset``, ``release``, ``relation``, ``consumer``, ``source``, ``reads``, ``first_read``,
            ``last_read`` and ``dag_id``.
        """
        columns = (UsageEventRow.dataset, UsageEventRow.release, UsageEventRow.relation, UsageEventRow.source)
        query = (
            select(
                *columns,
                ConsumerRow.name,
                UsageEventRow.dag_id,
                func.count().label("reads"),
                func.min(UsageEventRow.at).label("first_read"),
                func.max(UsageEventRow.at).label("last_read"),
            )
            .join(ConsumerRow, ConsumerRow.id == UsageEventRow.consumer_id)
            .group_by(*columns, ConsumerRow.name, UsageEventRow.dag_id)
            .order_by(func.max(UsageEventRow.at).desc())
        )
        if dataset is not None:
            query = query.where(UsageEventRow.dataset == dataset)
        if dag_ids is not None:
            query = query.where(UsageEventRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [
                {
                    "dataset": row.dataset,
                    "release": row.release,
                    "relation": row.relation,
                    "consumer": row.name,
                    "source": row.source,
                    "reads": row.reads,
                    "first_read": row.first_read,
                    "last_read": row.last_read,
                    "dag_id": row.dag_id,
                }
                for row in session.execute(query)
            ]

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

    def pinned(self, dataset: str, dag_id: str, run_id: str) -> int | None:
        """Return the release that a DAG run is pinned to."""
        with self._store.reading() as session:
            return session.scalars(_pins(dataset, dag_id).where(PinRow.run_id == run_id)).first()

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


def _consumer(session: Session, name: str) -> ConsumerRow:
    """Return the consumer, made at its first read; two first reads at once end with one row."""
    found = session.scalars(select(ConsumerRow).where(ConsumerRow.name == name)).first()
    if found is None:
        found = ConsumerRow(name=name)
        try:
            with session.begin_nested():
                session.add(found)
        except IntegrityError:
            found = session.scalars(select(ConsumerRow).where(ConsumerRow.name == name)).one()
    return found
