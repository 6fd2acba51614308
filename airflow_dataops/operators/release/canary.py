"""Canary: some consumers read a release first, then more; a run of theirs that fails takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator

from airflow_dataops.core.errors import ConfigurationError, EvidenceMissing, Frozen
from airflow_dataops.core.releases import ReleaseName, State
from airflow_dataops.core.routes import Route
from airflow_dataops.hooks.dag_runs import state_seen_by
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import DataOpsFailed, airflow_errors
from airflow_dataops.operators.upstream import approvals_upstream, gates_named, gates_upstream

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.core.releases import Operation, Release
    from airflow_dataops.services.releasing import Target


class CanaryReleaseOperator(BaseOperator):
    """Let some consumers read a release before all do, step by step; then promote may make it live.

    A consumer is a DAG that reads through ``ref``. A new run of one that is routed reads the release, all others what
    is live. A step holds, without a worker, until its time is over and enough runs that read the release have
    succeeded. One that fails takes the release back: its consumers read what is live again, and this task fails. A task
    that is marked failed by hand leaves the canary as it is: ``airflow dataops release rollback <release>`` ends it.

    It is refused for whatever a promotion in its place would be refused for.

    :param release: ``stage.output``. (templated)
    :param steps: the share of the consumers at each step, in percent. Who reads it at one step does at the next.
    :param hold: how long each step holds.
    :param consumers: DAGs that read it at every step; with ``steps=[0]`` they alone. (templated)
    :param min_runs: how many runs that began in a step must have succeeded before it is over.
    :param timeout: how long to wait for them, after ``hold``, before the release is taken back.
    :param check_every: how often the runs are looked at.
    :param requires: further gates that must have passed it, ``task_id`` or ``dag_id.task_id``. (templated)
    :param ungated: why no gate is needed, where none stands upstream. (templated)
    """

    template_fields: Sequence[str] = ("release", "consumers", "requires", "ungated")
    ui_color = "#fdf3e3"

    def __init__(
        self,
        *,
        release: str,
        steps: Sequence[float] = (10, 50),
        hold: timedelta = timedelta(hours=1),
        consumers: Sequence[str] = (),
        min_runs: int = 1,
        timeout: timedelta = timedelta(days=1),
        check_every: timedelta = timedelta(minutes=1),
        requires: Sequence[str] = (),
        ungated: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.release = release
        self.steps = steps
        self.hold = hold
        self.consumers = consumers
        self.min_runs = min_runs
        self.timeout = timeout
        self.check_every = check_every
        self.requires = requires
        self.ungated = ungated

    def execute(self, context: Context) -> str:
        """Go on at the step that an earlier try has begun, or begin the first."""
        return self.look(context)

    def look(self, context: Context, event: Any = None) -> str:
        """See what has come of the step, and hold, take the next one, or take the release back."""
        from airflow_dataops.services.releasing.canary import begun, reads_of

        with airflow_errors():
            routes = self._routes()
            name, store = ReleaseName.parse(self.release), open_store()
            target, op = target_of(store, name.dataset), task_operation(context, "canary", name)
            release = store.releases.get(name)
            now = begun(store, release)
            if now is None:
                return self._widened(context, target, release, op, routes[0])
            route, since = now
            reads = reads_of(store, release, since, state_seen_by(context))
            self.log.info("%s is read by %s since %s: %s.", name, route, f"{since:%Y-%m-%d %H:%M:%S}", reads)
            if reads.failed:
                self._take_back(target, release, op, f"a DAG run that read it failed: {', '.join(reads.failed)}")
            if op.now < since + self.hold:
                self._wait(since + self.hold, op.now)
            if reads.succeeded < self.min_runs:
                if op.now >= since + self.hold + self.timeout:
                    wanted = f"{reads.succeeded} of {self.min_runs} runs that read it have succeeded in time"
                    self._take_back(target, release, op, wanted)
                self._wait(since + self.hold, op.now)
            wider = next((one for one in routes if one.percent > route.percent), None)
            return str(name) if wider is None else self._widened(context, target, release, op, wider)

    def _widened(self, context: Context, target: Target, release: Release, op: Operation, route: Route) -> str:
        """Route consumers to the release and hold; return its name where there is nothing to do any more."""
        from airflow_dataops.services.releasing.canary import widen

        try:
            found = widen(
                target,
                release.name,
                op,
                route,
                required=[*gates_upstream(context["task"]), *gates_named(self.requires, context["dag"])],
                ungated=self.ungated,
                approvals=approvals_upstream(context["task"]),
            )
        except EvidenceMissing as error:
            if release.state is State.CANARY:  # consumers read it already
                self._take_back(target, release, op, str(error))
            raise
        except Frozen as error:
            if release.state is not State.CANARY:
                raise
            self.log.warning("%s The canary stays as it is until then.", error)
            self._wait(op.now, op.now)
        if found.state is State.CANARY:
            self._wait(op.now + self.hold, op.now)
        return str(release.name)

    def _take_back(self, target: Target, release: Release, op: Operation, why: str) -> NoReturn:
        """Route all consumers to what is live.

        :raises DataOpsFailed: always.
        """
        from airflow_dataops.services.releasing.canary import end_canary

        outcome = end_canary(target, release, replace(op, reason=why))
        raise DataOpsFailed(f"{why[0].upper()}{why[1:]}. {outcome.message}")

    def _wait(self, until: datetime, now: datetime) -> NoReturn:
        """Give the worker back until it is time to look.

        :raises BaseException: Airflow's signal that the task waits.
        """
        moment = min(now + self.check_every, until) if until > now else now + self.check_every
        self.defer(trigger=DateTimeTrigger(moment=moment), method_name="look")
        raise AssertionError  # defer raises

    def _routes(self) -> list[Route]:
        """Return who reads the release at each step.

        :raises ConfigurationError: an argument cannot be meant; names it.
        """
        steps = self.steps
        if isinstance(steps, str) or not isinstance(steps, Sequence) or not steps or not _grow(steps):
            raise ConfigurationError(f"steps={steps!r:.80}: expected shares in percent that grow, such as [10, 50].")
        for name in ("hold", "timeout", "check_every"):
            value = getattr(self, name)
            if not isinstance(value, timedelta) or value <= timedelta(0):
                raise ConfigurationError(f"{name}={value!r:.80}: expected a timedelta, such as timedelta(hours=1).")
        if not isinstance(self.min_runs, int) or isinstance(self.min_runs, bool) or self.min_runs < 0:
            raise ConfigurationError(f"min_runs={self.min_runs!r:.80}: expected how many runs must succeed, 0 or more.")
        return [Route.of(step, self.consumers) for step in steps]


def _grow(steps: Sequence[Any]) -> bool:
    """Return whether each step is a number, and larger than the one before."""
    numbers = all(isinstance(step, int | float) for step in steps)
    return numbers and sorted(set(steps)) == list(steps)
