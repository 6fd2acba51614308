"""Waits for another DAG's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue

from airflow_dataops.hooks.store import open_store
from airflow_dataops.operators.errors import GateFailed, airflow_errors
from airflow_dataops.sensors.waiting import WaitingSensor

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.triggers.gate import GateTrigger


class GateSensor(WaitingSensor):
    """Wait until a gate of another DAG has judged, and go on if the data were good; return its verdict.

    Bad data fail this task without a retry (skip it with ``soft_fail=True``). A gate that could not measure has not
    judged: its DAG may try again, and this task waits on. Shadow gates are no verdicts. Of a mapped gate the worst
    verdict of its run counts.

    :param external_dag_id: the gate's DAG. (templated)
    :param external_task_id: the gate. (templated)
    :param since: a time; earlier verdicts do not count. By default from when this DAG run could start (``run_after``).
        (templated)
    :param deferrable: wait in the triggerer, which holds no worker slot.
    """

    template_fields: Sequence[str] = ("external_dag_id", "external_task_id", "since")
    ui_color = "#fff6dd"

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str,
        since: datetime | str = "{{ dag_run.run_after }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.since = since

    def poke(self, context: Context) -> PokeReturnValue:
        """Return whether there is a verdict, and which.

        :raises GateFailed: it is FAIL.
        """
        from airflow_dataops.services.gating import verdict_since

        gate = f"{self.external_dag_id}.{self.external_task_id}"
        with airflow_errors():
            found = verdict_since(open_store(), self.external_dag_id, self.external_task_id, self._since())
        if found is None:
            self.log.info("%s has not judged since %s", gate, self.since)
            return PokeReturnValue(is_done=False)
        where = f"`airflow dataops gate show {found.id}` tells more"
        said = f"{gate} has judged at {found.at:%Y-%m-%d %H:%M:%S} UTC: {found.verdict}; {where}."
        if not found.verdict.passes:
            raise GateFailed(f"{said} What does not hold: {', '.join(found.missed)}.")
        self.log.info("%s", said)
        told = {"gate_run": found.id, "verdict": str(found.verdict), "at": found.at.isoformat()}
        return PokeReturnValue(is_done=True, xcom_value=told)

    def trigger(self, context: Context) -> GateTrigger:
        """Return what waits in the triggerer."""
        from airflow_dataops.triggers.gate import GateTrigger

        return GateTrigger(
            dag_id=self.external_dag_id,
            task_id=self.external_task_id,
            since=self._since().isoformat(),
            poll_seconds=float(self.poke_interval),
        )

    def _since(self) -> datetime:
        """Return the time from which on verdicts count.

        :raises ConfigurationError: it is none.
        """
        from airflow_dataops.core.errors import ConfigurationError

        try:
            since = self.since if isinstance(self.since, datetime) else datetime.fromisoformat(self.since.strip())
        except (AttributeError, ValueError):
            raise ConfigurationError(
                f"since={self.since!r:.80} is no time: expected one such as 2026-01-31T06:00:00+00:00."
            ) from None
        return since if since.tzinfo else since.replace(tzinfo=UTC)
