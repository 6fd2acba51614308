"""What tasks use, in terms of datasets and releases."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import DataOpsError
from airflow_dataops.core.releases import Operation, Release
from airflow_dataops.core.usage import ALL, Access, Coverage, Lineage, Observed, Touch, Use

if TYPE_CHECKING:
    from airflow_dataops.stores.spool import Spool
    from airflow_dataops.stores.store import Store


def log_build(store: Store, release: Release, lineage: Lineage, op: Operation, *, taken: str | None = None) -> None:
    """Log what a release was built from, and that its task is the one that builds the dataset.

    :param taken: what another task has built, and became the release.
    """
    consumer = f"{op.key.dag_id}.{op.key.task_id}"
    use = Use(
        relation=str(release.relation),
        consumer=consumer,
        source="sql",
        at=op.now,
        key=op.key,
        conn_id=release.dataset.conn_id,
    )
    touched = (*lineage.reads, *([Touch(relation=taken, columns=ALL)] if taken else ()))
    reads = [replace(use, relation=touch.relation, columns=touch.columns) for touch in touched]
    built = replace(use, source="ref", access=Access.WRITE, dataset=release.dataset.name, release=release.name.number)
    uses = (*(_of_dataset(store, use) for use in reads), built)
    coverage = Coverage(statements=lineage.statements, unparsed=lineage.unparsed)
    store.usage.record(Observed(consumer=consumer, at=op.now, uses=uses, coverage=coverage))


def record(store: Store, observed: Observed) -> None:
    """Store what a task was seen to use."""
    uses = tuple(_of_dataset(store, use) for use in observed.uses)
    store.usage.record(replace(observed, uses=uses))


def flush(store: Store, spool: Spool, *, limit: int | None = None) -> tuple[int, int]:
    """Store what was kept while the store was away; return how many tasks' uses are stored now, and how many are lost.

    :param limit: how many tasks' uses at most; all, where none is given.
    :raises StoreUnavailable: the store is away (again); what is not stored yet is kept.
    """
    stored = 0
    for item in islice(spool.take(), limit):
        try:
            record(store, item.observed)
        except DataOpsError:
            item.put_back()
            raise
        item.done()
        stored += 1
    lost = 0
    for observed in spool.lost():
        store.usage.record(observed)
        lost += observed.coverage.lost
    return stored, lost


def _of_dataset(store: Store, use: Use) -> Use:
    """Return a use with the release that readers of its relation got then: by the reader-facing name, or by its own."""
    dataset = store.releases.reading(use.relation, use.conn_id)
    if dataset is None and use.source == "asset":  # an asset has the dataset's own name
        dataset = store.releases.find_dataset(use.relation)
    release = store.releases.live_at(dataset.name, use.at) if dataset else store.releases.in_relation(use.relation)
    if release is not None:
        return replace(use, dataset=release.dataset.name, release=release.name.number)
    return replace(use, dataset=dataset.name) if dataset else use
