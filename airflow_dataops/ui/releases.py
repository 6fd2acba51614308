"""Pages of releases: each dataset's timeline, and one release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from airflow_dataops.core.errors import ReleaseNotFound
from airflow_dataops.core.releases import Dataset, Release, ReleaseName, State, shown_state
from airflow_dataops.hooks.store import open_store
from airflow_dataops.stores.gate_lists import GateSummary
from airflow_dataops.stores.store import Store
from airflow_dataops.ui.access import NOT_FOUND, Reader, ReaderDep
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
def one(request: Request, reader: ReaderDep, dataset: str, number: Annotated[int, Path(lt=LARGEST)]) -> Response:
    """Show one release: what it is, what gates say of it, what happened to it, and who read it."""
    store = open_store()
    try:
        release = store.releases.get(ReleaseName(dataset=dataset, number=number))
    except ReleaseNotFound:
        raise HTTPException(404, NOT_FOUND) from None
    reader.open(release.key.dag_id)
    live = store.releases.live(dataset)
    return page(
        request,
        "release.html",
        point=_point(store, reader, release),
        live=live if live and reader.may_read(live.key.dag_id) else None,
        gates=store.gates.of(release=release.name, dag_ids=reader.dag_ids),
        readers=[r for r in store.usage.readers(dataset=dataset, dag_ids=reader.dag_ids) if r["release"] == number],
    )


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
    evidence = store.gates.evidence(release=release.name) if release.state is State.CANDIDATE else ()
    return Point(
        release=release,
        state=shown_state(release.state, evidence, release.fingerprint),
        events=[_shown(event, reader) for event in reversed(store.releases.events(release.name))],
        gates=_latest(store.gates.summaries(release=release.name, dag_ids=reader.dag_ids)),
    )


def _latest(runs: list[GateSummary]) -> list[GateSummary]:
    """Return the newest run of each gate and map index; ``runs`` is newest first."""
    found: dict[tuple[str, int], GateSummary] = {}
    for run in runs:
        found.setdefault((run.gate, run.key.map_index), run)
    return list(found.values())


def _shown(event: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """Return the event; who did it and why is left out where that was a DAG that the user may not read."""
    if event["dag_id"] is None or reader.may_read(event["dag_id"]):
        return event
    hidden = ("dag_id", "run_id", "task_id", "reason")
    return {**event, **dict.fromkeys(hidden), "by": "another DAG"}
