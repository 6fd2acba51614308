"""The button that approves: a task that asks people about a release is answered from the release's page.

The answer goes to Airflow, as from its "Required Actions": Airflow says who may give it, and the task records it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import Response

from airflow_dataops.core.approvals import Answer, Question, counting
from airflow_dataops.core.errors import ReleaseNotFound
from airflow_dataops.core.releases import Release, ReleaseName
from airflow_dataops.hooks.store import open_store
from airflow_dataops.operators.release.asking import ANSWERS, written
from airflow_dataops.services.releasing.approving import ASKABLE
from airflow_dataops.stores.approvals import ASKED
from airflow_dataops.stores.store import Store
from airflow_dataops.ui.access import NOT_FOUND, Reader, ReaderDep
from airflow_dataops.ui.actions import AUDITED, LONGEST_REASON, Number, same_origin
from airflow_dataops.ui.rendering import page

answers = APIRouter()

# Since 3.3 a task waits for a person as such, before by a trigger.
_WAITING = ("awaiting_input", "deferred")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A task instance that waits for an answer about a release.

    :param quorum: how many different people must approve.
    :param given: who has approved so far.
    """

    id: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    question: Question
    quorum: int
    given: tuple[str, ...]


def waiting(store: Store, reader: Reader, release: Release) -> list[Waiting]:
    """Return the tasks that wait for an answer about a release, of those that the user may answer."""
    if release.state not in ASKABLE:
        return []
    asked = {}
    for event in store.releases.events(release.name):
        if event["action"] == ASKED and event["dag_id"] and reader.may_answer(event["dag_id"]):
            asked[event["dag_id"], event["run_id"], event["task_id"], event["map_index"]] = event["detail"]
    found = []
    for (dag_id, run_id, task_id, map_index), detail in asked.items():
        number = _waiting(dag_id, run_id, task_id, map_index)
        if number is None:
            continue
        said = counting(store.approvals.of(release.name), fingerprint=detail["fingerprint"], now=datetime.now(UTC))
        given = [a for a in said if (a.task.dag_id, a.task.task_id, a.answer) == (dag_id, task_id, Answer.APPROVE)]
        found.append(
            Waiting(
                id=number,
                dag_id=dag_id,
                run_id=run_id,
                task_id=task_id,
                map_index=map_index,
                question=Question(release=release.name, fingerprint=detail["fingerprint"]),
                quorum=detail["quorum"],
                given=tuple(str(a.person) for a in given),
            )
        )
    return found


def _waiting(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """Return Airflow's id of the task instance if it waits for an answer."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = (
        select(TaskInstance.id)
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.run_id == run_id,
            TaskInstance.task_id == task_id,
            TaskInstance.map_index == map_index,
            TaskInstance.state.in_(_WAITING),
            HITLDetail.responded_at.is_(None),
        )
    )
    with create_session(scoped=False) as session:
        found = session.scalar(query)
    return str(found) if found else None


@answers.get("/releases/{dataset}/{number}/approve")
def question(request: Request, reader: ReaderDep, dataset: str, number: Number) -> Response:
    """Show what is asked, and by which task; ask for the answer."""
    store = open_store()
    release = _open(store, reader, dataset, number)
    return _page(request, release, waiting(store, reader, release))


@answers.post("/releases/{dataset}/{number}/approve", dependencies=[Depends(same_origin), AUDITED])
def answered(
    request: Request,
    reader: ReaderDep,
    dataset: str,
    number: Number,
    task: Annotated[str, Form()] = "",
    mark: Annotated[str, Form()] = "",
    answer: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Hand the answer to Airflow, whose task records it."""
    store = open_store()
    release = _open(store, reader, dataset, number)
    asked = next((w for w in waiting(store, reader, release) if (w.id, w.question.mark) == (task, mark)), None)
    reason = reason.strip()
    if answer not in ANSWERS or len(reason) > LONGEST_REASON:
        known = " or ".join(ANSWERS)
        refusal = f"Nothing was answered: expected {known}, and a reason of at most {LONGEST_REASON:,} characters."
        return _page(request, release, [], refusal=refusal, status=422)
    if asked is None:
        refusal = "Nobody waits for this answer any more: it was given, or something else is asked by now."
        return _page(request, release, [], refusal=refusal, status=409)
    try:
        _answer(reader, asked, answer, written(asked.question, reason))
    except HTTPException as error:
        return _page(request, release, [], refusal=str(error.detail), status=error.status_code)
    message = f"Your answer ({answer}) is with Airflow. {asked.dag_id}.{asked.task_id} records it in a moment."
    return _page(request, release, [], message=message)


def _answer(reader: Reader, asked: Waiting, answer: str, params: dict[str, Any]) -> None:
    """Answer as Airflow's own API does.

    :raises HTTPException: the user is not one of those who are asked, or somebody was faster.
    """
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        update_hitl_detail(
            dag_id=asked.dag_id,
            dag_run_id=asked.run_id,
            task_id=asked.task_id,
            map_index=asked.map_index,
            update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[answer], params_input=params),
            user=reader.user,
            session=session,
        )


def _open(store: Store, reader: Reader, dataset: str, number: int) -> Release:
    """Return the release, for a user who may answer somebody who has asked about it.

    :raises HTTPException: 404 if there is none that the user may see, 403 if the user may only see it.
    """
    try:
        release = store.releases.get(ReleaseName(dataset=dataset, number=number))
    except ReleaseNotFound:
        raise HTTPException(404, NOT_FOUND) from None
    reader.open(release.key.dag_id)
    if not any(reader.may_answer(ref.dag_id) for ref in store.approvals.asked(release.name)):
        raise HTTPException(403)
    return release


def _page(
    request: Request, release: Release, asked: list[Waiting], *, refusal: str = "", message: str = "", status: int = 200
) -> Response:
    return page(
        request,
        "approve.html",
        status=status,
        release=release,
        asked=asked,
        refusal=refusal,
        message=message,
        longest=LONGEST_REASON,
    )
