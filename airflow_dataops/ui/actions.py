"""What people do on the pages of releases: a page with the plan asks for the reason, and its POST takes the steps.

A GET changes nothing. A form carries the operation's identity: sent twice, it happens once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from airflow.api_fastapi.logging.decorators import action_logging
from airflow.configuration import conf
from fastapi import APIRouter, Depends, Form, HTTPException, Path, Request
from fastapi.responses import Response

from airflow_dataops.core.errors import DataOpsError, EvidenceMissing, Frozen, IllegalTransition, ReleaseNotFound
from airflow_dataops.core.releases import Operation, Release, ReleaseName
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.services.releasing import Outcome, Target, promote, required_gates, rollback
from airflow_dataops.ui.access import NOT_FOUND, Reader, ReaderDep
from airflow_dataops.ui.rendering import LARGEST, page

actions = APIRouter()

Say = Callable[[str], None]
_OP_ID = re.compile(r"[0-9a-f]{32}")
LONGEST_REASON = 2_000
PATIENCE = 10.0
"""Seconds that a page may wait for a lock before it says who holds it."""
_DECIDED = (EvidenceMissing, Frozen, IllegalTransition)
"""Refusals that would be the same from any other machine."""
NOT_SAME_ORIGIN = (
    "This form was not sent from this page. Open the release in Airflow and use its button. Behind a proxy that "
    "renames the host, [api] base_url must be the address that people see."
)


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One kind of action.

    :param title: as the button says it.
    :param asks: what the reason is asked for with.
    :param command: the same on the command line.
    :param do: takes the plan's steps, or with ``dry_run`` prints them alone.
    """

    title: str
    asks: str
    command: str
    do: Callable[[Target, Release, Operation, bool, Say], Outcome]


def _promote(target: Target, release: Release, op: Operation, dry_run: bool, say: Say) -> Outcome:
    return promote(
        target,
        release.name,
        op,
        required=required_gates(target.store, release),
        approvals=target.store.approvals.asked(release.name),
        replace_newer=True,
        dry_run=dry_run,
        say=say,
    )


def _rollback(target: Target, release: Release, op: Operation, dry_run: bool, say: Say) -> Outcome:
    return rollback(target, release.dataset.name, op, undoes=release.name, dry_run=dry_run, say=say)


DEEDS = {
    "promote": Deed(
        title="Promote",
        asks="Why does it go live?",
        command="airflow dataops release promote {release} --reason '…'",
        do=_promote,
    ),
    "rollback": Deed(
        title="Roll back",
        asks="Why is it rolled back?",
        command="airflow dataops release rollback {release} --reason '…'",
        do=_rollback,
    ),
}


def same_origin(request: Request) -> None:
    """Refuse a form that another site sent in the user's name.

    :raises HTTPException: 403.
    """
    if request.headers.get("authorization", "").lower().startswith("bearer "):  # no browser sends that by itself
        return
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    # Behind a proxy that renames the host, Airflow's own base_url is what people see.
    known = {request.headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    if origin is None or site != "same-origin" or urlsplit(origin).netloc not in known - {None, ""}:
        raise HTTPException(403, NOT_SAME_ORIGIN)


AUDITED = Depends(action_logging("dataops_release"))
"""Airflow's audit log has each attempt: who, which release, and what."""
Number = Annotated[int, Path(lt=LARGEST)]


@actions.get("/releases/{dataset}/{number}/{deed}")
def asked(request: Request, reader: ReaderDep, dataset: str, number: Number, deed: str) -> Response:
    """Show what the action would do, or why it would be refused, and ask for the reason."""
    release = _open(reader, dataset, number, deed)
    lines: list[str] = []
    op = _operation(reader, uuid.uuid4().hex, "asked for the plan")
    refusal, outcome = _tried(release, DEEDS[deed], op, dry_run=True, say=lines.append)
    told = _told(reader, release, lines, refusal, outcome)
    return _page(request, release, deed, told, op_id=op.op_id)


@actions.post("/releases/{dataset}/{number}/{deed}", dependencies=[Depends(same_origin), AUDITED])
def done(
    request: Request,
    reader: ReaderDep,
    dataset: str,
    number: Number,
    deed: str,
    reason: Annotated[str, Form()] = "",
    op_id: Annotated[str, Form()] = "",
) -> Response:
    """Take the steps, and show them with what came of them."""
    release = _open(reader, dataset, number, deed)
    lines: list[str] = []
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not _OP_ID.fullmatch(op_id):
        told = Told(refusal=f"The reason is missing, or longer than {LONGEST_REASON:,} characters.")
        return _page(request, release, deed, told, status=422, finished=True)
    op = _operation(reader, op_id, reason)
    refusal, outcome = _tried(release, DEEDS[deed], op, dry_run=False, say=lines.append)
    told = _told(reader, release, lines, refusal, outcome)
    return _page(request, release, deed, told, status=409 if refusal else 200, finished=True)


def _open(reader: Reader, dataset: str, number: int, deed: str) -> Release:
    """Return the release, for a user who may change what its DAG does.

    :raises HTTPException: 404 if there is none that the user may see, 403 if the user may only see it.
    """
    try:
        release = open_store().releases.get(ReleaseName(dataset=dataset, number=number))
    except ReleaseNotFound:
        raise HTTPException(404, NOT_FOUND) from None
    reader.open(release.key.dag_id)
    if deed not in DEEDS:
        raise HTTPException(404, NOT_FOUND)
    if not reader.may_change(release.key.dag_id):
        raise HTTPException(403)
    return release


def _operation(reader: Reader, op_id: str, reason: str) -> Operation:
    return Operation(op_id=op_id, by=f"ui:{reader.user.get_name()}", now=datetime.now(UTC), reason=reason)


def _tried(
    release: Release, deed: Deed, op: Operation, *, dry_run: bool, say: Say
) -> tuple[DataOpsError | None, Outcome | None]:
    """Return the error for which nothing came of it, or what did."""
    try:
        target = target_of(open_store(), release.dataset.name, deadline=PATIENCE)
        return None, deed.do(target, release, op, dry_run, say)
    except DataOpsError as error:
        return error, None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the page tells, without the names of DAGs that its reader may not read.

    :param elsewhere: another machine may do what was refused here.
    """

    lines: tuple[str, ...] = ()
    refusal: str | None = None
    elsewhere: bool = False
    message: str = ""
    switched: bool = False


def _told(
    reader: Reader, release: Release, lines: list[str], refusal: DataOpsError | None, outcome: Outcome | None
) -> Told:
    hidden = _hidden(reader, release)

    def open_to_all(text: str) -> str:
        for name in hidden:
            text = text.replace(name, "a task of another DAG")
        return text

    return Told(
        lines=tuple(map(open_to_all, lines)),
        refusal=None if refusal is None else open_to_all(str(refusal)),
        elsewhere=refusal is not None and not isinstance(refusal, _DECIDED),
        message=open_to_all(outcome.message) if outcome else "",
        switched=outcome is not None and outcome.switched,
    )


def _hidden(reader: Reader, release: Release) -> list[str]:
    """Return the consumers and gates of the dataset that belong to DAGs which the user may not read."""
    if reader.dag_ids is None:
        return []
    store, dataset = open_store(), release.dataset.name
    seen = {use.consumer for use in store.usage.uses(dataset=dataset, dag_ids=reader.dag_ids)}
    consumers = {use.consumer for use in store.usage.uses(dataset=dataset)} - seen
    gates = {str(gate) for gate in required_gates(store, release) if not reader.may_read(gate.dag_id)}
    return sorted(consumers | gates, key=len, reverse=True)


def _page(
    request: Request,
    release: Release,
    deed: str,
    told: Told,
    *,
    status: int = 200,
    finished: bool = False,
    op_id: str = "",
) -> Response:
    found = DEEDS[deed]
    return page(
        request,
        "action.html",
        status=status,
        release=release,
        deed=deed,
        title=found.title,
        asks=found.asks,
        command=found.command.format(release=release) if told.elsewhere else None,
        told=told,
        finished=finished,
        op_id=op_id,
        longest=LONGEST_REASON,
    )
