"""Folders of Parquet files as the relations of an embedded DuckDB."""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.ports import Voucher
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.files import parquet_rows, refuse_unlike
from airflow_dataops.engines.listing import PARQUET, Listing, listing
from airflow_dataops.engines.proofs.footers import Footers
from airflow_dataops.engines.storage import PROTOCOL, Storage
from airflow_dataops.engines.viewing import ViewingSession

_AT_ONCE = 4
_CHUNK = 2**20


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of Parquet files.

    :param name: its path as a person reads it.
    :param filesystem: where it is, an fsspec filesystem; ``None`` for this machine's.
    """

    name: str
    path: str
    filesystem: Any = None


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A folder as it was when the session first read of it."""

    folder: Folder
    found: Listing
    state: dict[str, str]


class FolderSession(ViewingSession):
    """A session in which a folder of Parquet files is a relation; all of one session are in one storage.

    :param connection: an embedded DuckDB.
    :param find: returns the folder of a relation; ``None`` if there is none.
    """

    def __init__(self, connection: Any, find: Callable[[Relation], Folder | None]) -> None:
        super().__init__(connection, self._rows)
        self._folder_of = find
        self._storage: Storage | None = None
        self._inner: Any = None
        self._seen: dict[Relation, _Seen] = {}

    def identity(self, relation: Relation) -> str | None:
        """Return the number of the relation's files and the SHA-256 of all their names and contents.

        :raises MeasureError: they have changed since this session first read of them.
        """
        seen = self._look(relation)
        if seen is None:
            return None
        with ThreadPoolExecutor(_AT_ONCE) as threads, _told(seen.folder.name):
            sums = list(threads.map(lambda file: _sum(file, seen.folder.filesystem), seen.found.files))
        names = [_below(file, seen.folder.path) for file in seen.found.files]
        lines = sorted(f"{name}\0{content}\n" for name, content in zip(names, sums, strict=True))
        if _state(seen.folder) != seen.state:
            raise MeasureError(
                f"{seen.folder.name} was written to while it was read: expected files that nobody changes. Stop what "
                "writes there",
                retryable=True,
            )
        return f"files:{len(lines)}:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    def vouchers(self, relation: Relation) -> tuple[Voucher, ...]:
        """Return what the footers of the relation's files say."""
        seen = self._look(relation)
        if seen is None:
            return ()
        bounds = {name: partition.bounds for name, partition in seen.found.partitions.items()}
        return (Footers(seen.found.files, filesystem=seen.folder.filesystem, partitions=bounds),)

    def _rows(self, relation: Relation) -> str | None:
        """Return the SELECT of all rows of a folder.

        :raises MeasureError: they cannot be read, or differ in a column's type.
        """
        seen = self._look(relation)
        if seen is None:
            return None
        prefix = self._prefix(seen.folder)
        refuse_unlike(self, seen.found, prefix)
        return parquet_rows(seen.found, prefix)

    def _look(self, relation: Relation) -> _Seen | None:
        """Return the relation's folder, as it is when this is first asked for.

        :raises ConfigurationError: it holds no files, others than Parquet, or such whose names are patterns.
        """
        if relation not in self._seen:
            folder = self._folder_of(relation)
            if folder is None:
                return None
            state = _state(folder)
            found = listing(folder.path, folder.filesystem, name=folder.name)
            if found.format != PARQUET:
                raise ConfigurationError(
                    f"{folder.name} holds {found.format} files: expected Parquet, as readers of releases do."
                )
            odd = next((file for file in found.files if any(sign in file for sign in "*?[")), None)
            if odd is not None:
                raise ConfigurationError(f"{odd} would be read as a pattern, of other files too: rename it.")
            self._seen[relation] = _Seen(folder=folder, found=found, state=state)
        return self._seen[relation]

    def _prefix(self, folder: Folder) -> str:
        """Return what a file's path begins with in SQL, the folder's storage being known to the database."""
        if folder.filesystem is None:
            return ""
        if self._storage is None:
            self._storage, self._inner = Storage(folder.filesystem), folder.filesystem
            self._connection.register_filesystem(self._storage)
        if self._inner is not folder.filesystem:
            raise ConfigurationError(f"{folder.name} is in another storage than what was read before. Read one alone.")
        return f"{PROTOCOL}://"

    def _run(self, sql: str, *arguments: Any, **options: Any) -> tuple[Sequence[Any], Any]:
        """Run one statement; what the storage refuses is told in its own words."""
        if "://" in sql:
            # For a name like that, DuckDB would look in the network, with an extension that it loads for it.
            self._prepare(sql)
        if self._storage is None:
            return super()._run(sql, *arguments, **options)
        with self._storage.telling("A file"):
            return super()._run(sql, *arguments, **options)


def _state(folder: Folder) -> dict[str, str]:
    """Return a mark of each file below a folder that changes when it is written anew."""
    with _told(folder.name):
        if folder.filesystem is not None:
            folder.filesystem.invalidate_cache(folder.path)
            found = folder.filesystem.find(folder.path, detail=True)
            return {file: repr(sorted(info.items(), key=lambda item: item[0])) for file, info in found.items()}
        marks = {}
        for where, _, names in os.walk(folder.path):
            for name in names:
                known = os.stat(os.path.join(where, name))
                marks[os.path.join(where, name)] = f"{known.st_ino} {known.st_size} {known.st_mtime_ns}"
        return marks


def _sum(file: str, filesystem: Any) -> str:
    """Return a file's SHA-256."""
    digest = hashlib.sha256()
    with open(file, "rb") if filesystem is None else filesystem.open(file, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _below(file: str, folder: str) -> str:
    """Return a file's path in a folder: the same wherever that is mounted."""
    return posixpath.relpath(file.lstrip("/"), folder.lstrip("/"))


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Raise what a file system raises in the block as an error of this package."""
    try:
        yield
    except MeasureError:
        raise
    except Exception as error:  # each storage has exceptions of its own
        said = (str(error).splitlines() or [""])[0]
        waiting_helps = not isinstance(error, PermissionError)
        raise MeasureError(f"{name} cannot be read: {type(error).__name__}: {said}", retryable=waiting_helps) from error
