"""Roll back: what was live before is live again, at once, of one dataset or of a set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import ReleaseName, check_dataset, members
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import airflow_errors
from airflow_dataops.operators.lineage import TellsLineage, Touched

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.services.releasing import Outcome, Return


class RollbackReleaseOperator(TellsLineage, BaseOperator):
    """Make live what was live before: the pointer is set back at once, nothing is rebuilt.

    With ``emit`` the dataset's asset event says so to DAGs that repair what was built from the bad release: its extra
    has ``release`` (what is live again), ``rolled_back``, and ``built_from`` (the consumers that had read it).

    :param dataset: the dataset to roll back; a list of them goes back all or none. (templated)
    :param reason: why; kept with the event. (templated)
    :param to: the release to go back to, of one dataset; without it, what was live before. (templated)
    :param emit: emit the dataset's asset event when a switch happened.
    :param dry_run: print the plan and end as the roll-back would, refusals included, but change nothing.
    """

    template_fields: Sequence[str] = ("dataset", "reason", "to")
    ui_color = "#fdecea"

    def __init__(
        self,
        *,
        dataset: str | Sequence[str],
        reason: str,
        to: str | None = None,
        emit: bool = False,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.reason = reason
        self.to = to
        self.emit = emit
        self._dry_run = dry_run  # BaseOperator has a method of the plain name
        self.alias = AssetAlias(f"dataops:{self.dag_id}.{self.task_id}")
        if emit:
            self.outlets = [*self.outlets, self.alias]
        # Called by a listener when Airflow has recorded the success: only then is the event emitted.
        self.after_success: Callable[[], None] | None = None

    def execute(self, context: Context) -> str | list[str]:
        """Roll back and return the name of what is live now; of a set, the list of names."""
        from airflow_dataops.services.releasing import announce, rollback_all

        with airflow_errors():
            store = open_store()
            returns = self._returns(context)
            target = target_of(store, returns[0].dataset)
            outcomes = rollback_all(target, returns, emits=self.emit, dry_run=self._dry_run)
        self.touched = Touched(writes=tuple(outcome.release.name for outcome in outcomes if outcome.switched))
        news = []
        for returning, outcome in zip(returns, outcomes, strict=True):
            self.log.info(outcome.message)
            if self.emit and outcome.switched:
                context["outlet_events"][self.alias].add(Asset(returning.dataset), extra=_told(outcome))
                news.append((outcome.release.name, returning.op))
        if news:
            self.after_success = partial(announce, target, *news)
        live = [str(outcome.release) for outcome in outcomes]
        return live[0] if isinstance(self.dataset, str) else live

    def _returns(self, context: Context) -> list[Return]:
        """Return what is to go back, each dataset of a set as an operation of its own.

        :raises ConfigurationError: ``to`` is given for a set.
        """
        from airflow_dataops.services.releasing import Return

        if isinstance(self.dataset, str):
            to = ReleaseName.parse(self.to) if self.to else None
            op = task_operation(context, "rollback", reason=self.reason)
            return [Return(dataset=check_dataset(self.dataset), op=op, to=to)]
        if self.to:
            raise ConfigurationError(
                f"to={self.to!r} is for one dataset, and dataset= is a list: each of a set goes back to what was live "
                "before. Leave to= out, or roll each back in a task of its own."
            )
        names = [check_dataset(name) for name in members("dataset", self.dataset)]
        return [Return(dataset=n, op=task_operation(context, "rollback", n, reason=self.reason)) for n in names]


def _told(outcome: Outcome) -> dict[str, Any]:
    """Return what the asset event says of a roll-back."""
    return {
        "release": str(outcome.release),
        "rolled_back": str(outcome.previous),
        "built_from": list(outcome.readers),
    }
