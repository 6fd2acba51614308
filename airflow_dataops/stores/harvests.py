"""Up to where each database's record of its use is known, and what tasks have told of the same uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from airflow_dataops.core.harvest import Kept, Look, Record
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.core.usage import Observed, Use
from airflow_dataops.stores.models import (
    ConsumerRow,
    DatasetRow,
    GateRunRow,
    HarvestRow,
    ReleaseEventRow,
    ReleaseRow,
    UsageEventRow,
    UsageRow,
)
from airflow_dataops.stores.usage_log import cover, inserting, logged

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class HarvestShelf:
    """What is known from outside of Airflow, and up to when."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, conn_id: str, record: Record) -> Kept | None:
        """Return what is kept of the last harvest of a record; ``None`` before the first."""
        with self._store.reading() as session:
            row = session.get(HarvestRow, (conn_id, record))
            return _kept(row) if row else None

    def all(self) -> list[Kept]:
        """Return what is kept of each record's last harvest."""
        with self._store.reading() as session:
            rows = session.scalars(select(HarvestRow).order_by(HarvestRow.conn_id, HarvestRow.record))
            return [_kept(row) for row in rows]

    def add(
        self,
        conn_id: str,
        record: Record,
        look: Look,
        now: datetime,
        *,
        after: Kept | None,
        uses: Iterable[Use],
        covered: Iterable[Observed],
    ) -> bool:
        """Log what a look has found and up to where it went, in one transaction; False if another has been faster.

        :param after: the harvest up to which the record was known when it was looked at.
        :param covered: how much is known of what each consumer did.
        """
        number = after.number if after else 0
        new = {"conn_id": conn_id, "record": record, "number": 0, "at": now, "since": look.since, "state": {}}
        with self._store.writing() as session:
            first = inserting(session, HarvestRow.metadata.tables[HarvestRow.__tablename__]).on_conflict_do_nothing(
                index_elements=["conn_id", "record"]
            )
            session.execute(first, [new])
            where = (HarvestRow.conn_id == conn_id, HarvestRow.record == record)
            row = session.scalars(select(HarvestRow).where(*where).with_for_update()).one()
            if row.number != number:
                return False
            logged(session, uses)
            for each in covered:
                cover(session, each)
            row.number, row.at, row.since, row.state = number + 1, now, look.since, look.state
            return True

    def reported(self, conn_ids: Collection[str], since: datetime | None) -> set[tuple[str, str]]:
        """Return what tasks have told of their reads and writes by some connections: consumer, and what was used.

        What ``ref`` has told is among it, whatever the connection.
        """
        query = (
            select(ConsumerRow.name, func.coalesce(UsageRow.dataset, UsageRow.relation))
            .join(ConsumerRow, ConsumerRow.id == UsageRow.consumer_id)
            .where(
                UsageRow.source.not_in([*Record]),
                or_(UsageRow.conn_id.in_(conn_ids), UsageRow.source == "ref"),
            )
        )
        if since is not None:
            query = query.where(UsageRow.last_at > since)
        with self._store.reading() as session:
            return {(consumer, name) for consumer, name in session.execute(query)}

    def connections(self) -> set[str]:
        """Return the connections by which tasks were seen to use something."""
        query = select(UsageRow.conn_id).where(UsageRow.conn_id.is_not(None), UsageRow.source.not_in([*Record]))
        with self._store.reading() as session:
            return set(filter(None, session.scalars(query.distinct())))

    def touched(self, since: datetime) -> set[ReleaseName]:
        """Return the releases that somebody is known to have touched since a time: readers, gates, and their life."""
        reads = (
            select(UsageRow.dataset, UsageEventRow.release)
            .join(UsageRow, UsageRow.id == UsageEventRow.usage_id)
            .where(UsageEventRow.at > since, UsageRow.dataset.is_not(None), UsageEventRow.release.is_not(None))
        )
        gates = select(GateRunRow.dataset, GateRunRow.release).where(
            GateRunRow.at > since, GateRunRow.dataset.is_not(None), GateRunRow.release.is_not(None)
        )
        life = (
            select(DatasetRow.name, ReleaseRow.number)
            .join(ReleaseRow, ReleaseRow.dataset_id == DatasetRow.id)
            .join(ReleaseEventRow, ReleaseEventRow.release_id == ReleaseRow.id)
            .where(ReleaseEventRow.at > since)
        )
        with self._store.reading() as session:
            found = (row for query in (reads, gates, life) for row in session.execute(query.distinct()))
            return {ReleaseName(dataset=dataset, number=number) for dataset, number in found}


def _kept(row: HarvestRow) -> Kept:
    return Kept(
        conn_id=row.conn_id,
        record=Record(row.record),
        number=row.number,
        at=row.at,
        since=row.since,
        state=row.state,
    )
