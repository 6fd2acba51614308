"""Who reads this, whom does a change hit, is it still used, and is the new release used?"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ReleaseNotFound
from airflow_dataops.core.impact import Hit, impact
from airflow_dataops.core.readers import Adopter, Reader, adoption, readers
from airflow_dataops.core.still_used import StillUsed, Watch, still_used
from airflow_dataops.core.usage import Access
from airflow_dataops.core.values import counted
from airflow_dataops.services.usage.declaring import known_uses

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

WINDOW = timedelta(days=92)
"""How far back is looked, where nothing else is said: what runs once a quarter is seen."""


def who_reads(store: Store, dataset: str | None = None) -> list[Reader]:
    """Return who reads a dataset, or anything, most recently read first."""
    return readers(known_uses(store, dataset=dataset, access=Access.READ))


def hit_by(store: Store, name: str, now: datetime, *, column: str | None = None) -> list[Hit]:
    """Return whom a change of a dataset or table reaches, the most important first.

    :raises ReleaseNotFound: nothing of that name is known.
    """
    usages = known_uses(store)
    if store.releases.find_dataset(name) is None and not any(usage.name == name for usage in usages):
        raise ReleaseNotFound(
            f"Nothing is known of {name!r}: it is no dataset, and nobody has been seen to use a table of that name. "
            "`airflow dataops usage report` lists what is known."
        )
    return impact(usages, name, now=now, column=column)


def reached(store: Store, name: str, now: datetime, *, shown: int = 3) -> str:
    """Return in one sentence whom a change of a dataset or table reaches; empty where nobody is known to read it."""
    datasets, _ = store.usage.named([name])
    hits = impact(known_uses(store), datasets[0].name if datasets else name, now=now)
    if not hits:
        return ""
    named = [_named(hit) for hit in hits[:shown]]
    more = [f"{len(hits) - shown} more"] if len(hits) > shown else []
    return f"It would reach {counted(len(hits), 'consumer')}: {', '.join(named + more)}."


def _named(hit: Hit) -> str:
    told = [f"feeds {hit.feeds[0]}"] if hit.feeds else []
    told += [f"owner {hit.reader.owner}"] if hit.reader.owner else []
    return f"{hit.reader.consumer} ({', '.join(told)})" if told else hit.reader.consumer


def adopted_by(store: Store, dataset: str) -> list[Adopter]:
    """Return which release each consumer of a dataset has read last, those on an old one first.

    :raises ReleaseNotFound: there is no such dataset.
    """
    store.releases.dataset(dataset)
    live = store.releases.live(dataset)
    return adoption(store.usage.uses(dataset=dataset), live.name.number if live else None)


def watched(store: Store, now: datetime, *, window: timedelta = WINDOW) -> Watch:
    """Return what was watched in a window of time that ends now."""
    since = now - window
    return Watch(
        since=since,
        now=now,
        started=store.usage.watched_since(),
        coverage=store.usage.covered(since.date()),
        records=tuple(kept.text for kept in store.harvests.all()),
    )


def is_still_used(
    store: Store, now: datetime, *, window: timedelta = WINDOW, dataset: str | None = None
) -> list[StillUsed]:
    """Return what :func:`standings` does, of a window of time that ends now."""
    return standings(store, watched(store, now, window=window), dataset=dataset)


def standings(store: Store, watch: Watch, *, dataset: str | None = None) -> list[StillUsed]:
    """Return for each dataset, each release that is kept, and each column of the live one, whether it is still used.

    :param dataset: this one alone.
    :raises ReleaseNotFound: there is no such dataset.
    """
    names = [store.releases.dataset(dataset).name] if dataset else [each.name for each in store.releases.datasets()]
    usages, per_release = defaultdict(list), defaultdict(list)
    for usage in known_uses(store, dataset=dataset, access=Access.READ, bound=True):
        usages[usage.dataset].append(usage)
    for usage in store.usage.readers(dataset):
        per_release[usage.dataset, usage.release].append(usage)
    kept = defaultdict(list)
    for release, columns in store.releases.kept(dataset):
        kept[release.dataset].append((release, columns))
    found = []
    for name in names:
        mine = readers(usages[name])
        found.append(still_used(name, mine, watch))
        for release, columns in kept[name]:
            its = readers(per_release[name, release.number])
            found.append(still_used(str(release), its, watch, dataset=name))
            found += [still_used(f"{name}.{each}", mine, watch, dataset=name, column=each) for each in columns]
    return found
