"""Declared consumers beside those that were seen."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from airflow_dataops.core.usage import Access, Usage

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


def known_uses(
    store: Store,
    *,
    dataset: str | None = None,
    access: Access | None = None,
    dag_ids: Collection[str] | None = None,
    bound: bool = False,
) -> list[Usage]:
    """Return what was seen of who uses what, most recently used first, and then what is declared.

    :param dag_ids: only what tasks of these DAGs do; who is declared belongs to none.
    :param bound: of what was seen only uses of datasets, and none of other tables.
    """
    seen = store.usage.uses(dataset=dataset, access=access, dag_ids=dag_ids, bound=bound)
    return seen if dag_ids is not None else [*seen, *store.declared.uses(dataset)]
