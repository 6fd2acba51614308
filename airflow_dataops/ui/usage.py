"""Pages of usage: the graph of who reads what, the lists behind it, and one dataset or table."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from airflow_dataops.core.graph import Kind
from airflow_dataops.core.still_used import Standing
from airflow_dataops.core.usage import Coverage
from airflow_dataops.hooks.store import open_store
from airflow_dataops.services.usage import drawn, known, portrait, watched
from airflow_dataops.services.usage import unused as nobody_reads
from airflow_dataops.ui.access import NOT_FOUND, ReaderDep
from airflow_dataops.ui.rendering import LARGEST, page


def _without_collector() -> Iterator[None]:
    """Let nobody look for garbage meanwhile: that passes over all of Airflow's objects, and takes half of the time."""
    if not gc.isenabled():  # another page does so just now
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


usage = APIRouter(dependencies=[Depends(_without_collector)])
PAGE = 50
NEWEST = 20
NumberDep = Annotated[int, Query(ge=1, lt=LARGEST, alias="page")]
"""Which page of a long list."""


@usage.get("/usage")
def shown(request: Request, by: str = "", focus: str = "") -> Response:
    """Show the page on which the browser draws the graph."""
    return page(request, "usage.html", tab="", by="task" if by == "task" else "", focus=focus)


@usage.get("/usage/graph.json")
def graph(reader: ReaderDep, by: str = "") -> JSONResponse:
    """Return the graph as the browser draws it."""
    return JSONResponse(drawn(open_store(), dag_ids=reader.dag_ids, by_task=by == "task").to_dict())


@usage.get("/usage/datasets")
def datasets(
    request: Request, reader: ReaderDep, q: str = "", kind: str = "", standing: str = "", number: NumberDep = 1
) -> Response:
    """Show each dataset and table: what is live, who reads it, and whether anybody still does."""
    now = datetime.now(UTC)
    store = open_store()
    every = known(store, watched(store, now), dag_ids=reader.dag_ids)
    found = [one for one in every if _fits(one.name, q) and kind in ("", one.kind)]
    found = [one for one in found if standing in ("", one.still.standing)]
    choices = {"kind": [Kind.DATASET, Kind.TABLE], "standing": list(Standing)}
    chosen = {"q": q, "kind": kind, "standing": standing}
    return _listed(request, "datasets", found, number, chosen, choices=choices, nothing=not every, now=now)


@usage.get("/usage/unused")
def unused(
    request: Request, reader: ReaderDep, q: str = "", kind: str = "", standing: str = "", number: NumberDep = 1
) -> Response:
    """Show what nobody is known to read any more, with the evidence."""
    store = open_store()
    watch = watched(store, datetime.now(UTC))
    every = nobody_reads(store, watch, dag_ids=reader.dag_ids)
    found = [(what, one) for what, one in every if _fits(one.name, q) and kind in ("", what)]
    found = [(what, one) for what, one in found if standing in ("", one.standing)]
    choices = {"kind": ["dataset", "table", "release", "column"], "standing": [Standing.UNUSED, Standing.UNKNOWN]}
    chosen = {"q": q, "kind": kind, "standing": standing}
    return _listed(request, "unused", found, number, chosen, choices=choices, nothing=not every, watch=watch)


@usage.get("/usage/coverage")
def coverage(request: Request, reader: ReaderDep, q: str = "", number: NumberDep = 1) -> Response:
    """Show how much of what consumers did is known, those of whom least is first."""
    now, store = datetime.now(UTC), open_store()
    watch = watched(store, now)
    every = store.usage.coverage(watch.since.date())
    if reader.dag_ids is not None:
        seen = {use.consumer for use in store.usage.uses(dag_ids=reader.dag_ids)}
        every = {name: each for name, each in every.items() if name in seen}
    found = [each for each in sorted(every.items(), key=_least) if _fits(each[0], q)]
    return _listed(request, "coverage", found, number, {"q": q}, choices={}, nothing=not every, watch=watch)


@usage.get("/usage/of")
def one(request: Request, reader: ReaderDep, name: str) -> Response:
    """Show one dataset or table: who reads and writes it, what of it is used, and what gates say of it."""
    now, store = datetime.now(UTC), open_store()
    found = portrait(store, name, now, dag_ids=reader.dag_ids)
    if found is None:
        raise HTTPException(404, NOT_FOUND)
    runs = store.gates.summaries(dataset=name, dag_ids=reader.dag_ids, limit=NEWEST)
    return page(request, "usage_of.html", it=found, now=now, runs=runs)


def _listed(
    request: Request, tab: str, found: Sequence[Any], number: int, chosen: dict[str, str], **values: Any
) -> Response:
    """Show one page of a list.

    :param chosen: what the list is filtered by.
    """
    begin = PAGE * (number - 1)
    return page(
        request,
        f"usage_{tab}.html",
        tab=tab,
        rows=found[begin : begin + PAGE],
        total=len(found),
        number=number,
        last=max(1, -(-len(found) // PAGE)),
        chosen={name: text for name, text in chosen.items() if text},
        **values,
    )


def _fits(name: str, wanted: str) -> bool:
    return wanted.casefold() in name.casefold()


def _least(each: tuple[str, Coverage]) -> tuple[float, int, str]:
    name, known_of = each
    share = known_of.share
    return 1.0 if share is None else share, -(known_of.dropped + known_of.lost), name
