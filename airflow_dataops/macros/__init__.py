"""What templates may call: ``{{ macros.dataops.ref("sales.orders") }}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import pass_context

if TYPE_CHECKING:
    from jinja2.runtime import Context


@pass_context
def ref(context: Context, dataset: str) -> str:
    """Return the relation that this consumer must read for ``dataset``, pinned for its DAG run, and log the read.

    A name that is no dataset (yet) is returned as it is, and its use is logged all the same.

    :raises ConfigurationError: the template is not rendered for a task.
    """
    from datetime import UTC, datetime

    from airflow_dataops.core.errors import ConfigurationError
    from airflow_dataops.hooks.connectors import HookConnector
    from airflow_dataops.hooks.store import open_store
    from airflow_dataops.hooks.tasks import task_key
    from airflow_dataops.services.usage import resolve

    values = context.get_all()
    if "ti" not in values:
        raise ConfigurationError(f"ref({dataset!r}) is for templated fields of a task: it needs to know who reads.")
    return resolve(
        open_store(),
        dataset,
        task_key(values),
        datetime.now(UTC),
        dialect_of=lambda conn_id: HookConnector(conn_id).dialect,
    )
