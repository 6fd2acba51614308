"""Releases in a DAG: ``stage >> gate >> promote``, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset, AssetAlias, BaseOperator

from airflow_dataops.core.releases import ReleaseName, check_dataset
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import airflow_errors
from airflow_dataops.operators.upstream import gates_downstream, gates_named, gates_upstream

if TYPE_CHECKING:
    from airflow.sdk import Context


class StageReleaseOperator(BaseOperator):
    """Build a candidate of a dataset beside what readers see, and return its name (``sales.orders@r42``).

    :param dataset: the logical name that consumers read. (templated)
    :param conn_id: the connection to the database that holds it. (templated)
    :param sql: a SELECT, or the path of a ``.sql`` file with one. (templated)
    :param relation: instead of ``sql``: a table that an upstream task has built; it is renamed. (templated)
    :param target: the reader-facing name where it is not the dataset's own. (templated)
    """

    template_fields: Sequence[str] = ("dataset", "conn_id", "sql", "relation", "target")
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        dataset: str,
        conn_id: str,
        sql: str | None = None,
        relation: str | None = None,
        target: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.conn_id = conn_id
        self.sql = sql
        self.relation = relation
        self.target = target

    def execute(self, context: Context) -> str:
        """Stage and return the release's name."""
        from airflow_dataops.lineage.sql import tables_read
        from airflow_dataops.services.releasing import stage
        from airflow_dataops.services.usage import log_sources

        with airflow_errors():
            store = open_store()
            target = open_target(self.conn_id, store)
            op = task_operation(context, "stage")
            sources = tables_read(self.sql, target.connector.dialect) if self.sql else ()
            if sources is None:
                self.log.warning("The SQL could not be parsed: which tables %s reads is unknown.", self.dataset)
            release = stage(
                target,
                self.dataset,
                op,
                sql=self.sql,
                relation=self.relation,
                reader=self.target,
                interval_end=context.get("data_interval_end"),
                sources=sources or (),
                gates=gates_downstream(context["task"]),
            )
            log_sources(store, sources or (), op.key, op.now)
        return str(release)


class PromoteReleaseOperator(BaseOperator):
    """Make a release live, given evidence from every gate upstream; emit the dataset's asset event.

    The event (``Asset("sales.orders")``) is emitted only when a switch happened.

    :param release: ``stage.output``. (templated)
    :param requires: further gates that must have passed it, ``task_id`` or ``dag_id.task_id``. (templated)
    :param ungated: why no gate is needed, where none stands upstream. (templated)
    :param reason: why a superseded or rolled-back release goes live again. (templated)
    :param replace_newer: let a release of an older data interval replace a newer one.
    """

    template_fields: Sequence[str] = ("release", "requires", "ungated", "reason")
    ui_color = "#e3f4e6"

    def __init__(
        self,
        *,
        release: str,
        requires: Sequence[str] = (),
        ungated: str | None = None,
        reason: str | None = None,
        replace_newer: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.release = release
        self.requires = requires
        self.ungated = ungated
        self.reason = reason
        self.replace_newer = replace_newer
        # Through an alias: a static outlet would tell consumers of a new release on every no-op, too.
        self.alias = AssetAlias(f"dataops:{self.dag_id}.{self.task_id}")
        self.outlets = [*self.outlets, self.alias]
        # Called by a listener when Airflow has recorded the success: only then is the event emitted.
        self.after_success: Callable[[], None] | None = None

    def execute(self, context: Context) -> str:
        """Promote, announce, and return the release's name."""
        from airflow_dataops.services.releasing import announce, promote

        with airflow_errors():
            name = ReleaseName.parse(self.release)
            store = open_store()
            dataset = store.releases.dataset(name.dataset)
            target = open_target(dataset.conn_id, store)
            op = task_operation(context, "promote", name, reason=self.reason)
            required = [*gates_upstream(context["task"]), *gates_named(self.requires, context["dag"])]
            outcome = promote(
                target, name, op, required=required, ungated=self.ungated, replace_newer=self.replace_newer
            )
            self.log.info(outcome.message)
        if outcome.switched:
            context["outlet_events"][self.alias].add(Asset(dataset.name), extra={"release": str(name)})
            self.after_success = partial(announce, target, name, op)
        return str(name)


class RollbackReleaseOperator(BaseOperator):
    """Make live what was live before: the pointer is set back at once, nothing is rebuilt.

    :param dataset: the dataset to roll back. (templated)
    :param reason: why; kept with the event. (templated)
    :param to: the release to go back to; without it, what was live before. (templated)
    """

    template_fields: Sequence[str] = ("dataset", "reason", "to")
    ui_color = "#fdecea"

    def __init__(self, *, dataset: str, reason: str, to: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.reason = reason
        self.to = to

    def execute(self, context: Context) -> str:
        """Roll back and return the name of what is live now."""
        from airflow_dataops.services.releasing import rollback

        with airflow_errors():
            store = open_store()
            dataset = store.releases.dataset(check_dataset(self.dataset))
            target = open_target(dataset.conn_id, store)
            op = task_operation(context, "rollback", reason=self.reason)
            outcome = rollback(target, dataset.name, op, to=ReleaseName.parse(self.to) if self.to else None)
            self.log.info(outcome.message)
        return str(outcome.release)
