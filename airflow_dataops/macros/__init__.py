"""What templates may call: ``{{ macros.dataops.ref("sales.orders") }}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import pass_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from jinja2.runtime import Context

    from airflow_dataops.stores.store import Store

_named: set[tuple[str, str]] = set()
"""The task instances, and datasets, whose templates have named a contract in this process."""


@pass_context
def ref(context: Context, dataset: str, contract: str | None = None) -> str:
    """Return the relation that this consumer must read for ``dataset``, pinned for its DAG run, and log the read.

    A name that is no dataset (yet) is returned as it is, and its use is logged all the same.

    :param contract: a suite, by its path beside the DAG's file: what this consumer relies on. Gates with
        ``contracts=True`` run it on each candidate from now on.
    :raises SuiteError: the contract cannot be read.
    :raises AirflowFailException: what it would read was found bad, and its readers are stopped.
    :raises ConfigurationError: the template is not rendered for a task.
    """
    from datetime import UTC, datetime

    from airflow.sdk.exceptions import AirflowFailException

    from airflow_dataops.core.errors import ConfigurationError, Stopped
    from airflow_dataops.hooks.connectors import HookConnector
    from airflow_dataops.hooks.stops import stops_readers_of
    from airflow_dataops.hooks.store import open_store
    from airflow_dataops.hooks.tasks import task_key
    from airflow_dataops.services.usage import refuse_stopped, resolve

    values = context.get_all()
    if "ti" not in values:
        raise ConfigurationError(f"ref({dataset!r}) is for templated fields of a task: it needs to know who reads.")
    store, key, now = open_store(), task_key(values), datetime.now(UTC)
    _keep_contract(store, values, dataset, contract, now)
    policy = stops_readers_of(values["task"].dag)
    if policy is not None and policy(dataset):
        try:
            refuse_stopped(store, dataset, key, now)
        except Stopped as error:
            raise AirflowFailException(str(error)) from None
    return resolve(
        store,
        dataset,
        key,
        now,
        dialect_of=lambda conn_id: HookConnector(conn_id).dialect,
    )


def _keep_contract(store: Store, values: Mapping[str, Any], dataset: str, contract: str | None, now: datetime) -> None:
    """Register the contract that a task names for what it reads, or withdraw the one that it names no more."""
    from pathlib import Path

    from airflow_dataops.services.usage import register_one, withdraw_one

    ti, task = values["ti"], values["task"]
    consumer, this = f"{ti.dag_id}.{ti.task_id}", (str(ti.id), dataset)
    if contract is not None:
        _named.add(this)
        base = Path(task.dag.fileloc).parent
        register_one(store, contract, base=base, consumer=consumer, dataset=dataset, owner=task.owner, now=now)
    elif this not in _named:
        withdraw_one(store, consumer=consumer, dataset=dataset)
