"""Switches that are under way: intents, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, select

from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import TRANSITIONS, Action, Intent, Operation, ReleaseName, State
from airflow_dataops.stores.models import DatasetRow, IntentRow, ReleaseEventRow, ReleaseRow
from airflow_dataops.stores.rows import dataset_of, key_of, move_row, record, release_row, releases_of

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


# What becomes of the switch's own release, by what becomes of the one before; else it is promoted.
_GAINS = {Action.ROLLBACK: Action.RESTORE, Action.UNADOPT: Action.UNADOPT}


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
                    together=[str(name) for name in intent.together] or None,
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

    def finalise(
        self, intent: Intent, *, epoch: int, adopted: Relation | None = None, after: str | None = None
    ) -> bool:
        """Record a switch that happened, in one transaction; what is recorded already stays as it is.

        :param adopted: where the plain table that was live before has gone.
        :param after: the operation of the newest switch that is recorded; where there is a newer one, nothing is done.
        :return: whether it was recorded now.
        """
        gains = _GAINS.get(intent.leaves, Action.PROMOTE)
        with self._store.writing() as session:
            # Two may record one switch at once: its own process, and one that reconciles.
            dataset = select(DatasetRow.id).where(DatasetRow.name == intent.dataset.name).with_for_update()
            session.execute(dataset).one()
            session.execute(delete(IntentRow).where(IntentRow.op_id == intent.op.op_id))
            target = release_row(session, intent.release)
            if session.scalars(_gain_of(intent.op.op_id)).first() is not None:
                return False
            if after is not None and session.scalars(_newest(intent.dataset.name)).first() != after:
                return False
            if State(target.state) not in TRANSITIONS[gains]:  # the target goes where no roll-back of ours would
                gains = Action.PROMOTE
            detail: dict[str, Any] = {"epoch": epoch}
            if intent.together:
                detail["set"] = [str(name) for name in intent.together]
            live = releases_of(intent.dataset.name).where(ReleaseRow.state == State.LIVE, ReleaseRow.id != target.id)
            for row in session.scalars(live):
                if adopted is not None and row.number == 0:
                    row.relation = str(adopted)
                move_row(session, row, intent.leaves, intent.op, detail=detail)
            if target.state == State.LIVE and gains is not Action.UNADOPT:  # another store has switched away and back
                record(session, target, gains, State.LIVE, intent.op, detail)
            else:
                move_row(session, target, gains, intent.op, detail=detail)
            return True

    def recorded(self, op_id: str) -> bool:
        """Return whether the switch that this operation made has been recorded."""
        with self._store.reading() as session:
            return session.scalars(_gain_of(op_id)).first() is not None

    def newest(self, dataset: str) -> str | None:
        """Return the operation of the newest switch that has been recorded."""
        with self._store.reading() as session:
            return session.scalars(_newest(dataset)).first()

    def together(self, name: ReleaseName) -> tuple[ReleaseName, ...]:
        """Return the release set in which a release last went live, itself included; nothing if it did by itself."""
        with self._store.reading() as session:
            row = release_row(session, name)
            gains = select(ReleaseEventRow.detail).where(ReleaseEventRow.release_id == row.id, _GAINED)
            detail = session.scalars(gains.order_by(ReleaseEventRow.id.desc())).first() or {}
            return tuple(ReleaseName.parse(each) for each in detail.get("set", ()))


_GAINED = ReleaseEventRow.action.in_([Action.PROMOTE, Action.RESTORE, Action.UNADOPT])


def _gain_of(op_id: str) -> Select[int]:
    """Return the query of the event by which a release has gone live in this operation."""
    return select(ReleaseEventRow.id).where(ReleaseEventRow.op_id == op_id, _GAINED)


def _newest(dataset: str) -> Select[str]:
    """Return the query of the operations by which the dataset's releases have gone live, the newest first."""
    return (
        select(ReleaseEventRow.op_id)
        .join(ReleaseRow, ReleaseRow.id == ReleaseEventRow.release_id)
        .join(DatasetRow, DatasetRow.id == ReleaseRow.dataset_id)
        .where(DatasetRow.name == dataset, _GAINED)
        .order_by(ReleaseEventRow.id.desc())
    )


def intent_of(row: IntentRow, dataset: DatasetRow) -> Intent:
    return Intent(
        op=Operation(op_id=row.op_id, by=row.by, now=row.at, key=key_of(row), reason=row.reason),
        dataset=dataset_of(dataset),
        release=ReleaseName(dataset=dataset.name, number=row.number),
        from_epoch=row.from_epoch,
        leaves=Action(row.leaves),
        together=tuple(ReleaseName.parse(name) for name in row.together or ()),
    )
