"""Airflow's human in the loop: the form that people see, the wait, and what Airflow tells of their answer.

Airflow keeps one form for a task of a DAG run, and never renews what it says: after a clear people still see the first
text. So the form has a field that names what the answer is for, and an answer for anything else does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import airflow.sdk.exceptions
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict

from airflow_dataops.core.approvals import Answer, Person, Question, Response
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.tasks import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.operators.release.approving import ApproveReleaseOperator

KEPT = "dataops_answer"
"""Under which a task keeps an answer that the store could not take."""

# How a task says that it waits: since 3.3 for a person, before by a trigger.
_PARKED = tuple(
    vars(airflow.sdk.exceptions)[name]
    for name in ("TaskAwaitingInput", "TaskDeferred")
    if name in vars(airflow.sdk.exceptions)
)
_FOR, _REASON = "answer_for", "reason"
ANSWERS = {"Approve": Answer.APPROVE, "Reject": Answer.REJECT}


def check_arguments(task: ApproveReleaseOperator) -> None:
    """Refuse what cannot be meant, before anybody is asked.

    :raises ConfigurationError: names the argument and what it may be.
    """
    if not isinstance(task.quorum, int) or isinstance(task.quorum, bool) or task.quorum < 1:
        raise ConfigurationError(f"quorum={task.quorum!r}: expected how many people must approve, 1 or more.")
    for name in ("expires_after", "response_timeout"):
        value = getattr(task, name)
        if value is not None and (not isinstance(value, timedelta) or value <= timedelta(0)):
            raise ConfigurationError(f"{name}={value!r}: expected a timedelta, such as timedelta(days=1).")
    if task.defaults and task.APPROVE in task.defaults:
        raise ConfigurationError(
            "defaults='Approve' would approve a release that nobody has looked at. Leave it out: then no answer in "
            "time fails the task; or give 'Reject'."
        )
    users = task.assigned_users or []
    if not isinstance(users, list) or not all(isinstance(u, Mapping) and {"id", "name"} <= set(u) for u in users):
        raise ConfigurationError(f"assigned_users={users!r}: expected a list such as [{{'id': 'ada', 'name': 'ada'}}].")


def ask(task: ApproveReleaseOperator, question: Question, context: Context, park: Callable[[Context], Any]) -> None:
    """Show the form, tell the notifiers, and wait; ``execute_complete`` is called with the question as ``asked``.

    :param park: Airflow's own part.
    """
    task.params = ParamsDict(
        {
            _FOR: Param(question.mark, type="string", description="what this answer is for: leave it as it is"),
            _REASON: Param(None, type=["null", "string"], description="why; kept with the answer"),
        }
    )
    if question.deadline is not None:
        task.response_timeout = max(question.deadline - datetime.now(UTC), timedelta(seconds=1))
    if question.shown is None and task_key(context).try_number > 1:
        question = replace(question, shown=_shown(task, context))
        if question.shown != question.mark:
            task.log.warning(
                "Airflow still shows the first question of this task, about %s, and an answer to that does not count. "
                "To answer about %s, write %s in the field '%s'.",
                *(question.shown, question.release, question.mark, _FOR),
            )
    try:
        park(context)
    except _PARKED as parked:
        parked.kwargs = {**(parked.kwargs or {}), "asked": question.to_dict()}
        raise


def _shown(task: ApproveReleaseOperator, context: Context) -> str | None:
    """Return the mark in the form that people see: Airflow answers a new form with the first one."""
    from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    form = CreateHITLDetailPayload(
        ti_id=context["ti"].id,
        options=task.options,
        subject=task.subject,
        body=task.body,
        params=task.serialized_params,
        assigned_users=[dict(user) for user in task.assigned_users or ()],
    )
    shown = SUPERVISOR_COMMS.send(msg=form).params[_FOR]
    return str(shown["value"] if isinstance(shown, Mapping) else shown)


def written(question: Question, reason: str) -> dict[str, str | None]:
    """Return the form's fields for an answer to this very question, whatever form Airflow shows."""
    return {_FOR: question.mark, _REASON: reason or None}


def response_of(event: Mapping[str, Any], question: Question) -> Response | None:
    """Return the answer that Airflow tells of; ``None`` where no person has given one."""
    user = event.get("responded_by_user")
    if "error" in event or event.get("timedout") or not user:
        return None
    fields = event.get("params_input") or {}
    reason = str(fields.get(_REASON) or "").strip()
    return Response(
        person=Person(id=str(user["id"]), name=str(user["name"])),
        answer=ANSWERS[event["chosen_options"][0]],
        at=event["responded_at"],
        given_for=str(fields.get(_FOR) or question.shown or question.mark).strip(),
        reason=reason[:2000] or None,
    )
