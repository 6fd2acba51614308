"""Puts together what the release services work on, from a connection id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_dataops.core.releases import check_dataset

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Connector
    from airflow_dataops.services.releasing import Target
    from airflow_dataops.stores.store import Store


def open_target(conn_id: str, store: Store, publisher: str, *, deadline: float = 60.0) -> Target:
    """Return the target behind a connection.

    :param publisher: the name of what moves readers there, to which a dataset is bound.
    :param deadline: seconds to try for a lock that somebody holds.
    :raises ConfigurationError: no such connection or publisher, or a database that cannot hold releases so.
    """
    from airflow_dataops.engines.fingerprints import fingerprint
    from airflow_dataops.hooks.freezes import freeze_windows
    from airflow_dataops.publishers import publisher_for
    from airflow_dataops.services.releasing import Target

    connector = connector_of(conn_id, publisher)
    return Target(
        store=store,
        publisher=publisher_for(connector, publisher, deadline=deadline),
        connector=connector,
        fingerprint=fingerprint,
        freezes=freeze_windows,
    )


def connector_of(conn_id: str, publisher: str) -> Connector:
    """Return what opens sessions in which the releases of a publisher can be read.

    :param publisher: the name of what moves readers there.
    """
    if publisher == "files":
        from airflow_dataops.hooks.files import FilesConnector

        return FilesConnector(conn_id)
    from airflow_dataops.hooks.connectors import HookConnector
    from airflow_dataops.hooks.iceberg import IcebergConnector

    return IcebergConnector(conn_id) if publisher == "iceberg" else HookConnector(conn_id)


def target_of(store: Store, dataset: str, *, deadline: float = 60.0) -> Target:
    """Return the target that a dataset is bound to.

    :raises ReleaseNotFound: there is no such dataset.
    :raises ConfigurationError: as :func:`open_target`, or its database's file is not on this machine.
    """
    from airflow_dataops.hooks.connectors import HookConnector

    bound = store.releases.dataset(check_dataset(dataset))
    target = open_target(bound.conn_id, store, bound.publisher, deadline=deadline)
    if isinstance(target.connector, HookConnector):
        target.connector.require()
    return target
