"""Switches that are under way: intents, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Intent, Operation, ReleaseName, State
from airflow_dataops.stores.models import DatasetRow, IntentRow, ReleaseEventRow, ReleaseRow
from airflow_dataops.stores.rows import dataset_of, key_of, move_row, release_row, releases_of

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class SwitchShelf:
    """What is about to be switched, and the record of it when it has been."""

    def __init__(self, store: Store) -> None:
        self._store = store

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
            return [intent_of(intent, row) for intent, row in session.execute(query)]

    def clear(self, intent: Intent) -> None:
        """Forget a switch that did not and will not happen; a later intent of the same operation stays."""
        with self._store.writing() as session:
            session.execute(
                delete(IntentRow).where(IntentRow.op_id == intent.op.op_id, IntentRow.from_epoch == intent.from_epoch)
            )

    def finalise(self, intent: Intent, *, epoch: int, adopted: Relation | None = None) -> None:
        """Record a switch that happened, in one transaction; what is recorded already stays as it is.

        :param adopted: where the plain table that was live before has gone.
        """
        gains = Action.RESTORE if intent.leaves is Action.ROLLBACK else Action.PROMOTE
        with self._store.writing() as session:
            session.execute(delete(IntentRow).where(IntentRow.op_id == intent.op.op_id))
            target = release_row(session, intent.release)
            recorded = select(ReleaseEventRow.id).where(
                ReleaseEventRow.release_id == target.id,
                ReleaseEventRow.op_id == intent.op.op_id,
                ReleaseEventRow.action == gains,
            )
            if session.scalars(recorded).first() is not None:
                return
            detail = {"epoch": epoch}
            live = releases_of(intent.dataset.name).where(ReleaseRow.state == State.LIVE, ReleaseRow.id != target.id)
            for row in session.scalars(live):
                if adopted is not None and row.number == 0:
                    row.relation = str(adopted)
                move_row(session, row, intent.leaves, intent.op, detail=detail)
            move_row(session, target, gains, intent.op, detail=detail)


def intent_of(row: IntentRow, dataset: DatasetRow) -> Intent:
    return Intent(
        op=Operation(op_id=row.op_id, by=row.by, now=row.at, key=key_of(row), reason=row.reason),
        dataset=dataset_of(dataset),
        release=ReleaseName(dataset=dataset.name, number=row.number),
        from_epoch=row.from_epoch,
        leaves=Action(row.leaves),
    )
