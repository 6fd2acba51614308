"""What sensors share: look once, then wait in a worker or in the triggerer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.triggers.polling import PollingTrigger


class WaitingSensor(BaseSensorOperator):
    """A sensor that returns what it has waited for.

    :param deferrable: wait in the triggerer, which holds no worker slot.
    """

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @abstractmethod
    def poke(self, context: Context) -> PokeReturnValue:
        """Return whether it is there, and what it is."""

    @abstractmethod
    def trigger(self, context: Context) -> PollingTrigger:
        """Return what waits in the triggerer."""

    def execute(self, context: Context) -> Any:
        """Look once; if there is nothing yet, wait here or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        try:
            found = self.poke(context)
        except AirflowFailException as error:
            if self.soft_fail:  # as Airflow does where a sensor waits in its worker
                raise AirflowSkipException(str(error)) from error
            raise
        if found:
            return found.xcom_value
        self.log.info("Waiting in the triggerer.")
        self.defer(trigger=self.trigger(context), method_name="execute_complete", timeout=self._left(context))
        return None

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Look again, as more may have happened since the trigger saw it; wait on if it is gone."""
        return self.execute(context)

    def _left(self, context: Context) -> timedelta:
        """Return what is left of the timeout since the task first started: a wait that goes on has no new one."""
        started = context["ti"].start_date or datetime.now(UTC)
        return max(started + timedelta(seconds=self.timeout) - datetime.now(UTC), timedelta(seconds=1))
