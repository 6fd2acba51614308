"""Usage: which consumer reads which release, resolved once for a run and logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Release, ReleaseName, State, TaskKey
from airflow_dataops.core.usage import Read

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

_READABLE = (State.LIVE, State.SUPERSEDED)


def resolve(store: Store, name: str, key: TaskKey, now: datetime) -> str:
    """Return the relation that this consumer must read for ``name``, and log the read.

    The first resolution pins the release for the DAG run: a retry or a clear reads the same, unless that release was
    rolled back or retired meanwhile. A name that is no dataset yet is returned as it is.
    """
    dataset = store.releases.find_dataset(name)
    release = pin(store, name, key, now) if dataset else None
    if dataset and release is None:
        log.warning("Dataset %s has no live release yet: reading %s as it is", name, dataset.reader)
    relation = release.relation.text if release else (Relation.parse(dataset.reader).text if dataset else name)
    store.usage.add(
        Read(
            relation=relation,
            consumer=f"{key.dag_id}.{key.task_id}",
            source="ref",
            at=now,
            key=key,
            dataset=dataset.name if dataset else None,
            release=release.number if release else None,
        )
    )
    log.info("%s.%s reads %s from %s", key.dag_id, key.task_id, release or name, relation)
    return relation


def pin(store: Store, dataset: str, key: TaskKey, now: datetime) -> Release | None:
    """Return the release that this DAG run reads, pinned now if it was not; ``None`` if nothing is live."""
    live = store.releases.live(dataset)
    if key.dag_id is None or key.run_id is None:
        return live
    number = store.usage.pinned(dataset, key.dag_id, key.run_id)
    if number is None:
        if live is None:
            return None
        number = store.usage.pin(dataset, key.dag_id, key.run_id, live.number, now)
    release = store.releases.get(ReleaseName(dataset=dataset, number=number))
    if release.state in _READABLE:
        return release
    if live is not None:
        log.warning("%s, which this run has read so far, is %s: it reads %s from now on", release, release.state, live)
        store.usage.pin(dataset, key.dag_id, key.run_id, live.number, now, anew=True)
    return live


def await_release(store: Store, dataset: str, key: TaskKey, now: datetime) -> Release | None:
    """Return the live release if no other run of this DAG has read it, pinned for this run; else ``None``."""
    release = unread_release(store, dataset, key)
    if release is not None and key.dag_id is not None and key.run_id is not None:
        store.usage.pin(dataset, key.dag_id, key.run_id, release.number, now, anew=True)
    return release


def unread_release(store: Store, dataset: str, key: TaskKey) -> Release | None:
    """Return the live release if no other run of this DAG has read it, else ``None``."""
    live = store.releases.live(dataset)
    if live is None or key.dag_id is None:
        return live
    return None if store.usage.seen(dataset, key.dag_id, live.number, besides=key.run_id) else live


def log_sources(store: Store, relations: Iterable[str], key: TaskKey, now: datetime) -> None:
    """Log what a release's own SQL reads, datasets or not: its task is a consumer of those tables."""
    for relation in relations:
        _log_sql(store, relation, _read_release(store, relation), key, now)


def log_dataset_reads(store: Store, relations: Iterable[str], key: TaskKey, now: datetime) -> None:
    """Log which of ``relations`` are datasets or their releases; other tables are not of interest."""
    for relation in relations:
        release = _read_release(store, relation)
        if release is not None:
            _log_sql(store, relation, release, key, now)


def _read_release(store: Store, relation: str) -> Release | None:
    """Return the release that a reader of ``relation`` gets now: by the reader-facing name, or by its own."""
    dataset = store.releases.reading(relation)
    return store.releases.live(dataset.name) if dataset else store.releases.in_relation(relation)


def _log_sql(store: Store, relation: str, release: Release | None, key: TaskKey, now: datetime) -> None:
    store.usage.add(
        Read(
            relation=relation,
            consumer=f"{key.dag_id}.{key.task_id}",
            source="sql",
            at=now,
            key=key,
            dataset=release.dataset.name if release else None,
            release=release.number if release else None,
        )
    )
