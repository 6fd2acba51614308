"""A database whose records of its use are harvested, from Airflow's connections."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_dataops.hooks.connections import find_connection
from airflow_dataops.hooks.connectors import HookConnector, connection_of

if TYPE_CHECKING:
    from airflow_dataops.services.usage import Harvested
    from airflow_dataops.stores.store import Store


def harvest_from(
    store: Store,
    conn_id: str,
    *,
    source: str | None = None,
    log: str | None = None,
    region: str | None = None,
    exclude: str | Collection[str] = (),
) -> list[Harvested]:
    """Harvest what a connection's database tells of its use.

    :param source: one record; by default those that the database has, or the log where its path is given.
    :param log: the server's log, a path or a glob.
    :param region: BigQuery's.
    :param exclude: roles, applications and consumers that are left out.
    :raises ConfigurationError: no such connection, or its database has no such record, or does not show it.
    :raises MeasureError: the database cannot be reached, or refuses.
    """
    from airflow_dataops.services.usage import Source, harvest, records_of

    connector = HookConnector(conn_id)
    records = records_of(connector.dialect, source or None, log or None)
    known = {dataset.conn_id for dataset in store.releases.datasets()} | store.harvests.connections()
    conn_ids, logins = _same_database(conn_id, known)
    with connector.open(read_only=True) as database:
        if connector.dialect == "postgres":
            logins |= {str(database.execute("SELECT current_user")[0][0])}
        found = Source(
            conn_id=conn_id,
            conn_ids=frozenset(conn_ids),
            logins=frozenset(logins),
            log=log or None,
            region=region or None,
            database=_database(connection_of(conn_id)),
            exclude=frozenset([exclude] if isinstance(exclude, str) else exclude),
        )
        return harvest(store, database, found, records, datetime.now(UTC))


def _same_database(conn_id: str, others: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the connections to the database of one, and the roles with which they log in."""
    one = connection_of(conn_id)
    found = {other: find_connection(other) for other in others} | {conn_id: one}
    same = {name: each for name, each in found.items() if each is not None and _place(each) == _place(one)}
    return set(same), {each.login for each in same.values() if each.login}


def _database(connection: Any) -> str | None:
    """Return the database or project in which the datasets of a connection are, where it says so."""
    options = connection.extra_dejson
    found = options.get("database") or options.get("project") or options.get("project_id")
    return connection.schema if connection.conn_type == "postgres" else found


def _place(connection: Any) -> tuple[Any, ...]:
    options = connection.extra_dejson
    told = (options.get(name) for name in ("account", "database", "project"))
    schema = None if connection.conn_type == "snowflake" else connection.schema  # there it is no database
    return (connection.conn_type, connection.host, connection.port, schema, *told)
