"""Stopping what is downstream in other DAGs: what was found bad is not read on, where that is wanted.

A candidate that fails stops nobody: readers have the good release. A table that was judged in place and failed, a live
release that failed, and a dataset that was rolled back do: what is read from them would have to be taken back, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import Dataset, State, TaskKey
from airflow_dataops.core.stops import STOP_FOR, Stop
from airflow_dataops.core.usage import Access
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.services.usage.answers import WINDOW

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


def stop_of(store: Store, name: str, now: datetime) -> Stop | None:
    """Return why a dataset or table is not to be read now; ``None`` where nothing was found bad, or that is over."""
    found = list(_stops(store, name, now))
    lifted = store.stops.lifted(name) if found else None
    still = [each for each in found if lifted is None or each.since > lifted]
    return max(still, key=lambda each: each.since, default=None)


def refuse_stopped(store: Store, name: str, key: TaskKey, now: datetime) -> None:
    """Refuse a task that is about to read what was found bad.

    :raises Stopped: says why, until when, and what to do.
    """
    stop = stop_of(store, name, now)
    if stop is not None and key.dag_id not in stop.spares:
        raise stop.refusal()


def known_reads(store: Store, key: TaskKey, now: datetime) -> list[str]:
    """Return the datasets, and tables that are none, that earlier runs of a task have read lately."""
    consumer, since = f"{key.dag_id}.{key.task_id}", now - WINDOW
    uses = store.usage.uses(access=Access.READ, dag_ids=[str(key.dag_id)])
    mine = (use for use in uses if use.consumer == consumer and use.last_at >= since)
    return sorted({use.name for use in mine})


def resume(store: Store, name: str, *, by: str, reason: str, now: datetime) -> Stop:
    """Let a dataset or table be read all the same; return the stop that ends with this.

    :raises ConfigurationError: nothing stops its readers.
    """
    stop = stop_of(store, name, now)
    if stop is None:
        raise ConfigurationError(f"Nothing stops the readers of {name[:200]!r}. Nothing was changed.")
    store.stops.lift(name, at=now, by=by, reason=reason)
    return stop


def _stops(store: Store, name: str, now: datetime) -> Iterator[Stop]:
    """Yield what was found bad and is not over by itself."""
    dataset = store.releases.find_dataset(name)
    since = now - STOP_FOR
    if dataset is not None:
        yield from _rolled_back(store, dataset, since)
    live = store.releases.live(name) if dataset else None
    tables = [dataset.reader] if dataset else [name]
    switch = store.stops.switched(name) if dataset else None
    for run in store.stops.judged(since, tables, live.name if live else None):
        if run.verdict != Verdict.FAIL or (dataset and run.release is None and run.conn_id != dataset.conn_id):
            continue
        if switch is not None and run.at <= switch.at:  # found before what is live now was let through, or back
            continue
        gate = f"{run.dag_id}.{run.task_id}"
        what = str(live.name) if live and run.release is not None else run.source
        yield Stop(
            name=name,
            why=f"gate {gate} FAILED for {what}",
            since=run.at,
            ends=f"{gate} passes" + (", or a new release is live" if dataset else ""),
            spares=frozenset({str(run.dag_id)}) | _mending(store, dataset, name),
        )


def _rolled_back(store: Store, dataset: Dataset, since: datetime) -> Iterator[Stop]:
    event = store.stops.switched(dataset.name)
    if event is None or event.to_state != State.ROLLED_BACK or event.at <= since:
        return
    because = f": {event.reason}" if event.reason else ""
    yield Stop(
        name=dataset.name,
        why=f"{dataset.name}@r{event.release.number} was rolled back by {event.by}{because}",
        since=event.at,
        ends="a new release is live",
        spares=frozenset({event.dag_id} if event.dag_id else ()) | _mending(store, dataset, dataset.name),
    )


def _mending(store: Store, dataset: Dataset | None, name: str) -> frozenset[str]:
    """Return the DAGs that build a dataset, or load a table: they are what mends it."""
    if dataset is None:
        return frozenset(use.dag_id for use in store.usage.uses(access=Access.WRITE) if use.name == name and use.dag_id)
    return frozenset(each.key.dag_id for each in store.releases.of(dataset.name, limit=1) if each.key.dag_id)
