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
    bound: bool | None = None,
) -> list[Usage]:
    """Return what was seen of who uses what, most recently used first, and then what is declared.

    :param dag_ids: only what tasks of these DAGs do; who is declared belongs to none.
    :param bound: only uses of datasets, or, where false, only of tables that are none.
    """
    seen = store.usage.uses(dataset=dataset, access=access, dag_ids=dag_ids, bound=bound)
    if dag_ids is not None:
        return seen
    said = store.declared.uses(dataset)
    return [*seen, *(use for use in said if bound is None or bound is (use.dataset is not None))]
