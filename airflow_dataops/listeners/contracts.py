"""The contracts beside a DAG's file are registered when a task of it starts: its author does nothing else."""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """Register what has changed; whatever goes wrong is a line in the log and nothing more."""
    try:
        from airflow_dataops.hooks.contracts import register_contracts

        dag = getattr(getattr(task_instance, "task", None), "dag", None)
        said = register_contracts(dag) if dag is not None else None
        if said:
            log.info(said)
    except Exception as error:  # a listener must never break a task
        log.warning("This DAG's contracts are not registered: %s: %s", type(error).__name__, error)
