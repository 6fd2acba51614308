"""Puts together what the release services work on, from a connection id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dataops.services.releasing import Target
    from airflow_dataops.stores.store import Store


def open_target(conn_id: str, store: Store) -> Target:
    """Return the target behind a connection.

    :raises ConfigurationError: no such connection, or a database that cannot hold releases.
    """
    from airflow_dataops.engines.fingerprints import fingerprint
    from airflow_dataops.hooks.connectors import HookConnector
    from airflow_dataops.publishers import publisher_for
    from airflow_dataops.services.releasing import Target

    connector = HookConnector(conn_id)
    return Target(store=store, publisher=publisher_for(connector), connector=connector, fingerprint=fingerprint)
