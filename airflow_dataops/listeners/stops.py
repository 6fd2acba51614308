"""A task that is known to read what was found bad is stopped before it executes, where that is wanted.

Airflow lets no listener fail a task, but what runs before ``execute`` can: the listener leaves it on the task.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow_dataops.core.errors import Stopped

log = logging.getLogger(__name__)


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """Stop the task, or let it run: it runs whenever that cannot be told."""
    try:
        task = getattr(task_instance, "task", None)
        if getattr(getattr(task_instance, "_ti_context_from_server", None), "next_method", None):
            return  # it has begun before, and was deferred
        stopped = _stopped(task, task_instance) if task is not None else None
        if stopped is not None:
            task.pre_execute = _refusing(stopped)
    except Exception as error:  # a listener must never break a task
        log.warning("Whether this task reads what was found bad is not known: %s: %s", type(error).__name__, error)


def _stopped(task: Any, task_instance: Any) -> Stopped | None:
    from airflow_dataops.hooks.stops import stops_readers_of

    policy = stops_readers_of(task.dag)
    if policy is None:
        return None
    from datetime import UTC, datetime

    from airflow_dataops.core.errors import Stopped
    from airflow_dataops.hooks.store import brief_store
    from airflow_dataops.hooks.tasks import task_key
    from airflow_dataops.services.usage import known_reads, refuse_stopped

    key, now = task_key({"ti": task_instance}), datetime.now(UTC)
    with brief_store() as store:  # a task whose store is away is not stopped
        for name in filter(policy, known_reads(store, key, now)):
            try:
                refuse_stopped(store, name, key, now)
            except Stopped as error:
                return error
    return None


def _refusing(stopped: Stopped) -> Any:
    def pre_execute(context: Any) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        raise AirflowFailException(str(stopped))

    return pre_execute
