"""Promote: a release goes live, or a set of them, and the dataset's asset event is emitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import airflow_errors
from airflow_dataops.operators.lineage import TellsLineage, Touched
from airflow_dataops.operators.upstream import approvals_upstream, gates_named, gates_upstream

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteReleaseOperator(TellsLineage, BaseOperator):
    """Make a release live, given evidence from every gate and approval upstream; emit the dataset's asset event.

    The event (``Asset("sales.orders")``) is emitted only when a switch happened.

    :param release: ``stage.output``; a list of them is a release set, which goes live all or none where one database
        transaction can switch it, and is refused elsewhere. (templated)
    :param requires: further gates that must have passed it, ``task_id`` or ``dag_id.task_id``. (templated)
    :param ungated: why no gate is needed, where none stands upstream. (templated)
    :param reason: why a superseded or rolled-back release goes live again, or a freeze is overridden. (templated)
    :param replace_newer: let a release of an older data interval replace a newer one.
    :param override_freeze: promote in a freeze window too; needs ``reason``.
    :param dry_run: print the plan and end as the promotion would, refusals included, but change nothing.
    """

    template_fields: Sequence[str] = ("release", "requires", "ungated", "reason")
    ui_color = "#e3f4e6"

    def __init__(
        self,
        *,
        release: str | Sequence[str],
        requires: Sequence[str] = (),
        ungated: str | None = None,
        reason: str | None = None,
        replace_newer: bool = False,
        override_freeze: bool = False,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.release = release
        self.requires = requires
        self.ungated = ungated
        self.reason = reason
        self.replace_newer = replace_newer
        self.override_freeze = override_freeze
        self._dry_run = dry_run  # BaseOperator has a method of the plain name
        # Through an alias: a static outlet would tell consumers of a new release on every no-op, too.
        self.alias = AssetAlias(f"dataops:{self.dag_id}.{self.task_id}")
        self.outlets = [*self.outlets, self.alias]
        # Called by a listener when Airflow has recorded the success: only then is the event emitted.
        self.after_success: Callable[[], None] | None = None

    def execute(self, context: Context) -> str | list[str]:
        """Promote, announce, and return the release's name; of a set, the list of names."""
        from airflow_dataops.services.releasing import Promotion, announce, promote_all

        with airflow_errors():
            names = ReleaseName.parse_set(self.release)
            store = open_store()
            target = target_of(store, names[0].dataset)
            required = [*gates_upstream(context["task"]), *gates_named(self.requires, context["dag"])]
            approvals = approvals_upstream(context["task"])
            promotions = [
                Promotion(
                    name=name,
                    op=task_operation(context, "promote", name, reason=self.reason),
                    required=required,
                    approvals=approvals,
                )
                for name in names
            ]
            outcomes = promote_all(
                target,
                promotions,
                ungated=self.ungated,
                replace_newer=self.replace_newer,
                override_freeze=self.override_freeze,
                dry_run=self._dry_run,
            )
        news = []
        for promotion, outcome in zip(promotions, outcomes, strict=True):
            self.log.info(outcome.message)
            if outcome.switched:
                name = promotion.name
                context["outlet_events"][self.alias].add(Asset(name.dataset), extra={"release": str(name)})
                news.append((name, promotion.op))
        if news:
            self.touched = Touched(writes=tuple(name for name, _ in news))
            self.after_success = partial(announce, target, *news)
        return str(names[0]) if isinstance(self.release, str) else [str(name) for name in names]
