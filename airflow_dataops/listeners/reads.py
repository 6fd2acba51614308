"""Every task's SQL, as Airflow's database hooks report it: who reads a dataset without asking ``ref`` is known too.

Airflow collects hook lineage once per process, and a process may run several tasks: what a task adds is counted from a
baseline taken when it starts. Without a baseline nothing is attributed to it. Parameters and SQL text are not kept.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

_SQL_JOB = "sql_job"
_baselines: dict[str, int] = {}


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """Remember how much lineage this process has collected before the task."""
    _baselines.clear()
    _baselines[str(task_instance.id)] = len(_collected())


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """Log what the task has read."""
    _log_reads(task_instance)


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:
    """Log what the task has read before it failed."""
    _log_reads(task_instance)


def _collected() -> list[Any]:
    """Return the SQL statements that hooks of this process have reported so far."""
    from airflow.sdk.lineage import get_hook_lineage_collector

    return [extra for extra in get_hook_lineage_collector().collected_assets.extra if extra.key == _SQL_JOB]


def _log_reads(task_instance: Any) -> None:
    """Log the reads of datasets; whatever goes wrong is a line in the log and nothing more."""
    try:
        baseline = _baselines.pop(str(task_instance.id), None)
        if baseline is None:
            return
        statements = [(extra.value["sql"], extra.context) for extra in _collected()[baseline:]]
        if statements:
            _store_reads(statements, task_instance)
    except Exception as error:  # a listener must never break a task
        log.warning("Reads of this task are not logged: %s: %s", type(error).__name__, error)


def _store_reads(statements: list[tuple[Any, Any]], task_instance: Any) -> None:
    from datetime import UTC, datetime

    from airflow_dataops.hooks.store import open_store
    from airflow_dataops.hooks.tasks import task_key
    from airflow_dataops.lineage.sql import tables_read
    from airflow_dataops.services.usage import log_dataset_reads

    relations: set[str] = set()
    for sql, hook in statements:
        relations.update(tables_read(sql, getattr(hook, "dialect_name", "")) or ())
    if relations:
        log_dataset_reads(open_store(), sorted(relations), task_key({"ti": task_instance}), datetime.now(UTC))
