"""A run of the example DAG that asks people, on a running Airflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.services.releasing.approving import state_shown
from airflow_dataops.stores.store import Store
from dags_examples.demo.airflow_process import FINISHED

if TYPE_CHECKING:
    from dags_examples.demo.airflow_process import RunningAirflow

DAG = "nyc_weather_approval"
PATIENCE = 240


def started(airflow: RunningAirflow) -> Asked:
    """Start a run as ``admin``, and return when it asks."""
    run = Asked(airflow, Store.open(f"sqlite:///{airflow.home}/dataops.db"), airflow.trigger(DAG))
    run.wait()
    return run


@dataclass
class Asked:
    """A run whose task asks people, and what the store says of its release."""

    airflow: RunningAirflow
    store: Store
    run_id: str

    @property
    def release(self) -> ReleaseName:
        return ReleaseName.parse(self.airflow.xcom(DAG, self.run_id, "stage"))

    @property
    def form(self) -> str:
        return f"dags/{DAG}/dagRuns/{self.run_id}/taskInstances/approve/-1/hitlDetails"

    @property
    def shown(self) -> str:
        release = self.store.releases.get(self.release)
        return state_shown(self.store, release, datetime.now(UTC))

    def history(self) -> list[tuple[str, str, str | None]]:
        events = self.store.releases.events(self.release)
        about = ("approved", "rejected", "refused", "promote")
        return [(e["action"], e["by"].partition(" (run by")[0], e["reason"]) for e in events if e["action"] in about]

    def wait(self) -> None:
        """Return when the task waits for a person."""
        self._until(lambda: self.airflow.tasks(DAG, self.run_id).get("approve") == "awaiting_input")

    def answer(self, user: str, option: str, **written: Any) -> None:
        """Answer, and return when the store has it.

        An answer within moments of the question can meet Airflow's own race between its executor and its scheduler,
        which fails the try: its next one asks again, unless enough is recorded.
        """
        self.answer_by(lambda: self._patch(user, option, written))

    def answer_by(self, say: Callable[[], None]) -> None:
        """Have ``say`` answer whenever the task waits, and return when the store has it."""
        known = len(self.history())

        def answered() -> bool:
            # In this order: what is recorded is so before the task asks again.
            state = self.airflow.tasks(DAG, self.run_id)["approve"]
            if len(self.history()) > known:
                return True
            return self._say(state, say)

        self._until(answered)

    def answer_at_last(self, user: str, option: str, **written: Any) -> str:
        """Answer, and return the state that the run ends in."""

        return self._ends(lambda state: self._say(state, lambda: self._patch(user, option, written)))

    def ended(self) -> str:
        """Return the state that the run ends in, where nobody is waited for any more."""
        return self._ends(lambda state: False)

    def _say(self, state: str, say: Callable[[], None]) -> bool:
        if state == "awaiting_input":
            time.sleep(1)
            say()
        return False

    def _patch(self, user: str, option: str, written: dict[str, Any]) -> None:
        body = {"chosen_options": [option], "params_input": written}
        assert self.airflow.status("PATCH", self.form, body, user=user) in (200, 409)

    def _ends(self, say: Callable[[str], bool]) -> str:
        def run() -> str:
            return str(self.airflow.call("GET", f"dags/{DAG}/dagRuns/{self.run_id}")["state"])

        def ended() -> bool:
            state = self.airflow.tasks(DAG, self.run_id)["approve"]
            return run() in FINISHED or say(state)

        self._until(ended)
        return run()

    def _until(self, condition: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            tasks = self.airflow.tasks(DAG, self.run_id)
            assert time.monotonic() < end, f"gave up: {tasks}, {self.airflow.log(DAG, self.run_id, 'approve')[-3000:]}"
            time.sleep(0.5)
