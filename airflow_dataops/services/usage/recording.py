"""What tasks use, in terms of datasets and releases."""

from __future__ import annotations

import functools
from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import DataOpsError
from airflow_dataops.core.releases import Operation, Release, TaskKey
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
    reads = (replace(use, relation=touch.relation, columns=touch.columns) for touch in touched)
    built = replace(use, source="ref", access=Access.WRITE, dataset=release.dataset.name, release=release.name.number)
    uses = (*of_datasets(store, tuple(reads)), built)
    coverage = Coverage(statements=lineage.statements, unparsed=lineage.unparsed)
    store.usage.record(Observed(consumer=consumer, at=op.now, uses=uses, coverage=coverage))


def record(store: Store, observed: Observed) -> None:
    """Store what a task was seen to use."""
    store.usage.record(replace(observed, uses=of_datasets(store, observed.uses)))


def rehearse(store: Store) -> None:
    """Run what :func:`record` runs and keep nothing of it: the statements are made then, for this process's forks too.

    :raises StoreUnavailable: the store is away.
    """
    at = datetime.now(UTC)
    key = TaskKey(dag_id="rehearsal", run_id="rehearsal", task_id="rehearsal")
    uses = [Use(relation=name, consumer="rehearsal", source="sql", at=at, key=key) for name in ("rehearsal", "again")]
    store.usage.lives("rehearsal", after=at, until=at)
    for some in (uses[:1], uses):  # one row and several are different statements
        observed = Observed(
            consumer="rehearsal", at=at, uses=of_datasets(store, tuple(some)), coverage=Coverage(lost=1)
        )
        store.usage.record(observed, keep=False)


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


def of_datasets(store: Store, uses: tuple[Use, ...]) -> tuple[Use, ...]:
    """Return uses with the releases that readers of their relations got then: by what readers see, or by its own name.

    A connection's own datasets come first; a consumer may have another one to the same database.
    """
    datasets, own = store.usage.named({use.relation for use in uses})
    times = [use.at for use in uses]

    @functools.cache
    def lives(dataset: str) -> list[tuple[datetime, int]]:
        return store.usage.lives(dataset, after=min(times), until=max(times))

    def live_at(dataset: str, at: datetime) -> int | None:
        found = bisect_right(lives(dataset), at, key=itemgetter(0))
        return lives(dataset)[found - 1][1] if found else None

    def resolved(use: Use) -> Use:
        seen = [each for each in datasets if each.reader.casefold() == use.relation.casefold()]
        called = [each for each in datasets if each.name == use.relation and use.source in ("asset", "schedule")]
        dataset = next((each for each in seen if each.conn_id == use.conn_id), next(iter(seen + called), None))
        if dataset is not None:
            return replace(use, dataset=dataset.name, release=live_at(dataset.name, use.at))
        name = own.get(use.relation)
        return replace(use, dataset=name.dataset, release=name.number) if name else use

    return tuple(map(resolved, uses)) if datasets or own else uses
