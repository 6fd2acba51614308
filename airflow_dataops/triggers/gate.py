"""Waits until a gate has a verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_dataops.triggers.polling import PollingTrigger


class GateTrigger(PollingTrigger):
    """Fire when the gate ``dag_id.task_id`` has passed or failed since a time, given as ISO 8601."""

    def __init__(self, *, dag_id: str, task_id: str, since: str, poll_seconds: float) -> None:
        super().__init__(poll_seconds=poll_seconds, dag_id=dag_id, task_id=task_id, since=since)

    def look(self, *, dag_id: str, task_id: str, since: str) -> dict[str, Any] | None:
        """Return the verdict, if there is one."""
        from airflow_dataops.hooks.store import open_store
        from airflow_dataops.services.gating import verdict_since

        found = verdict_since(open_store(), dag_id, task_id, datetime.fromisoformat(since))
        return {"verdict": str(found.verdict)} if found else None
