"""Where a connection's relations are, in the names that Airflow's OpenLineage provider gives them."""

from __future__ import annotations

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
