"""Stage: a candidate is built beside what readers see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.hooks.tasks import task_operation
from airflow_dataops.operators.errors import airflow_errors
from airflow_dataops.operators.lineage import TellsLineage, Touched
from airflow_dataops.operators.upstream import approvals_downstream, gates_downstream

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.engines.sql.watching import Watch


class StageReleaseOperator(TellsLineage, BaseOperator):
    """Build a candidate of a dataset beside what readers see, and return its name (``sales.orders@r42``).

    :param dataset: the logical name that consumers read. (templated)
    :param conn_id: the connection to the database that holds it. (templated)
    :param sql: a SELECT, or the path of a ``.sql`` file with one. (templated)
    :param relation: instead of ``sql``: a table that an upstream task has built; it is renamed. (templated)
    :param branch: instead of ``sql``: a branch of an Iceberg table that an upstream task has written; its head becomes
        the release, whatever comes to the branch later. (templated)
    :param path: the same for releases that are folders: a folder of Parquet files that an upstream task has written,
        below the connection's or in its storage; it is renamed, or, in an object storage, copied. (templated)
    :param replace_where: a SQL condition, such as ``day = DATE '{{ ds }}'``: ``sql`` gives the rows that meet it, all
        others are kept of what is live. (templated)
    :param target: the reader-facing name where it is not the dataset's own. (templated)
    :param publisher: what moves readers: ``"view"``, or, on PostgreSQL, ``"pointer_view"``, which gives a transaction
        that began before a switch the old release and not an empty table, and waits for no reader where it has read
        the release before; ``"iceberg"`` on an Iceberg catalogue; or ``"files"``, for releases that are folders of
        Parquet files, on a connection to a folder (``fs``) or to an object storage, where ``target`` is a URL. A
        dataset stays with the one of its first stage. (templated)
    :param frozen_by: lets the database refuse changes of the release: by ``"triggers"``, in words that name it, on
        PostgreSQL, MariaDB and MySQL (TRUNCATE passes by them on the last two; SQLite always has them), or on
        PostgreSQL by ``"grants"``: nobody keeps the right to write to it, its owner included. (templated)
    """

    template_fields: Sequence[str] = (
        "dataset",
        "conn_id",
        "sql",
        "relation",
        "branch",
        "path",
        "replace_where",
        "target",
        "publisher",
        "frozen_by",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql", "replace_where": "sql"}
    ui_color = "#e8f0fe"
    _watch: Watch | None = None

    def __init__(
        self,
        *,
        dataset: str,
        conn_id: str,
        sql: str | None = None,
        relation: str | None = None,
        branch: str | None = None,
        path: str | None = None,
        replace_where: str | None = None,
        target: str | None = None,
        publisher: str | None = None,
        frozen_by: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.conn_id = conn_id
        self.sql = sql
        self.relation = relation
        self.branch = branch
        self.path = path
        self.replace_where = replace_where
        self.target = target
        self.publisher = publisher
        self.frozen_by = frozen_by

    def execute(self, context: Context) -> str:
        """Stage and return the release's name."""
        from airflow_dataops.engines.sql.watching import Watch
        from airflow_dataops.lineage.sql import lineage_of
        from airflow_dataops.services.releasing import stage
        from airflow_dataops.services.usage import log_build

        self._watch = Watch()
        with airflow_errors():
            store = open_store()
            target = open_target(self.conn_id, store, "view" if self.publisher is None else self.publisher)
            op = task_operation(context, "stage")
            lineage = lineage_of([(self.sql, target.connector.dialect)] if self.sql else [])
            sources = tuple(touch.relation for touch in lineage.reads)
            if lineage.unparsed:
                self.log.warning("The SQL could not be parsed: which tables %s reads is unknown.", self.dataset)
            taken = self._taken(target.publisher.takes)
            release = stage(
                target,
                self.dataset,
                op,
                sql=self.sql,
                relation=taken,
                replace_where=self.replace_where,
                reader=self.target,
                interval_end=context.get("data_interval_end"),
                sources=sources,
                gates=gates_downstream(context["task"]),
                watch=self._watch,
                approvals=approvals_downstream(context["task"]),
                frozen_by=self.frozen_by,
            )
            log_build(store, release, lineage, op, taken=taken)
        self.touched = Touched(writes=(release.name,), sources=sources, sql=self.sql)
        return str(release)

    def _taken(self, takes: str) -> str | None:
        """Return the name of what a task has built, which is given by the argument that the publisher takes.

        :raises ConfigurationError: it is given by another one.
        """
        given = {"relation": self.relation, "branch": self.branch, "path": self.path}
        for name, value in given.items():
            if value is not None and name != takes:
                raise ConfigurationError(
                    f"{name}={value!r:.80} is not what this dataset's publisher takes: expected {takes}=. Give what "
                    "your task has built as that, or stage with sql=."
                )
        return f"{self.target or self.dataset}.branch_{self.branch}" if self.branch is not None else given[takes]

    def on_kill(self) -> None:
        """Cancel the build on the database, and run nothing else."""
        if self._watch is not None:
            self._watch.stop()
