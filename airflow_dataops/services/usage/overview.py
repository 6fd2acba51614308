"""What is known of everything at once: the graph, the list of datasets and tables, and one of them in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.graph import Graph, Kind, Live, graph
from airflow_dataops.core.impact import Hit, impact
from airflow_dataops.core.readers import Adopter, Reader, adoption, readers
from airflow_dataops.core.relations import Column
from airflow_dataops.core.still_used import Standing, StillUsed, Watch, still_used
from airflow_dataops.core.usage import Access, Usage
from airflow_dataops.services.usage.answers import standings, watched
from airflow_dataops.services.usage.declaring import known_uses
from airflow_dataops.stores.live import live_now

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

ANOTHER = "a task of another DAG"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A dataset or table in one line.

    :param readers: how many consumers have read it, as far as the one who asks may know.
    :param still: whether anybody reads it, whoever asks.
    """

    name: str
    kind: Kind
    live: Live | None
    readers: int
    last_read: datetime | None
    still: StillUsed


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """All that is known of one dataset or table.

    :param writers: who builds it, and when last; the latest first.
    :param adopters: which release each reader has read last.
    :param columns: those of the live release, each with whether it is still used.
    :param hits: whom a change reaches, the most important first.
    """

    name: str
    kind: Kind
    live: Live | None
    watch: Watch
    still: StillUsed
    readers: list[Reader]
    writers: dict[str, datetime]
    adopters: dict[str, Adopter]
    columns: list[tuple[Column, StillUsed]]
    hits: list[Hit]


def drawn(store: Store, *, dag_ids: Collection[str] | None = None, by_task: bool = False) -> Graph:
    """Return who uses what as a graph.

    :param dag_ids: only what these DAGs stage, read and write.
    """
    live = live_now(store, dag_ids=dag_ids)
    datasets = {each.name: live.get(each.name) for each in store.releases.datasets(dag_ids=dag_ids)}
    return graph(known_uses(store, dag_ids=dag_ids), datasets, by_task=by_task)


def known(
    store: Store, watch: Watch, *, dag_ids: Collection[str] | None = None, tables_alone: bool = False
) -> list[Known]:
    """Return every dataset, then every table, by name.

    :param dag_ids: only what these DAGs stage, read and write.
    :param tables_alone: no dataset.
    """
    bound = False if tables_alone else None
    live = live_now(store, dag_ids=dag_ids)
    theirs = _by_name(known_uses(store, dag_ids=dag_ids, bound=bound))
    every = {} if dag_ids is None else _by_name(known_uses(store, access=Access.READ, bound=bound))
    datasets = {each.name for each in store.releases.datasets(dag_ids=dag_ids)}
    datasets |= {use.dataset for uses in theirs.values() for use in uses if use.dataset}
    found = []
    for name in ([] if tables_alone else sorted(datasets)) + sorted(theirs.keys() - datasets):
        mine = readers(theirs.get(name, ()))
        still = still_used(name, mine if dag_ids is None else readers(every.get(name, ())), watch)
        found.append(
            Known(
                name=name,
                kind=Kind.DATASET if name in datasets else Kind.TABLE,
                live=live.get(name),
                readers=len(mine),
                last_read=next((one.last_read for one in mine if one.reads), None),
                still=_open(still, {one.consumer for one in mine}),
            )
        )
    return found


def unused(store: Store, watch: Watch, *, dag_ids: Collection[str] | None = None) -> list[tuple[str, StillUsed]]:
    """Return what nobody is known to read any more, each with its kind: what is surely unused first.

    :param dag_ids: only datasets and releases that these DAGs stage, and tables that they read or write.
    """
    found = [(one.kind, one) for one in standings(store, watch)]
    if dag_ids is not None:
        datasets = {each.name for each in store.releases.datasets(dag_ids=dag_ids)}
        releases = {str(each.name) for each in store.releases.of(dag_ids=dag_ids, limit=None)}
        live = live_now(store, dag_ids=dag_ids)
        theirs = {"dataset": datasets, "release": releases}
        seen = {use.consumer for use in known_uses(store, dag_ids=dag_ids)}
        found = [
            (kind, _open(one, seen))
            for kind, one in found
            if (one.dataset in live if kind == "column" else one.name in theirs[kind])
        ]
    found += [(each.kind, each.still) for each in known(store, watch, dag_ids=dag_ids, tables_alone=True)]
    left = [(kind, one) for kind, one in found if one.standing is not Standing.USED]
    return sorted(left, key=lambda each: each[1].standing is not Standing.UNUSED)


def portrait(store: Store, name: str, now: datetime, *, dag_ids: Collection[str] | None = None) -> Portrait | None:
    """Return all that is known of a dataset or table; ``None`` where nothing is, or nothing that one may know.

    :param dag_ids: only what these DAGs stage, read and write.
    """
    theirs, watch = known_uses(store, dag_ids=dag_ids), watched(store, now)
    of_it = [use for use in theirs if use.name == name]
    is_dataset = any(each.name == name for each in store.releases.datasets(dag_ids=dag_ids))
    if not is_dataset and not of_it:
        return None
    found = live_now(store, dataset=name, dag_ids=dag_ids).get(name)
    mine = every = readers(of_it)
    if dag_ids is not None:  # whether it is used is said of all of them
        every = readers(use for use in known_uses(store, access=Access.READ) if use.name == name)
    visible = {reader.consumer for reader in mine}
    newest = store.releases.live(name)
    return Portrait(
        name=name,
        kind=Kind.DATASET if is_dataset or any(use.dataset for use in of_it) else Kind.TABLE,
        live=found,
        watch=watch,
        still=_open(still_used(name, every, watch), visible),
        readers=mine,
        writers=_writers(of_it),
        adopters={one.consumer: one for one in adoption(of_it, newest.name.number if newest else None)},
        columns=[
            (each, _open(still_used(f"{name}.{each.name}", every, watch, dataset=name, column=each.name), visible))
            for each in (newest.columns if newest and found else ())
        ],
        hits=impact(theirs, name, now=now),
    )


def _by_name(usages: Iterable[Usage]) -> dict[str, list[Usage]]:
    found = defaultdict(list)
    for usage in usages:
        found[usage.name].append(usage)
    return found


def _writers(usages: Iterable[Usage]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for usage in usages:  # the latest first
        if usage.access is Access.WRITE:
            found.setdefault(usage.consumer, usage.last_at)
    return found


def _open(still: StillUsed, visible: Collection[str]) -> StillUsed:
    """Return a verdict in which no consumer is named but those that may be known."""
    why = still.why
    for hidden in sorted(set(still.consumers).difference(visible), key=len, reverse=True):
        why = why.replace(hidden, ANOTHER)
    return replace(still, consumers=tuple(one for one in still.consumers if one in visible), why=why)
