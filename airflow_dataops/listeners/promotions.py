"""When Airflow has recorded a promotion's success, and with it the asset event, the news is out."""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """Record that the event was emitted, so that no rerun emits it again; an event twice is the harmless side."""
    after_success = getattr(getattr(task_instance, "task", None), "after_success", None)
    if after_success is None:
        return
    try:
        after_success()
    except Exception as error:  # a listener must never break a task
        log.warning("A rerun of this promotion may tell its news twice: %s: %s", type(error).__name__, error)
