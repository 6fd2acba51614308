"""MOVE: what readers see. Each publisher passes the one contract suite; none imports a driver or Airflow."""

from __future__ import annotations

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.ports import Connector, Publisher
from airflow_dataops.publishers.view import TARGETS, ViewPublisher

__all__ = ["publisher_for"]


def publisher_for(connector: Connector) -> Publisher:
    """Return the publisher for the database behind ``connector``.

    :raises ConfigurationError: no publisher covers that database; names those that are covered.
    """
    if connector.dialect not in TARGETS:
        raise ConfigurationError(
            f"Connection {connector.label!r} is a {connector.dialect} database, where releases cannot be published: "
            f"supported are {', '.join(sorted(TARGETS))}. Bind the dataset to a connection of one of these."
        )
    return ViewPublisher(connector)
