"""What Airflow's OpenLineage provider is told of releases, in the names that it gives to where they are."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from airflow_dataops.lineage.openlineage import Place


def place_of(conn_id: str) -> Place | None:
    """Return the place behind a connection; ``None`` where its hook does not say one.

    Database files, of which the provider knows nothing, are named by their path.
    """
    from airflow_dataops.hooks.connections import file_of, find_connection

    connection = find_connection(conn_id)
    if connection is None:
        return None
    if connection.conn_type in ("sqlite", "duckdb"):
        return Place(namespace=f"{connection.conn_type}://{file_of(connection, conn_id, connection.conn_type)}")
    hook = connection.get_hook()
    describe = getattr(hook, "get_openlineage_database_info", None)
    info = describe(connection) if describe else None
    if info is None:
        return None
    namespace = f"{info.scheme}://{info.authority}" if info.authority else info.scheme
    return Place(namespace=namespace, database=info.database, schema=hook.get_openlineage_default_schema())


def tells_lineage() -> bool:
    """Whether Airflow's OpenLineage provider is installed, and told where to send what it knows."""
    if find_spec("airflow.providers.openlineage") is None:
        return False
    from airflow.providers.openlineage.conf import is_disabled

    return not is_disabled()


def tell_reads(task_instance: Any) -> None:
    """Let the provider send which releases a task has read; what it cannot send it logs.

    :raises DataOpsError: the store is away.
    """
    from airflow.providers.openlineage.api import emit_dataset_lineage

    from airflow_dataops.hooks.store import brief_store
    from airflow_dataops.hooks.tasks import task_key
    from airflow_dataops.lineage.openlineage import release_input

    with brief_store() as store:
        releases = [store.releases.get(name) for name in store.usage.read_by(task_key({"ti": task_instance}))]
    places = {conn_id: place_of(conn_id) for conn_id in {each.dataset.conn_id for each in releases}}
    inputs = [release_input(place, each) for each in releases if (place := places[each.dataset.conn_id])]
    if inputs:
        emit_dataset_lineage(inputs=list(inputs), task_instance=task_instance)
