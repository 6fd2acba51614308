"""The gate: a suite judges data, and a bad upstream change stops the tasks behind it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk import BaseOperator

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.hooks.store import open_store
from airflow_dataops.hooks.tasks import task_key
from airflow_dataops.operators.errors import DataOpsFailed, GateFailed, airflow_errors
from airflow_dataops.operators.lineage import TellsLineage, Touched
from airflow_dataops.operators.links import GateLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dataops.core.contracts import Bound
    from airflow_dataops.engines.sql.watching import Watch
    from airflow_dataops.services.gating import Judged
    from airflow_dataops.stores.gates import GateRun
    from airflow_dataops.stores.store import Store

ON_FAIL = ("fail", "skip", "shadow")
_LEVELS = {
    Verdict.PASS: logging.INFO,
    Verdict.WARN: logging.WARNING,
    Verdict.ERROR: logging.ERROR,
    Verdict.FAIL: logging.ERROR,
}


class GateOperator(TellsLineage, BaseOperator, SkipMixin):
    """Judge a release, or data in place, with a suite; bad data stops what is downstream.

    The verdict is stored, logged and pushed as XCom (a compact JSON result, at most 16 KB) before anything is raised.
    Bad data (FAIL) spends no retry; what could not be measured (ERROR) is retried where waiting can help.

    :param suite: a path to YAML or JSON, relative to the DAG file (templated), or a list or dict of checks, or a
        ``Suite``; what the suite says is not Jinja.
    :param contracts: judge a release by the contracts of its dataset's active consumers as well, in the same scans;
        then ``suite`` may be left out.
    :param release: ``stage.output``: judge a candidate before readers see it. (templated)
    :param table: judge a table in place, ``schema.name``. (templated)
    :param query: judge a SELECT's rows. (templated)
    :param path: judge files, Parquet, CSV or JSON lines: one, a glob, or a folder with all below it, whose
        ``name=value`` parts become columns; or an Iceberg table's newest snapshot, by the table's folder or a
        ``….metadata.json`` in it; local, or a URL as ObjectStoragePath has it (``s3://conn_id@bucket/orders/``).
        (templated)
    :param conn_id: the connection of ``table`` and ``query``; a release knows its own. (templated)
    :param where: a SQL condition: only these rows are judged. (templated)
    :param on_fail: ``fail`` stops all that is downstream by failing; ``skip`` skips it instead; ``shadow`` stops
        nothing, and promote does not count it.
    :param block: skip only these downstream tasks when the verdict is FAIL.
    :param on_empty: what no rows at all mean: ``fail``, ``warn`` or ``pass``.
    :param samples: how many failing rows to keep for each check; 0 keeps none, rows may be personal data.
    :param parameters: values for GX's ``{"$PARAMETER": "name"}``. (templated)
    """

    template_fields: Sequence[str] = ("suite", "release", "table", "query", "path", "conn_id", "where", "parameters")
    template_fields_renderers: ClassVar[dict[str, str]] = {"query": "sql", "where": "sql", "parameters": "json"}
    operator_extra_links = (GateLink(),)
    ui_color = "#fff6dd"
    _watch: Watch | None = None

    def __init__(
        self,
        *,
        suite: Any = None,
        release: str | None = None,
        table: str | None = None,
        query: str | None = None,
        path: str | None = None,
        conn_id: str | None = None,
        where: str | None = None,
        on_fail: str = "fail",
        block: Sequence[str] = (),
        on_empty: str = "fail",
        samples: int = 0,
        contracts: bool = False,
        parameters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.suite = suite
        self.release = release
        self.table = table
        self.query = query
        self.path = path
        self.conn_id = conn_id
        self.where = where
        self.on_fail = on_fail
        self.block = block
        self.on_empty = on_empty
        self.samples = samples
        self.contracts = contracts
        self.parameters = parameters

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], *args: Any, **kwargs: Any
    ) -> None:
        """Render the fields, but not what an inline suite says: braces in a regex are not Jinja.

        This is where plain and mapped tasks meet in Airflow's rendering.
        """
        fields = [f for f in template_fields if f != "suite" or not isinstance(self.suite, list | dict)]
        super()._do_render_template_fields(parent, fields, *args, **kwargs)

    def execute(self, context: Context) -> Any:
        """Judge, store, tell, and stop what must be stopped; return the compact result."""
        from airflow_dataops.services.gating import report

        with airflow_errors():
            self._check_arguments(context)
            store = open_store()
            run = self._run(store, context)
        self.touched = Touched(reads=(run.release,) if run.release else (), run=run, table=self.table)
        for line in report(run):
            self.log.log(_LEVELS[run.result.verdict], line)
        result = run.result.compact(gate_run=run.id)
        if not run.result.passed:
            self._push(result, context)  # before raising: a failure keeps it
            self._stop(run, store, context)
        return result

    def _push(self, result: dict[str, Any], context: Context) -> None:
        """Push the compact result where a return value would stand."""
        context["ti"].xcom_push(key="return_value", value=result)

    def _run(self, store: Store, context: Context) -> GateRun:
        from airflow_dataops.core.checks import Suite
        from airflow_dataops.engines.sql.watching import Watch
        from airflow_dataops.formats.suites import read_suite
        from airflow_dataops.services.gating import CONTRACTS, run_gate

        self._watch = Watch()
        own = Suite(name=CONTRACTS, checks=()) if self.suite is None else self.suite
        suite = read_suite(own, base=Path(context["dag"].fileloc).parent, parameters=self.parameters)
        key, now = task_key(context), datetime.now(UTC)
        return run_gate(
            store,
            suite,
            self._judged(store),
            key=key,
            by=f"{key.dag_id}.{key.task_id}",
            now=now,
            interval_end=context.get("data_interval_end"),
            on_fail="block" if self.block and self.on_fail == "fail" else self.on_fail,
            where=self.where,
            on_empty=self.on_empty,
            samples=self.samples,
            contracts=self._bound(store, now),
            watch=self._watch,
        )

    def _bound(self, store: Store, now: datetime) -> list[Bound]:
        """Return the contracts that this gate keeps: those of consumers that are still active."""
        from airflow_dataops.services.usage import contracts_of

        if not self.contracts:
            return []
        found = contracts_of(store, now, ReleaseName.parse(self.release).dataset)
        bound = [each for each in found if each.active]
        for each in found:
            self.log.info("%s%s", each.whose(now), "" if each.active else " does not count: not active any more")
        return bound

    def on_kill(self) -> None:
        """Cancel the statement that runs on the database, and run no other."""
        if self._watch is not None:
            self._watch.stop()

    def _judged(self, store: Store) -> Judged:
        """Return what this gate judges."""
        from airflow_dataops.hooks.gating import open_judged

        name = ReleaseName.parse(self.release) if self.release is not None else None
        return open_judged(
            store, release=name, table=self.table, query=self.query, path=self.path, conn_id=self.conn_id
        )

    def _check_arguments(self, context: Context) -> None:
        """Refuse what cannot be meant, before anything is measured.

        :raises ConfigurationError: names the argument and what it may be.
        """
        if self.suite is None and not self.contracts:
            raise ConfigurationError("A gate needs suite=, or contracts=True, to judge by.")
        if self.contracts and self.release is None:
            raise ConfigurationError("contracts=True judges a release: give release=. Contracts are of its dataset.")
        if self.on_fail not in ON_FAIL:
            raise ConfigurationError(f"on_fail={self.on_fail!r}: expected one of {', '.join(ON_FAIL)}.")
        if isinstance(self.block, str):
            raise ConfigurationError(f"block={self.block!r} must be a list of task ids, such as [{self.block!r}].")
        if (self.block or self.on_fail == "skip") and task_key(context).map_index >= 0:
            raise ConfigurationError(
                "A mapped gate cannot skip what is downstream: Airflow skips nothing for one of many. Use "
                "on_fail='fail', or put the gate and what it stops into a mapped task group."
            )
        downstream = {t.task_id for t in self.get_flat_relatives(upstream=False)}
        strangers = sorted(set(self.block) - downstream)
        if strangers:
            raise ConfigurationError(
                f"block={strangers}: not downstream of {self.task_id}. Downstream are: {', '.join(sorted(downstream))}."
            )

    def _stop(self, run: GateRun, store: Store, context: Context) -> None:
        """Do what ``on_fail`` and ``block`` say about a FAIL, or fail for an ERROR.

        :raises GateFailed: bad data.
        :raises DataOpsFailed: not measured, and a retry would not help.
        :raises MeasureError: not measured, and a retry may help.
        """
        from airflow_dataops.services.gating import headline
        from airflow_dataops.services.usage import reached

        live = store.releases.live(run.release.dataset) if run.release else None
        name = run.release.dataset if run.release else self.table
        radius = reached(store, name, run.at) if name and run.result.verdict is Verdict.FAIL else ""
        message = headline(run, str(live) if live else None, radius)
        if self.on_fail == "shadow":
            self.log.warning("%s Shadow: nothing is stopped.", message)
            return
        if run.result.verdict is Verdict.ERROR:
            if run.result.retryable:
                raise MeasureError(message, retryable=True)
            raise DataOpsFailed(message)
        downstream = [t for t in self.get_flat_relatives(upstream=False) if not t.is_teardown]
        if self.block:
            downstream = [t for t in downstream if t.task_id in self.block]
        elif self.on_fail == "fail":
            for leaf in downstream:
                if leaf.trigger_rule == "all_done" and not leaf.downstream_task_ids:
                    self.log.warning("%s runs all the same (all_done) and will turn this DAG run green.", leaf.task_id)
            raise GateFailed(message)
        self.log.error("%s Skipped: %s.", message, ", ".join(t.task_id for t in downstream) or "nothing is downstream")
        self.skip(context["ti"], downstream)
