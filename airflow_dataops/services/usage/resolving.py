"""Which release a consumer reads: resolved once for a run, and logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ReleaseNotFound
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import NOT_YET_LIVE, Release, ReleaseName, State, TaskKey
from airflow_dataops.core.usage import Use

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

_FOLDERS = ("files",)
"""Publishers whose releases are folders: before one is live, nothing there can be read."""
_UNQUOTED = (*_FOLDERS, "iceberg")
"""Publishers whose releases are read by what speaks no SQL, too: their names stand as they are."""
_READABLE = (State.LIVE, State.SUPERSEDED, *NOT_YET_LIVE)
"""What a run that is pinned to it reads on; a candidate is pinned where its set went live and that is not recorded."""


def resolve(
    store: Store, name: str, key: TaskKey, now: datetime, *, dialect_of: Callable[[str], str] | None = None
) -> str:
    """Return the relation that this consumer must read for ``name``, and log the read.

    The first resolution pins the release for the DAG run: a retry or a clear reads the same, unless that release was
    rolled back or retired meanwhile. A name that is no dataset yet is returned as it is.

    :param dialect_of: tells the SQL of a connection's database, asked where a name must be quoted; without it, such a
        name stands in double quotes.
    :raises ReleaseNotFound: its releases are folders, and none is live: its own folder holds candidates alone.
    """
    dataset = store.releases.find_dataset(name)
    release = pin(store, name, key, now) if dataset else None
    if dataset and release is None:
        if dataset.publisher in _FOLDERS:  # in its folder there are candidates alone
            raise ReleaseNotFound(f"{name} has no live release yet: there is nothing to read. Promote one first.")
        log.warning("Dataset %s has no live release yet: reading %s as it is", name, dataset.reader)
    relation = name
    if dataset is not None:
        found = release.relation if release else Relation.parse(dataset.reader)
        relation = str(found) if dataset.publisher in _UNQUOTED else _quoted(found, dataset.conn_id, dialect_of)
    store.usage.add(
        Use(
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


def _quoted(relation: Relation, conn_id: str, dialect_of: Callable[[str], str] | None) -> str:
    """Return a relation as it stands in its database's SQL."""
    dialect = dialect_of(conn_id) if dialect_of and not relation.plain else None
    return relation.quoted("`") if dialect == "mysql" else relation.text


def pin(store: Store, dataset: str, key: TaskKey, now: datetime) -> Release | None:
    """Return the release that this DAG run reads, pinned now if it was not; ``None`` if nothing is live.

    A consumer that is routed to a canary reads that one.
    """
    live = store.releases.live(dataset)
    if key.dag_id is None or key.run_id is None:
        return live
    number = store.usage.pinned(dataset, key.dag_id, key.run_id)
    if number is None:
        reads = _routed(store, dataset, key.dag_id, live)
        if reads is None:
            return None
        number = _pin(store, reads, key.dag_id, key.run_id, now)
    release = store.releases.get(ReleaseName(dataset=dataset, number=number))
    if release.state in _READABLE:
        return release
    if live is not None:
        log.warning("%s, which this run has read so far, is %s: it reads %s from now on", release, release.state, live)
        _pin(store, live, key.dag_id, key.run_id, now, anew=True)
    return live


def _pin(store: Store, release: Release, dag_id: str, run_id: str, now: datetime, *, anew: bool = False) -> int:
    """Pin a release for a DAG run, and with it what the run reads of the datasets that went live together with it."""
    also = _beside(store, release, dag_id)
    return store.usage.pin(release.dataset.name, dag_id, run_id, release.number, now, also=also, anew=anew)


def _beside(store: Store, release: Release, dag_id: str) -> list[ReleaseName]:
    """Return what is read of the other members of a live release's set, as if all were recorded in one moment."""
    found = []
    for name in store.switches.together(release.name):
        if name.dataset == release.dataset.name:
            continue
        member, live = store.releases.get(name), store.releases.live(name.dataset)
        newer = store.switches.together(live.name) if live and live.name != name else ()
        unrecorded = member.state in NOT_YET_LIVE
        # Of a newer set that member alone is recorded so far.
        ahead = member.state is State.SUPERSEDED and any(each.dataset == release.dataset.name for each in newer)
        reads = member if unrecorded or ahead else _routed(store, name.dataset, dag_id, live)
        found += [reads.name] if reads else []
    return found


def _routed(store: Store, dataset: str, dag_id: str, live: Release | None) -> Release | None:
    """Return the release that a DAG's new run reads: the canary, where it is routed there, else the live one."""
    found = store.releases.canary(dataset)
    if found is None:
        return live
    canary, route = found
    overtaken = live is not None and live.number > canary.number
    return canary if route.takes(dataset, dag_id) and not overtaken else live


def await_release(store: Store, dataset: str, key: TaskKey, now: datetime) -> Release | None:
    """Return the live release if no other run of this DAG has read it, pinned for this run; else ``None``."""
    release = unread_release(store, dataset, key)
    if release is not None and key.dag_id is not None and key.run_id is not None:
        _pin(store, release, key.dag_id, key.run_id, now, anew=True)
    return release


def unread_release(store: Store, dataset: str, key: TaskKey) -> Release | None:
    """Return the live release if no other run of this DAG has read it, else ``None``."""
    live = store.releases.live(dataset)
    if live is None or key.dag_id is None:
        return live
    return None if store.usage.seen(dataset, key.dag_id, live.number, besides=key.run_id) else live
