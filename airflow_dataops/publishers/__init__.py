"""MOVE: what readers see. Each publisher passes the one contract suite; none imports a driver or Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.ports import Connector, Publisher
from airflow_dataops.publishers.files import FilesPublisher
from airflow_dataops.publishers.iceberg import IcebergPublisher
from airflow_dataops.publishers.pointer_view import PointerViewPublisher
from airflow_dataops.publishers.view import TARGETS, ViewPublisher

if TYPE_CHECKING:
    from airflow_dataops.publishers.files import Lake

__all__ = ["publisher_for"]


_PUBLISHERS: dict[str, type[ViewPublisher]] = {each.name: each for each in (ViewPublisher, PointerViewPublisher)}


def publisher_for(connector: Connector, name: str = ViewPublisher.name, *, deadline: float = 60.0) -> Publisher:
    """Return the publisher of that name for the database behind ``connector``.

    :param deadline: seconds to try for a lock that somebody holds.
    :raises ConfigurationError: there is none of that name, or it does not cover that database; names those that are.
    """
    known = sorted({*_PUBLISHERS, FilesPublisher.name, IcebergPublisher.name})
    if not isinstance(name, str) or name not in known:
        raise ConfigurationError(f"There is no publisher {name!r}: expected one of {', '.join(known)}.")
    if name == FilesPublisher.name:
        return FilesPublisher(cast("Lake", connector))
    if name == IcebergPublisher.name:
        return IcebergPublisher(connector, deadline=deadline)
    if connector.dialect not in TARGETS:
        raise ConfigurationError(
            f"Connection {connector.label!r} is a {connector.dialect} database, where releases cannot be published: "
            f"supported are {', '.join(sorted(TARGETS))}. Bind the dataset to a connection of one of these."
        )
    publisher = _PUBLISHERS[name]
    if connector.dialect not in publisher.dialects:
        raise ConfigurationError(
            f"publisher={name!r} is for {', '.join(publisher.dialects)} alone, and connection {connector.label!r} is a "
            f"{connector.dialect} database. Leave publisher= out for it: {ViewPublisher.name!r} moves its readers."
        )
    return publisher(connector, deadline=deadline)
