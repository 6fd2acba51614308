"""Retire: what nobody needs any more is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_dataops.core.releases import check_dataset
from airflow_dataops.core.retiring import READ_WITHIN, ROLLBACK_WINDOW, Retention
from airflow_dataops.hooks.dag_runs import runs_seen_by
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class RetireReleasesOperator(BaseOperator):
    """Drop the releases of a dataset that nobody needs, and return their names; the log says why others stay.

    Kept is whatever is live, pinned by a DAG run that is recent or still running, read lately, what a roll-back would
    go to, was live within the roll-back window, or has views that depend on it. Where both ``keep`` and ``older_than``
    are given, either keeps a release.

    :param dataset: the dataset. (templated)
    :param keep: how many of the newest releases stay, live included. (templated)
    :param older_than: days since a release was live (or staged, if it never was) after which it may go. (templated)
    :param read_within: days within which a read or a pin keeps a release. (templated)
    :param rollback_window: days for which a release that was live stays, to go back to. (templated)
    :param reason: why; kept with the events. (templated)
    :param dry_run: print the plan, return what would be retired, and change nothing.
    """

    template_fields: Sequence[str] = ("dataset", "keep", "older_than", "read_within", "rollback_window", "reason")
    ui_color = "#f1f3f4"

    def __init__(
        self,
        *,
        dataset: str,
        keep: int | str | None = None,
        older_than: float | str | None = None,
        read_within: float | str = READ_WITHIN,
        rollback_window: float | str = ROLLBACK_WINDOW,
        reason: str | None = None,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.keep = keep
        self.older_than = older_than
        self.read_within = read_within
        self.rollback_window = rollback_window
        self.reason = reason
        self._dry_run = dry_run  # BaseOperator has a method of the plain name

    def execute(self, context: Context) -> list[str]:
        """Retire and return the names of what is retired."""
        from airflow_dataops.services.releasing import retire

        with airflow_errors():
            retention = Retention.of(
                keep=self.keep,
                older_than=self.older_than,
                read_within=self.read_within,
                rollback_window=self.rollback_window,
            )
            store = open_store()
            dataset = store.releases.dataset(check_dataset(self.dataset))
            target = target_of(store, dataset.name)
            op = task_operation(context, "retire", reason=self.reason)
            running = runs_seen_by(context)
            retired = retire(target, dataset.name, op, retention, running=running, dry_run=self._dry_run)
        return [str(name) for name in retired]
