"""The report on usage, for people who do not look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_dataops.core.usage_report import Adoption, UsageReport
from airflow_dataops.services.usage.answers import WINDOW, adopted_by, standings, watched

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


def report(store: Store, now: datetime, *, window: timedelta = WINDOW, datasets: Sequence[str] = ()) -> UsageReport:
    """Return which datasets, releases and columns nobody reads any more, and who has not yet read what is live.

    :param datasets: these alone; all of them, where none is given.
    :raises ReleaseNotFound: there is no dataset of one of these names.
    """
    watch = watched(store, now, window=window)
    found = [standings(store, watch, dataset=name) for name in datasets or (None,)]
    names = datasets or [each.name for each in store.releases.datasets()]
    return UsageReport(
        at=now,
        watched=watch.text,
        standings=tuple(each for some in found for each in some),
        adoptions=tuple(_adoption(store, name, since=now - window) for name in names),
    )


def _adoption(store: Store, dataset: str, *, since: datetime) -> Adoption:
    live = store.releases.live(dataset)
    adopters = tuple(one for one in adopted_by(store, dataset) if one.last_read >= since)
    return Adoption(dataset=dataset, live=live.name.number if live else None, adopters=adopters)
