"""Declared consumers: one row for each that a file names, and what it reads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from airflow_dataops.core.declared import Declaration, Declared, as_usage
from airflow_dataops.core.usage import Usage
from airflow_dataops.stores.models import DatasetRow, DeclaredRow

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


class DeclaredShelf:
    """Who says what it reads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, declaration: Declaration, now: datetime) -> tuple[int, int]:
        """Keep what a file declares in place of what it declared before; return how many are new, and how many gone.

        What it has declared before, word for word, keeps its time.
        """
        with self._store.writing() as session:
            mine = select(DeclaredRow).where(DeclaredRow.origin == declaration.origin).with_for_update()
            before = {_declared(row): row for row in session.scalars(mine)}
            wanted = dict.fromkeys(declaration.consumers)
            gone = [row.id for said, row in before.items() if said not in wanted]
            session.execute(delete(DeclaredRow).where(DeclaredRow.id.in_(gone)))
            new = [said for said in wanted if said not in before]
            for said in new:
                columns = None if said.columns is None else list(said.columns)
                row = DeclaredRow(**{**vars(said), "columns": columns}, name_key=said.name.casefold(), at=now)
                row.origin = declaration.origin
                session.add(row)
            return len(new), len(gone)

    def uses(self, dataset: str | None = None) -> list[Usage]:
        """Return what is declared as uses that count no read.

        :param dataset: of this one alone.
        """
        named = or_(DatasetRow.name == DeclaredRow.name, DatasetRow.reader_key == DeclaredRow.name_key)
        query = select(DeclaredRow, DatasetRow.name).outerjoin(DatasetRow, named).order_by(DeclaredRow.id)
        if dataset is not None:
            query = query.where(DatasetRow.name == dataset)
        with self._store.reading() as session:
            return [as_usage(_declared(row), row.at, name) for row, name in session.execute(query)]


def _declared(row: DeclaredRow) -> Declared:
    return Declared(
        consumer=row.consumer,
        name=row.name,
        columns=None if row.columns is None else tuple(row.columns),
        kind=row.kind,
        owner=row.owner,
        url=row.url,
    )
