"""Pages of releases: each dataset's timeline, and one release."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from airflow_dataops.core.errors import ReleaseNotFound
from airflow_dataops.core.impact import impact
from airflow_dataops.core.readers import adoption, readers
from airflow_dataops.core.releases import TRANSITIONS, Action, Dataset, Release, ReleaseName, State
from airflow_dataops.hooks.store import open_store
from airflow_dataops.services.releasing.approving import state_shown
from airflow_dataops.services.releasing.canary import begun
from airflow_dataops.services.usage import known_uses
from airflow_dataops.stores.gate_lists import GateSummary, newest_of_each
from airflow_dataops.stores.store import Store
from airflow_dataops.ui.access import NOT_FOUND, Reader, ReaderDep
from airflow_dataops.ui.actions import DEEDS
from airflow_dataops.ui.answers import waiting
from airflow_dataops.ui.rendering import LARGEST, page

releases = APIRouter()
NEWEST = 10
ALL = 200


@dataclass(frozen=True, kw_only=True)
class Point:
    """A release on its dataset's timeline.

    :param events: its history, newest first.
    :param gates: the latest run of each gate that judged it.
    """

    release: Release
    state: str
    events: list[dict[str, Any]]
    gates: list[GateSummary]

    @property
    def last_move(self) -> dict[str, Any] | None:
        """The newest event that changed the release's state; others are only notes."""
        return next((event for event in self.events if event["from_state"] != event["to_state"]), None)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A dataset's releases, newest first; ``more`` where older ones are left out."""

    dataset: Dataset
    points: list[Point]
    live: Point | None
    more: bool


@releases.get("/releases")
def listed(request: Request, reader: ReaderDep, dataset: str = "") -> Response:
    """Show each dataset's newest releases, or all of one dataset."""
    store = open_store()
    known = [d for d in store.releases.datasets() if dataset in ("", d.name)]
    timelines = [_timeline(store, reader, d, ALL if dataset else NEWEST) for d in known]
    return page(request, "releases.html", timelines=[t for t in timelines if t.points], dataset=dataset)


@releases.get("/releases/{dataset}/{number}")
def one(request: Request, reader: ReaderDep, dataset: str, number: Annotated[int, Path(ge=0, lt=LARGEST)]) -> Response:
    """Show one release: what it is, what gates say of it, what happened to it, and who read it."""
    store = open_store()
    try:
        release = store.releases.get(ReleaseName(dataset=dataset, number=number))
    except ReleaseNotFound:
        raise HTTPException(404, NOT_FOUND) from None
    reader.open(release.key.dag_id)
    live = store.releases.live(dataset)
    newest = live.name.number if live else None
    usages = known_uses(store, dag_ids=reader.dag_ids)
    return page(
        request,
        "release.html",
        point=_point(store, reader, release),
        deeds=_deeds(store, reader, release),
        route=begun(store, release),
        live=live if live and reader.may_read(live.key.dag_id) else None,
        gates=store.gates.of(release=release.name, dag_ids=reader.dag_ids),
        diffs=store.diffs.of(release.name, dag_ids=reader.dag_ids, limit=NEWEST),
        readers=readers(store.usage.readers(dataset, number, dag_ids=reader.dag_ids)),
        hits=impact(usages, dataset, now=datetime.now(UTC)),
        adopters={one.consumer: one for one in adoption((u for u in usages if u.name == dataset), newest)},
    )


def _deeds(store: Store, reader: Reader, release: Release) -> dict[str, str]:
    """Return what the user can do with a release in its state, each with its title."""
    found = {"approve": "Approve"} if waiting(store, reader, release) else {}
    fitting = {"promote": (Action.PROMOTE,), "rollback": (Action.ROLLBACK, Action.UNROUTE)}
    for deed, actions in fitting.items():
        if any(release.state in TRANSITIONS[one] for one in actions) and reader.may_change(release.key.dag_id):
            found[deed] = DEEDS[deed].title
    return found


def _timeline(store: Store, reader: Reader, dataset: Dataset, limit: int) -> Timeline:
    found = store.releases.of(dataset.name, dag_ids=reader.dag_ids, limit=limit + 1)
    live = store.releases.of(dataset.name, states=[State.LIVE], dag_ids=reader.dag_ids, limit=1)
    shown = found[:limit] + [r for r in live if r not in found[:limit]]
    points = [_point(store, reader, release) for release in shown]
    return Timeline(
        dataset=dataset,
        points=points,
        live=next((p for p in points if p.release.state is State.LIVE), None),
        more=len(found) > limit,
    )


def _point(store: Store, reader: Reader, release: Release) -> Point:
    return Point(
        release=release,
        state=state_shown(store, release, datetime.now(UTC)),
        events=[_shown(event, store, reader) for event in reversed(store.releases.events(release.name))],
        gates=newest_of_each(store.gates.summaries(release=release.name, dag_ids=reader.dag_ids)),
    )


def _shown(event: dict[str, Any], store: Store, reader: Reader) -> dict[str, Any]:
    """Return the event; who did it and why is left out where that was a DAG that the user may not read.

    With the members of its set that the user may read.
    """
    members = (ReleaseName.parse(name) for name in event["detail"].get("set", ()))
    together = [name for name in members if reader.may_read(store.releases.get(name).key.dag_id)]
    if event["dag_id"] is None or reader.may_read(event["dag_id"]):
        return {**event, "together": together}
    hidden = ("dag_id", "run_id", "task_id", "reason")
    return {**event, "together": together, **dict.fromkeys(hidden), "by": "another DAG"}
