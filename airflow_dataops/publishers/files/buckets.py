"""Files in an object storage, through fsspec."""

from __future__ import annotations

import contextlib
import inspect
import os
import posixpath
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError
from airflow_dataops.publishers.files.drives import below, taken, told

EXCLUSIVE = ("s3", "s3a", "gs", "gcs", "memory")
"""Protocols whose fsspec filesystem creates an object only if there is none, by the storage's own word."""
_CLAIM, _WHOLE = "_dataops_claim", "_dataops_whole"


class Bucket:
    """An object storage, which knows neither folders nor renames: a release is there once its last file is.

    :param filesystem: fsspec's.
    :param label: the storage as a person names it.
    :raises ConfigurationError: it is not known to create an object only if there is none.
    """

    def __init__(self, filesystem: Any, label: str) -> None:
        protocols = {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)
        pipe = getattr(filesystem, "_pipe_file", filesystem.pipe_file)
        if not protocols.intersection(EXCLUSIVE) or "mode" not in inspect.signature(pipe).parameters:
            raise ConfigurationError(
                f"{label} is in a storage of which it is not known that it creates an object only if there is none, by "
                "which one of two that switch at once is told that it has lost: expected one of "
                f"{', '.join(EXCLUSIVE)}, with a filesystem (s3fs, gcsfs) of 2024.10 or newer. Keep datasets there."
            )
        self.filesystem: Any = filesystem

    def parts(self, path: str) -> list[str]:
        """Return the parts of a path below its bucket."""
        return path.strip("/").split("/")[1:]

    def read(self, path: str) -> bytes | None:
        """Return an object's content; ``None`` if there is none."""
        with told(f"{path} cannot be read"):
            try:
                return bytes(self.filesystem.cat_file(path))
            except FileNotFoundError:
                return None

    def read_all(self, paths: list[str]) -> list[bytes]:
        """Return the content of objects that are there, several at a time."""
        if not paths:
            return []
        with told(f"{posixpath.dirname(paths[0])} cannot be read"):
            found = self.filesystem.cat(paths)
            return [bytes(found[path]) for path in paths]

    def create(self, path: str, content: bytes) -> bool:
        """Put an object on the condition that there is none; where the answer is lost, the object itself tells."""
        try:
            self.filesystem.pipe_file(path, content, mode="create")
            return True
        except FileExistsError:
            return self.read(path) == content  # our own, where an earlier answer was lost and the request repeated
        except Exception as error:
            there = self.read(path)
            if there is None:
                with told(f"{path} cannot be written"):
                    raise error
            return there == content

    def replace(self, path: str, content: bytes) -> None:
        """Put an object."""
        with told(f"{path} cannot be written"):
            self.filesystem.pipe_file(path, content)

    def names(self, folder: str) -> list[str]:
        """Return the names right below a prefix, sorted."""
        with told(f"{folder} cannot be listed"):
            self.filesystem.invalidate_cache(folder)  # a listing kept from before may lack the newest
            try:
                found = self.filesystem.ls(folder, detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            # Some storages list an object of the folder's own name.
            return sorted({posixpath.basename(each.rstrip("/")) for each in found} - {posixpath.basename(folder), ""})

    def is_folder(self, path: str) -> bool:
        """Return whether there are objects below a prefix, and not those of a build that has not ended."""
        names = self.names(path)
        return _WHOLE in names if _CLAIM in names else bool(names)

    def is_file(self, path: str) -> bool:
        """Return whether there is an object."""
        with told(f"{path} cannot be looked at"):
            self.filesystem.invalidate_cache(path)
            return bool(self.filesystem.isfile(path))

    @contextlib.contextmanager
    def filled(self, path: str) -> Iterator[str]:
        """Yield a folder for temporary files, whose files are put below ``path`` when all are there."""
        with tempfile.TemporaryDirectory(prefix="dataops-build-") as folder, self._claimed(path):
            yield folder
            with told(f"{path} cannot be built"):
                for each in below(folder):
                    if os.path.isfile(each):
                        self.filesystem.put_file(each, posixpath.join(path, os.path.relpath(each, folder)))

    def take(self, source: str, path: str) -> None:
        """Copy the objects within the storage; those of the task that has written them stay."""
        with self._claimed(path), told(f"{source} cannot become {path}"):
            self.filesystem.invalidate_cache(source)
            for each in self.filesystem.find(source):
                self.filesystem.cp_file(each, posixpath.join(path, posixpath.relpath(each, source)))

    @contextlib.contextmanager
    def _claimed(self, path: str) -> Iterator[None]:
        """Make objects below ``path`` in the block, which nobody else does; they count when it has ended."""
        if self.names(path) or not self.create(posixpath.join(path, _CLAIM), uuid.uuid4().bytes):
            raise taken(path)
        try:
            yield
            self.replace(posixpath.join(path, _WHOLE), b"")
        except BaseException:
            with contextlib.suppress(DataOpsError):  # the first error is the one to report
                self.remove(path)
            raise

    def freeze(self, path: str) -> None:
        """Do nothing: who may write is the bucket's own matter; the fingerprint tells of changes."""

    def remove(self, path: str) -> bool:
        """Remove what makes it whole, then all else, at last the claim."""
        with told(f"{path} cannot be removed"):
            self.filesystem.invalidate_cache(path)
            last = posixpath.join(path, _CLAIM)
            found = list(self.filesystem.find(path))
            for each in sorted(found, key=lambda each: (each == last, not each.endswith(f"/{_WHOLE}"))):
                with contextlib.suppress(FileNotFoundError):
                    self.filesystem.rm_file(each)
            return bool(found)

    def room(self, folder: str) -> int | None:
        """Return nothing: a storage has no end that it tells of."""
        return None
