"""What stops readers, found in the evidence: in-place and live gates that failed, roll-backs; and who has lifted it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from airflow_dataops.core.releases import Action, ReleaseName, State
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.stores.models import DatasetRow, GateRunRow, ReleaseEventRow, ReleaseRow, StopLiftRow

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class StopShelf:
    """What was found bad, and what people have said to that."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def judged(self, since: datetime, tables: Sequence[str], live: ReleaseName | None) -> list[GateRunRow]:
        """Return the newest decisive run of each gate on these tables in place, or on the live release.

        :param since: only runs after this.
        """
        in_place = and_(
            GateRunRow.release.is_(None), or_(*(_source_is(table) for table in tables)), GateRunRow.dag_id.is_not(None)
        )
        what = in_place
        if live is not None:
            of_live = and_(GateRunRow.dataset == live.dataset, GateRunRow.release == live.number)
            what = or_(in_place, of_live)
        newest = (
            select(func.max(GateRunRow.id))
            .where(what, GateRunRow.at > since, GateRunRow.on_fail != "shadow", GateRunRow.verdict != Verdict.ERROR)
            .group_by(GateRunRow.dag_id, GateRunRow.task_id, GateRunRow.map_index)
        )
        with self._store.reading() as session:
            return list(session.scalars(select(GateRunRow).where(GateRunRow.id.in_(newest)).order_by(GateRunRow.id)))

    def switched(self, dataset: str) -> ReleaseEventRow | None:
        """Return the newest switch of a dataset: its live release was promoted, or the one before was rolled back."""
        rolled_back = and_(ReleaseEventRow.from_state == State.LIVE, ReleaseEventRow.to_state == State.ROLLED_BACK)
        promoted = and_(ReleaseEventRow.action == Action.PROMOTE, ReleaseEventRow.to_state == State.LIVE)
        query = (
            select(ReleaseEventRow)
            .join(ReleaseRow, ReleaseRow.id == ReleaseEventRow.release_id)
            .join(DatasetRow, DatasetRow.id == ReleaseRow.dataset_id)
            .where(DatasetRow.name == dataset, or_(rolled_back, promoted))
            .order_by(ReleaseEventRow.id.desc())
        )
        with self._store.reading() as session:
            return session.scalars(query.limit(1)).first()

    def lift(self, name: str, *, at: datetime, by: str, reason: str) -> None:
        """Append that somebody lets a dataset or table be read all the same."""
        with self._store.writing() as session:
            session.add(StopLiftRow(name=name, at=at, by=by, reason=reason))

    def lifted(self, name: str) -> datetime | None:
        """Return when somebody last did."""
        with self._store.reading() as session:
            return session.scalars(select(func.max(StopLiftRow.at)).where(StopLiftRow.name == name)).first()


def _source_is(table: str) -> Any:
    """Return the condition that a gate's source is a table, or some of its rows."""
    said = f"table {table}"
    return or_(GateRunRow.source == said, GateRunRow.source.startswith(f"{said} where ", autoescape=True))
