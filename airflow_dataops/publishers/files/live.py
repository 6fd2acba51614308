"""The reader for the pointer: for scripts and notebooks, without Airflow."""

from __future__ import annotations

import os
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, ReleaseNotFound
from airflow_dataops.publishers.files.buckets import Bucket
from airflow_dataops.publishers.files.drives import Drive, Place
from airflow_dataops.publishers.files.local import LocalDrive
from airflow_dataops.publishers.files.switches import OURS, RELEASE, Switches


def live(dataset: Any) -> str:
    """Return the folder of the release that is live now, below the path as it is given; nothing else is read.

    :param dataset: the dataset's folder: a path of this machine's, a URL that fsspec opens, or an object with ``fs``
        and ``path``, such as Airflow's ``ObjectStoragePath``.
    :raises ReleaseNotFound: nothing is live there.
    :raises MeasureError: it cannot be read.
    """
    text = str(dataset).rstrip("/")
    path, drive = _located(dataset, text)
    release = live_in(Place(text=text, path=path, drive=drive))
    if release is None:
        raise ReleaseNotFound(
            f"Nothing is live in {text}: expected a dataset's folder, of which a release has been promoted. Check the "
            "path, or promote a release first."
        )
    return release.text


def live_in(folder: Place) -> Place | None:
    """Return the folder of the release that is live in a dataset's folder; ``None`` if none is."""
    entry = Switches(folder).newest()
    return None if entry is None or entry.release is None else folder.child(f"r{entry.release}")


def is_dataset(folder: Place) -> bool:
    """Return whether releases lie in a folder, or did: read as a whole it would be a mix of them."""
    return any(name == OURS or RELEASE.fullmatch(name) for name in folder.drive.names(folder.path))


def _located(dataset: Any, text: str) -> tuple[str, Drive]:
    """Return the path in its drive."""
    if hasattr(dataset, "fs") and hasattr(dataset, "path"):
        filesystem, path = dataset.fs, dataset.path
    elif "://" in text:
        from fsspec.core import url_to_fs

        try:
            filesystem, path = url_to_fs(text)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(f"{text} cannot be opened: {error}") from error
    else:
        path = os.path.abspath(text)
        return path, LocalDrive(path)
    if "file" in ((filesystem.protocol,) if isinstance(filesystem.protocol, str) else filesystem.protocol):
        return path, LocalDrive(path)
    return path.rstrip("/"), Bucket(filesystem, text)
