"""Waits until a dataset has a live release that a DAG has not read."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.releases import TaskKey
from airflow_dataops.triggers.polling import PollingTrigger


class ReleaseTrigger(PollingTrigger):
    """Fire when ``dataset`` has a live release that no earlier run of the DAG has read."""

    def __init__(self, *, dataset: str, dag_id: str, run_id: str, poll_seconds: float) -> None:
        super().__init__(poll_seconds=poll_seconds, dataset=dataset, dag_id=dag_id, run_id=run_id)

    def look(self, *, dataset: str, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """Return the release, if there is one."""
        from airflow_dataops.hooks.store import open_store
        from airflow_dataops.services.usage import unread_release

        release = unread_release(open_store(), dataset, TaskKey(dag_id=dag_id, run_id=run_id))
        return {"release": str(release)} if release else None
