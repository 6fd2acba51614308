"""An Airflow connection to an Iceberg catalogue as the port ``Connector``.

Type ``iceberg``, in the fields of Airflow's provider for it: ``host`` is the catalogue's URI, ``login`` and
``password`` a REST catalogue's credential, and the extra holds PyIceberg's own properties: ``{"type": "sql",
"warehouse": "s3://lake"}``. Beside those its ``name`` is the catalogue's, where that is not the connection's id.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.connectors import ICEBERG, connection_of

if TYPE_CHECKING:
    from airflow_dataops.engines.iceberg.catalogue import Catalogue
    from airflow_dataops.engines.iceberg.session import IcebergSession


class IcebergConnector:
    """Opens a catalogue, and sessions in which its tables, tags and branches are relations.

    :param conn_id: the Airflow connection's id; looked up at first need, not here.
    """

    dialect = "duckdb"

    def __init__(self, conn_id: str) -> None:
        self.label = conn_id

    @contextlib.contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """Open the catalogue for a block.

        :raises ConfigurationError: no such connection, or none to an Iceberg catalogue.
        :raises MeasureError: it cannot be reached.
        """
        from airflow_dataops.engines.iceberg.catalogue import opened_catalogue

        name, properties = self._properties()
        with opened_catalogue(self.label, name, properties) as catalogue:
            yield catalogue

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[IcebergSession]:
        """Open a session for a block; what it writes stays in it."""
        from airflow_dataops.engines.iceberg.session import opened_session

        with self.catalogue() as catalogue, opened_session(catalogue) as session:
            yield session

    def _properties(self) -> tuple[str, dict[str, str]]:
        """Return the catalogue's name, and its properties as PyIceberg has them."""
        connection = connection_of(self.label)
        if connection.conn_type != ICEBERG:
            raise ConfigurationError(
                f"Connection {self.label!r} is of type {connection.conn_type!r}, and publisher='iceberg' needs one of "
                f"type {ICEBERG!r}: its host is the catalogue's URI, its extra PyIceberg's properties. Use such a one, "
                "or leave publisher= out."
            )
        properties = {name: str(value) for name, value in connection.extra_dejson.items()}
        name = properties.pop("name", self.label)
        if connection.host:
            properties["uri"] = connection.host
        if not {"type", "py-catalog-impl"} & properties.keys():
            properties["type"] = "rest"
        if properties.get("type") == "rest" and connection.login and connection.password:
            properties["credential"] = f"{connection.login}:{connection.password}"
        return name, properties
