"""Pages of gates: the tab of one task instance, the list, and one run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome, Verdict
from airflow_dataops.hooks.store import open_store
from airflow_dataops.stores.gates import GateRun
from airflow_dataops.stores.store import Store
from airflow_dataops.ui.access import NOT_FOUND, ReaderDep
from airflow_dataops.ui.rendering import LARGEST, page

gates = APIRouter()
PAGE = 50
TRIES = 20
UNMAPPED = "{MAP_INDEX}"
"""What Airflow's UI leaves of the token for a task that is not mapped."""


@gates.get("/gate")
def task_instance(
    request: Request, reader: ReaderDep, dag_id: str, run_id: str, task_id: str, map_index: str = UNMAPPED
) -> Response:
    """Show what the gate in this task instance found, its latest try first."""
    index = int(map_index) if map_index.isdecimal() and len(map_index) < 10 else -1
    key = TaskKey(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=index)
    store = open_store()
    runs = store.gates.of(key=key, limit=TRIES) if reader.may_read(dag_id) else []
    if not runs:
        return page(request, "gate_none.html", key=key)
    return _one(request, store, runs[0], runs, in_tab=True)


@gates.get("/gates")
def listed(
    request: Request,
    reader: ReaderDep,
    verdict: str = "",
    dag: str = "",
    dataset: str = "",
    before: Annotated[int | None, Query(ge=1, lt=LARGEST)] = None,
) -> Response:
    """Show gate runs, newest first."""
    store = open_store()
    verdict = verdict if verdict in set(Verdict) else ""
    found = store.gates.summaries(
        verdict=Verdict(verdict) if verdict else None,
        dag_id=dag or None,
        dataset=dataset or None,
        dag_ids=reader.dag_ids,
        before=before,
        limit=PAGE + 1,
    )
    dags, datasets = store.gates.facets(dag_ids=reader.dag_ids)
    chosen = {"verdict": verdict, "dag": dag, "dataset": dataset}
    return page(
        request,
        "gates.html",
        runs=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before,
        chosen={name: text for name, text in chosen.items() if text},
        choices={"verdict": [str(v) for v in reversed(Verdict)], "dag": dags, "dataset": datasets},
    )


@gates.get("/gates/{number}")
def run(request: Request, reader: ReaderDep, number: Annotated[int, Path(ge=0, lt=LARGEST)]) -> Response:
    """Show one run of a gate."""
    store = open_store()
    found = store.gates.get(number)
    if found is None:
        raise HTTPException(404, NOT_FOUND)
    reader.open(found.key.dag_id)
    key = found.key
    tries = store.gates.of(key=TaskKey(**{**vars(key), "try_number": 0}), limit=TRIES) if key.dag_id else [found]
    return _one(request, store, found, tries)


def _one(request: Request, store: Store, shown: GateRun, tries: list[GateRun], *, in_tab: bool = False) -> Response:
    result = shown.result
    return page(
        request,
        "gate.html",
        run=shown,
        in_tab=in_tab,
        tries=tries,
        missed=_alike(result),
        held=result.of(Outcome.PASS),
        vouchers=list(dict.fromkeys(found.proved_by for found in result.proved)),
        counts={outcome: len(result.of(outcome)) for outcome in reversed(Outcome) if result.of(outcome)},
        history=store.gates.history(shown),
    )


def _alike(result: GateResult) -> list[list[CheckResult]]:
    """Return what does not hold, worst first; checks that one error kept from being measured stand together."""
    groups: dict[object, list[CheckResult]] = {}
    for position, found in enumerate(result.of(Outcome.FAIL, Outcome.ERROR, Outcome.WARN, Outcome.INFO)):
        shared = found.outcome is Outcome.ERROR and found.message
        groups.setdefault(shared or position, []).append(found)
    return list(groups.values())
