"""Waits until a dataset has a live release that a DAG has not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_dataops.core.errors import StoreUnavailable
from airflow_dataops.core.releases import TaskKey


class ReleaseTrigger(BaseTrigger):
    """Fire when ``dataset`` has a live release that no earlier run of the DAG has read.

    :param poll_seconds: how often the store is asked.
    """

    def __init__(self, *, dataset: str, dag_id: str, run_id: str, poll_seconds: float) -> None:
        super().__init__()
        self.dataset = dataset
        self.waiting_dag = dag_id
        self.waiting_run = run_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and its arguments."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {
                "dataset": self.dataset,
                "dag_id": self.waiting_dag,
                "run_id": self.waiting_run,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the store until there is one; a store that is away for a moment is asked again."""
        while True:
            try:
                found = await asyncio.to_thread(self._unread)
            except StoreUnavailable as error:
                self.log.warning("%s Asking again in %s s.", error, self.poll_seconds)
                found = None
            if found:
                yield TriggerEvent({"release": found})
                return
            await asyncio.sleep(self.poll_seconds)

    def _unread(self) -> str | None:
        from airflow_dataops.hooks.store import open_store
        from airflow_dataops.services.usage import unread_release

        key = TaskKey(dag_id=self.waiting_dag, run_id=self.waiting_run)
        release = unread_release(open_store(), self.dataset, key)
        return str(release) if release else None
