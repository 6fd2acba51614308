"""Contracts: what consumers rely on. One row for each consumer of a dataset; evidence keeps what was judged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from airflow_dataops.core.checks import Check
from airflow_dataops.core.contracts import Contract
from airflow_dataops.stores.models import ContractRow
from airflow_dataops.stores.usage_log import inserting

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class ContractShelf:
    """What consumers rely on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, dataset: str | None = None, *, consumer: str | None = None) -> list[Contract]:
        """Return contracts by dataset and consumer.

        :param dataset: those of this one alone.
        :param consumer: those of this one alone.
        """
        query = select(ContractRow).order_by(ContractRow.dataset, ContractRow.consumer)
        if dataset is not None:
            query = query.where(ContractRow.dataset == dataset)
        if consumer is not None:
            query = query.where(ContractRow.consumer == consumer)
        with self._store.reading() as session:
            return [_contract(row) for row in session.scalars(query)]

    def keep(self, *contracts: Contract) -> list[Contract]:
        """Register contracts in place of those that their consumers have for these datasets; return what is new.

        One whose content, owner and origin are as before is left as it is, with the time of its registration.
        """
        with self._store.writing() as session:
            return [each for each in contracts if _put(session, each)]

    def withdraw(self, consumer: str, datasets: Collection[str]) -> int:
        """Remove a consumer's contracts for these datasets; return how many there were."""
        query = delete(ContractRow).where(ContractRow.consumer == consumer, ContractRow.dataset.in_(datasets))
        with self._store.writing() as session:
            gone = session.execute(query)
            return gone.rowcount if isinstance(gone, CursorResult) else 0


def _put(session: Session, contract: Contract) -> bool:
    said = {
        "owner": contract.owner,
        "origin": contract.origin,
        "checks": [check.to_dict() for check in contract.checks],
        "hash": contract.hash,
        "problem": contract.problem,
    }
    new = said | {"registered_at": contract.registered_at}
    table = ContractRow.metadata.tables[ContractRow.__tablename__]
    first = inserting(session, table).on_conflict_do_nothing(index_elements=["dataset", "consumer"])
    values = first.values(consumer=contract.consumer, dataset=contract.dataset, **new).returning(table.c.id)
    if session.execute(values).first() is not None:  # of many that register it at once, one is first
        return True
    same = (ContractRow.consumer == contract.consumer, ContractRow.dataset == contract.dataset)
    row = session.scalars(select(ContractRow).where(*same).with_for_update()).one()
    if all(getattr(row, name) == value for name, value in said.items() if name != "checks"):
        return False
    for name, value in new.items():
        setattr(row, name, value)
    session.flush()
    return True


def _contract(row: ContractRow) -> Contract:
    return Contract(
        consumer=row.consumer,
        dataset=row.dataset,
        checks=tuple(Check.from_dict(check) for check in row.checks),
        owner=row.owner,
        origin=row.origin,
        registered_at=row.registered_at,
        problem=row.problem,
    )
