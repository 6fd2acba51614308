"""What a running task tells about itself: its key, and the operation it performs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_dataops.core.releases import Operation, TaskKey, op_id


def task_key(context: Mapping[str, Any]) -> TaskKey:
    """Return where in Airflow this context runs."""
    ti = context["ti"]
    return TaskKey(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=-1 if ti.map_index is None else ti.map_index,
        try_number=ti.try_number or 1,
    )


def task_operation(context: Mapping[str, Any], action: str, *parts: object, reason: str | None = None) -> Operation:
    """Return the operation of this task: every retry and clear of it in its DAG run has the same identity.

    :param parts: what else makes it this operation (the release, for promote).
    """
    key = task_key(context)
    user = getattr(context.get("dag_run"), "triggering_user_name", None)
    return Operation(
        op_id=op_id(key.dag_id, key.run_id, key.task_id, key.map_index, action, *parts),
        by=f"{key.dag_id}.{key.task_id}" + (f" (run by {user})" if user else ""),
        now=datetime.now(UTC),
        key=key,
        reason=reason,
    )
