"""Diffs of releases: what was told before a promotion, append-only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_dataops.core.diffs import Diff
from airflow_dataops.core.releases import Operation, ReleaseName, TaskKey
from airflow_dataops.stores.models import DiffRow
from airflow_dataops.stores.rows import key_of, release_row

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


@dataclass(frozen=True, kw_only=True)
class DiffRun:
    """A diff as the store keeps it.

    :param id: the store's number for it.
    """

    id: int
    diff: Diff
    at: datetime
    by: str
    key: TaskKey


class DiffShelf:
    """What releases were found to change."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, diff: Diff, op: Operation) -> DiffRun:
        """Append a diff and return it with its number.

        :raises ReleaseNotFound: it is of no release that there is.
        """
        with self._store.writing() as session:
            row = DiffRow(
                release_id=release_row(session, diff.release).id,
                base=diff.base,
                fingerprint=diff.fingerprint,
                refused=list(diff.refused),
                report=diff.to_dict(),
                at=op.now,
                by=op.by,
                **vars(op.key),
            )
            session.add(row)
            session.flush()
            return _run(row)

    def of(self, release: ReleaseName, *, dag_ids: Collection[str] | None = None, limit: int = 100) -> list[DiffRun]:
        """Return the release's diffs, newest first.

        :param dag_ids: only those that these DAGs have made (those from outside Airflow are left out).
        :raises ReleaseNotFound: there is no such release.
        """
        with self._store.reading() as session:
            query = select(DiffRow).where(DiffRow.release_id == release_row(session, release).id)
            if dag_ids is not None:
                query = query.where(DiffRow.dag_id.in_(dag_ids))
            return [_run(row) for row in session.scalars(query.order_by(DiffRow.id.desc()).limit(limit))]

    def get(self, number: int) -> DiffRun | None:
        """Return the diff of that number."""
        with self._store.reading() as session:
            row = session.get(DiffRow, number)
            return _run(row) if row else None


def _run(row: DiffRow) -> DiffRun:
    return DiffRun(id=row.id, diff=Diff.from_dict(row.report), at=row.at, by=row.by, key=key_of(row))
