"""Diff: what a candidate would change for readers, before it goes live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import DiffRefused, airflow_errors
from airflow_dataops.operators.lineage import TellsLineage, Touched
from airflow_dataops.operators.links import DiffLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.engines.sql.watching import Watch
    from airflow_dataops.stores.diffs import DiffRun


class DiffReleaseOperator(TellsLineage, BaseOperator):
    """Compare a candidate with what is live: columns, rows and, given a key, which rows are new, gone or changed.

    The diff is stored, logged and pushed as XCom ``diff`` (compact JSON, at most 16 KB) before anything is raised. What
    the policy refuses spends no retry. Returns the release's name, as the other release operators do.

    :param release: ``stage.output``. (templated)
    :param key: the column, or the list of columns, by which rows are told apart; unique and never null. (templated)
    :param fail_on: what refuses the release: ``breaking_schema``, ``any_schema``, ``fewer_rows``, ``added_keys``,
        ``removed_keys``, ``changed_keys``, ``not_compared``. (templated)
    :param max_changed: the largest share of the live keys (without a key, of the live rows) that may be added, removed
        or changed, such as 0.05. (templated)
    :param samples: how many keys to keep of those added, removed and changed; 0 keeps none, keys may be personal data.
    """

    template_fields: Sequence[str] = ("release", "key", "fail_on", "max_changed")
    operator_extra_links = (DiffLink(),)
    ui_color = "#efe8fb"
    _watch: Watch | None = None

    def __init__(
        self,
        *,
        release: str,
        key: str | Sequence[str] | None = None,
        fail_on: Sequence[str] = (),
        max_changed: float | str | None = None,
        samples: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.release = release
        self.key = key
        self.fail_on = fail_on
        self.max_changed = max_changed
        self.samples = samples

    def execute(self, context: Context) -> str:
        """Compare, store, tell, and refuse what may not go live."""
        from airflow_dataops.services.releasing.diffing import refusal

        with airflow_errors():
            run = self._run(context)
        name, base = run.diff.release, run.diff.base
        compared = () if base is None else (ReleaseName(dataset=name.dataset, number=base),)
        self.touched = Touched(reads=(name, *compared))
        for line in run.diff.markdown().splitlines():
            self.log.info(line)
        context["ti"].xcom_push(key="diff", value=run.diff.compact(number=run.id))  # before raising: a failure keeps it
        if run.diff.refused:
            raise DiffRefused(refusal(run))
        return str(run.diff.release)

    def _run(self, context: Context) -> DiffRun:
        from airflow_dataops.core.diff_policy import DiffPolicy
        from airflow_dataops.core.diffs import read_key
        from airflow_dataops.engines.sql.watching import Watch
        from airflow_dataops.services.releasing import diff

        name, key = ReleaseName.parse(self.release), read_key(self.key)
        policy = DiffPolicy.read(self.fail_on, self.max_changed, key=key)
        store = open_store()
        target = target_of(store, name.dataset)
        self._watch = Watch()
        op = task_operation(context, "diff", name)
        return diff(target, name, op, key=key, policy=policy, samples=self.samples, watch=self._watch)

    def on_kill(self) -> None:
        """Cancel the statement that runs on the database, and run no other."""
        if self._watch is not None:
            self._watch.stop()
