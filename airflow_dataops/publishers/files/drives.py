"""Where files are kept: a folder on this machine or a mount, or an object storage; each with what a switch needs of it.

A file that is created only if there is none (the compare-and-set), one that is replaced as a whole, and a folder that
is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_dataops.core.errors import DataOpsError, MeasureError, RelationTaken


class Drive(Protocol):
    """A file system, by its own paths."""

    filesystem: Any  # fsspec's, ``None`` for this machine's own

    def parts(self, path: str) -> list[str]:
        """Return the parts of a path below the folder, or the bucket, that all lies in."""

    def read(self, path: str) -> bytes | None:
        """Return a file's content; ``None`` if there is no such file."""

    def read_all(self, paths: list[str]) -> list[bytes]:
        """Return the content of files that are there."""

    def create(self, path: str, content: bytes) -> bool:
        """Make a file with its content, or leave the one that is there; return whether it was made.

        :raises ConfigurationError: this file system cannot promise that.
        """

    def replace(self, path: str, content: bytes) -> None:
        """Put a file in the place of the one that may be there: readers see the old content or the new."""

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none if there is no such folder."""

    def is_folder(self, path: str) -> bool:
        """Return whether a folder is there, and whole."""

    def is_file(self, path: str) -> bool:
        """Return whether a file is there."""

    def filled(self, path: str) -> AbstractContextManager[str]:
        """Yield a folder of this machine to write files into, which then become the folder ``path``, all or none.

        :raises RelationTaken: there is something of that name.
        """

    def take(self, source: str, path: str) -> None:
        """Make ``path`` of the files in the folder ``source``, all or none.

        :raises RelationTaken: there is something of that name.
        """

    def freeze(self, path: str) -> None:
        """Let nobody write to a folder, as far as the file system can."""

    def remove(self, path: str) -> bool:
        """Remove a folder or file, at first its name, and what kills have left of it; return whether there was any.

        :raises MeasureError: it cannot be removed; where its name is still there, all of it is.
        """

    def room(self, folder: str) -> int | None:
        """Return the bytes that are free, where that can be told."""


@dataclass(frozen=True)
class Place:
    """A folder or file.

    :param text: as people and programs read it: an absolute path, or a URL without a connection's id.
    :param path: as the drive has it.
    """

    text: str
    path: str
    drive: Drive

    def child(self, name: str) -> Place:
        """Return what lies in the folder under this name."""
        return Place(text=f"{self.text}/{name}", path=posixpath.join(self.path, name), drive=self.drive)

    @property
    def parent(self) -> Place:
        """The folder that it lies in."""
        return Place(text=posixpath.dirname(self.text), path=posixpath.dirname(self.path), drive=self.drive)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return posixpath.basename(self.path)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Raise what a file system raises in the block as an error of this package, on one line.

    :param what: what could not be done, in words.
    """
    try:
        yield
    except DataOpsError:
        raise
    except Exception as error:  # each storage has exceptions of its own
        said = (str(error).splitlines() or [""])[0]
        raise MeasureError(
            f"{what}: {type(error).__name__}: {said}", retryable=not isinstance(error, PermissionError)
        ) from error


def taken(path: str) -> RelationTaken:
    return RelationTaken(f"There is a folder {path} already, and nothing is overwritten. Remove it if nobody needs it.")


def below(path: str) -> Iterator[str]:
    """Yield a folder's files and folders, links aside, and itself at last."""
    for folder, _, names in os.walk(path, topdown=False):
        yield from (each for name in names if not os.path.islink(each := os.path.join(folder, name)))
        yield folder
