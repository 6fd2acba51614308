"""An Airflow connection to files as the port ``Connector``: to a folder (``fs``), or to an object storage."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.relations import Relation
from airflow_dataops.hooks.connections import searching_everywhere
from airflow_dataops.hooks.connectors import CONNECTION_TYPES, connection_of
from airflow_dataops.publishers.files.buckets import Bucket
from airflow_dataops.publishers.files.drives import Place
from airflow_dataops.publishers.files.live import is_dataset, live_in
from airflow_dataops.publishers.files.local import LocalDrive

if TYPE_CHECKING:
    from airflow_dataops.engines.folders import Folder, FolderSession
    from airflow_dataops.publishers.files import Lake


class FilesConnector:
    """Opens sessions in which folders of Parquet files are relations, and a dataset's folder is its live release.

    :param conn_id: the Airflow connection's id; looked up at first need, not here.
    """

    dialect = "duckdb"

    def __init__(self, conn_id: str) -> None:
        self.label = conn_id

    @cached_property
    def _base(self) -> str | None:
        """The folder of a connection to one; ``None`` for an object storage's.

        :raises ConfigurationError: no such connection, or it is to something else.
        """
        connection = connection_of(self.label)
        kind = connection.conn_type
        if kind in CONNECTION_TYPES:
            raise ConfigurationError(
                f"Connection {self.label!r} is to a {kind} database, and publisher='files' keeps releases in folders: "
                "expected a connection of type fs, or an object storage's. Give one, or leave publisher= out."
            )
        if kind != "fs":
            return None
        path = str(connection.extra_dejson.get("path") or "")
        if not os.path.isabs(path):
            raise ConfigurationError(
                f"Connection {self.label!r} names {f'the folder {path!r}' if path else 'no folder'}: expected an "
                'absolute path in its extra: {"path": "/data/lake"}'
            )
        return os.path.normpath(path)

    def place(self, name: str) -> Place:
        """Return where a dataset or folder lies.

        :raises ConfigurationError: it leads out of the connection's folder, or is no URL where there is none.
        """
        if self._base is not None:
            return below(self._base, name, self.label)
        return self._in_storage(name)

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[FolderSession]:
        """Open an embedded database for a block; it writes nothing but what a COPY is told to."""
        with opened(self) as db:
            yield db

    def _in_storage(self, name: str) -> Place:
        url = urlsplit(name)
        if not url.scheme or not url.path.strip("/"):
            raise ConfigurationError(
                f"{name!r} is not in an object storage, which connection {self.label!r} is to: expected a URL such as "
                "target='s3://bucket/nyc/flights'."
            )
        if url.query or url.fragment or name.endswith(("?", "#")):
            raise ConfigurationError(
                f"{url.scheme}://{url.netloc}{url.path} is followed by '?' or '#', which no path of an object storage "
                "can have here. Leave that out; what its connection needs belongs into that."
            )
        user, _, bucket = url.netloc.rpartition("@")
        if user not in ("", self.label):
            raise ConfigurationError(f"{bucket}{url.path} names another connection than {self.label!r}. Leave it out.")
        path = opened_path(f"{url.scheme}://{self.label}@{bucket}/{url.path.strip('/')}")
        text = f"{url.scheme}://{bucket}/{url.path.strip('/')}"
        return Place(text=text, path=str(path.path).rstrip("/"), drive=Bucket(path.fs, text))


def below(base: str, name: str, label: str) -> Place:
    """Return a place below a folder of this machine's.

    :param name: relative to it, or absolute; also as a ``file://`` URL.
    :raises ConfigurationError: it is somewhere else.
    """
    path = os.path.normpath(os.path.join(base, name.removeprefix("file://")))
    if "://" in name.removeprefix("file://") or not path.startswith(f"{base.rstrip('/')}/"):
        raise ConfigurationError(
            f"{name!r} is not below {base}, the folder of connection {label!r}. Give a path below it, or the "
            "connection of the storage that it is in."
        )
    return Place(text=path, path=path, drive=LocalDrive(base))


@contextlib.contextmanager
def opened(lake: Lake) -> Iterator[FolderSession]:
    """Open an embedded database in which a lake's folders are relations."""
    from airflow_dataops.engines.files import connected
    from airflow_dataops.engines.folders import Folder, FolderSession

    def find(relation: Relation) -> Folder | None:
        try:
            place = lake.place(str(relation))
        except ConfigurationError:  # a name from elsewhere: the database says what it makes of it
            return None
        if not place.drive.is_folder(place.path):
            return None
        shown = live_in(place) if is_dataset(place) else place
        return Folder(name=shown.text, path=shown.path, filesystem=shown.drive.filesystem) if shown else None

    with connected(None, name=lake.label, spills=False) as (connection, _, _):
        yield FolderSession(connection, find)


def opened_path(url: str, argument: str = "target") -> Any:
    """Return Airflow's path in an object storage, which opens it with its connection.

    :param argument: what the URL was given as.
    :raises ConfigurationError: no provider knows the storage, or Airflow does not know the connection.
    """
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        with searching_everywhere():
            path = ObjectStoragePath(url)
            _ = path.fs  # now, so that what is wrong with it is said here
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{argument}={url!r} cannot be opened: {error}. Install the Airflow provider of that storage."
        ) from error
    except AirflowNotFoundException as error:
        raise ConfigurationError(f"{argument}={url!r} cannot be opened: {error}") from error
    return path
