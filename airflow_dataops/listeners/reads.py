"""What every task of every DAG reads and writes, as Airflow itself tells: no DAG needs to be changed for it.

Told are the SQL that database hooks ran, the assets that hooks reported, and those that a task declares as its inlets
and outlets. Airflow collects this once per process, and a process may run several tasks: what a task adds is counted
from a baseline taken when it starts. Without a baseline nothing is attributed to it. Parameters and SQL are not kept.

Airflow's OpenLineage provider listens, too: it is told of releases first, before it says that the task has ended.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow_dataops.core.usage import Observed
    from airflow_dataops.stores.spool import Spool
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

AT_ONCE = 50
"""How many earlier tasks' uses a task stores beside its own."""
_SQL_JOB = "sql_job"
_baselines: dict[str, Counter[int]] = {}


@hookimpl
def on_starting(component: Any) -> None:
    """Load in a scheduler what its tasks will need: those of the LocalExecutor are forks of it."""
    if type(component).__name__ == "TaskRunnerMarker":  # a task has begun: it may need nothing of this
        return
    try:
        from airflow.configuration import conf

        if "LocalExecutor" in conf.get("core", "executor"):
            load()
    except Exception as error:  # a listener must never break a component
        log.warning("Tasks will load their own reader of SQL: %s: %s", type(error).__name__, error)


def load() -> None:
    """Do once what each task would do at its end: import, read SQL, make the statements that store what was used."""
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    import airflow_dataops.hooks.spool
    import airflow_dataops.hooks.tasks
    import airflow_dataops.stores.spool  # noqa: F401
    from airflow_dataops.core.errors import DataOpsError
    from airflow_dataops.hooks.store import brief_store
    from airflow_dataops.lineage.sql import load_dialects
    from airflow_dataops.services.usage import rehearse

    ProvidersManagerTaskRuntime().asset_factories  # noqa: B018  Airflow's collector of lineage imports these
    load_dialects()
    try:
        with brief_store() as store:
            rehearse(store)
    except DataOpsError as error:
        log.info("Tasks will make their own statements for the store. %s", error)


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """Remember what this process has collected before the task."""
    try:
        _baselines.clear()
        _baselines[str(task_instance.id)] = _counts()
    except Exception as error:  # a listener must never break a task
        log.warning("What this task uses will not be logged: %s: %s", type(error).__name__, error)


@hookimpl(tryfirst=True)
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """Log what the task has used."""
    _log_uses(task_instance)


@hookimpl(tryfirst=True)
def on_task_instance_skipped(previous_state: Any, task_instance: Any) -> None:
    """Log what the task has used before it found nothing to do."""
    _log_uses(task_instance)


@hookimpl(tryfirst=True)
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:
    """Log what the task has used before it failed."""
    _log_uses(task_instance)


def _collected() -> tuple[Any, ...]:
    """Return all that hooks of this process have reported so far."""
    from airflow.sdk.lineage import get_hook_lineage_collector

    found = get_hook_lineage_collector().collected_assets
    return (*found.extra, *found.inputs, *found.outputs)


def _counts() -> Counter[int]:
    """Return how often each report was made: the same one again raises its count alone."""
    return Counter({_identity(item): item.count for item in _collected()})


def _identity(item: Any) -> int:
    what = (item.key, str(item.value)) if hasattr(item, "key") else (item.asset.uri, "")
    return hash((*what, type(item).__name__, id(item.context)))


def _log_uses(task_instance: Any) -> None:
    """Log the uses and tell of them; whatever goes wrong is a line in the log and nothing more."""
    try:
        baseline = _baselines.pop(str(task_instance.id), None)
        if baseline is None:
            return
        observed = _observed(task_instance, baseline)
        if observed.uses or observed.coverage.statements or observed.coverage.dropped:
            _keep(observed)
    except Exception as error:  # a listener must never break a task
        log.warning("What this task has used is not logged: %s: %s", type(error).__name__, error)
        return
    try:
        from airflow_dataops.hooks.lineage import tell_reads, tells_lineage

        if tells_lineage():
            tell_reads(task_instance)
    except Exception as error:  # a listener must never break a task
        log.warning("Which releases this task has read is not told: %s: %s", type(error).__name__, error)


def _observed(task_instance: Any, baseline: Counter[int]) -> Observed:
    from datetime import UTC, datetime

    from airflow.sdk import Asset
    from airflow.sdk.lineage import MAX_COLLECTED_ASSETS, MAX_COLLECTED_EXTRA, get_hook_lineage_collector

    from airflow_dataops.core.usage import Access, Coverage, Observed, Use
    from airflow_dataops.hooks.tasks import task_key

    key, at = task_key({"ti": task_instance}), datetime.now(UTC)
    consumer = f"{key.dag_id}.{key.task_id}"
    found = get_hook_lineage_collector().collected_assets

    def use(relation: str, access: Access, source: str, columns: Any = None, conn_id: str | None = None) -> Use:
        return Use(
            relation=relation,
            consumer=consumer,
            source=source,
            at=at,
            key=key,
            access=access,
            columns=columns,
            conn_id=conn_id,
        )

    def fresh(items: Any) -> list[Any]:
        return [item for item in items if item.count > baseline[_identity(item)]]

    uses, parts = [], []
    for conn_id, lineage in _lineages([extra for extra in fresh(found.extra) if extra.key == _SQL_JOB]).items():
        uses += [use(touch.relation, Access.READ, "sql", touch.columns, conn_id) for touch in lineage.reads]
        uses += [use(touch.relation, Access.WRITE, "sql", touch.columns, conn_id) for touch in lineage.writes]
        parts.append(Coverage(statements=lineage.statements, unparsed=lineage.unparsed))
    for access, reported, declared in (
        (Access.READ, found.inputs, "inlets"),
        (Access.WRITE, found.outputs, "outlets"),
    ):
        uses += [use(item.asset.name or item.asset.uri, access, "hook") for item in fresh(reported)]
        assets = getattr(getattr(task_instance, "task", None), declared, None) or ()
        uses += [use(asset.name, access, "asset") for asset in assets if isinstance(asset, Asset)]
    uses += [use(name, Access.READ, "schedule") for name in _scheduled_on(getattr(task_instance, "task", None))]
    full = len(found.extra) >= MAX_COLLECTED_EXTRA or max(len(found.inputs), len(found.outputs)) >= MAX_COLLECTED_ASSETS
    return Observed(
        consumer=consumer, at=at, uses=tuple(uses), coverage=Coverage.sum([*parts, Coverage(dropped=int(full))])
    )


def _scheduled_on(task: Any) -> list[str]:
    """Return the assets that a first task's DAG waits for: what such a DAG reads by itself may never be seen."""
    from airflow.sdk import Asset

    condition = getattr(getattr(getattr(task, "dag", None), "timetable", None), "asset_condition", None)
    waiting = [condition] if condition is not None and not task.upstream_task_ids else []
    found = set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, Asset):
            found.add(each.name)
        waiting += getattr(each, "objects", ())
    return sorted(found)


def _lineages(extras: list[Any]) -> dict[str | None, Any]:
    """Return what SQL uses, by connection: a temporary table of one is none of another."""
    if not extras:
        return {}
    from airflow_dataops.lineage.sql import lineage_of

    ran: dict[str | None, list[tuple[Any, str]]] = {}
    for extra in extras:
        hook = extra.context
        conn_id = getattr(hook, getattr(hook, "conn_name_attr", None) or "", None)
        ran.setdefault(conn_id, []).append((extra.value["sql"], _dialect(hook)))
    return {conn_id: lineage_of(statements) for conn_id, statements in ran.items()}


def _dialect(hook: Any) -> str:
    try:
        return str(hook.dialect_name)
    except Exception:  # some hooks look for a driver that is not installed
        return str(getattr(hook, "conn_type", ""))


def _keep(observed: Observed) -> None:
    """Store what was observed, and what was left on this host by earlier tasks; or leave it there."""
    from airflow_dataops.core.errors import ConfigurationError, DataOpsError
    from airflow_dataops.hooks.spool import open_spool
    from airflow_dataops.hooks.store import brief_store
    from airflow_dataops.services.usage import record

    spool = open_spool()
    try:
        with brief_store() as store:
            record(store, observed)
            _keep_earlier(store, spool)
    except ConfigurationError as error:  # there is no store here, and none will come back
        log.info("What this task has used is not logged. %s", error)
        return
    except DataOpsError as error:
        kept = spool.add(observed)
        where = "kept on this host until the store is back" if kept else "lost, as this host keeps no more, and counted"
        log.warning("The store is away: what this task has used is %s. %s", where, error)


def _keep_earlier(store: Store, spool: Spool) -> None:
    from airflow_dataops.core.errors import DataOpsError
    from airflow_dataops.services.usage import flush

    try:
        flush(store, spool, limit=AT_ONCE)
    except DataOpsError as error:
        log.info("What earlier tasks have used stays on this host for now. %s", error)
