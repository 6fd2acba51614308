"""Waits until a dataset has a new live release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue

from airflow_dataops.core.releases import check_dataset
from airflow_dataops.hooks.stops import stops_readers_of
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.tasks import task_key
from airflow_dataops.operators.errors import airflow_errors
from airflow_dataops.sensors.waiting import WaitingSensor

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.triggers.release import ReleaseTrigger


class ReleaseSensor(WaitingSensor):
    """Wait until a dataset has a live release that no earlier run of this DAG has read; return its name.

    The release is pinned for the DAG run, so that ``ref`` in later tasks reads the one that was waited for.

    :param dataset: the dataset. (templated)
    :param deferrable: wait in the triggerer, which holds no worker slot.
    """

    template_fields: Sequence[str] = ("dataset",)
    ui_color = "#e8f0fe"

    def __init__(self, *, dataset: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def execute(self, context: Context) -> Any:
        """Wait, and return the release's name."""
        with airflow_errors():
            check_dataset(self.dataset)
        return super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Return whether there is one, and pin it if so."""
        from airflow_dataops.services.usage import await_release, refuse_stopped, unread_release

        key, now = task_key(context), datetime.now(UTC)
        policy = stops_readers_of(self.dag)
        with airflow_errors():
            store = open_store()
            if policy is not None and policy(self.dataset) and unread_release(store, self.dataset, key):
                refuse_stopped(store, self.dataset, key, now)
            release = await_release(store, self.dataset, key, now)
        if release is None:
            return PokeReturnValue(is_done=False)
        self.log.info("%s is live and new to this DAG", release)
        return PokeReturnValue(is_done=True, xcom_value=str(release))

    def trigger(self, context: Context) -> ReleaseTrigger:
        """Return what waits in the triggerer."""
        from airflow_dataops.triggers.release import ReleaseTrigger

        key = task_key(context)
        return ReleaseTrigger(
            dataset=self.dataset,
            dag_id=str(key.dag_id),
            run_id=str(key.run_id),
            poll_seconds=float(self.poke_interval),
        )
