"""An fsspec filesystem as DuckDB reads it, under a protocol of its own, so that none of DuckDB's takes its place."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from fsspec import AbstractFileSystem

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.engines.dbapi import DbApiSession

PROTOCOL = "dataops"


class Storage(AbstractFileSystem):  # type: ignore[misc]
    """Reads through another filesystem; writes nothing.

    :param inner: the filesystem that knows the bucket and its credentials.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self._inner = inner
        # The last one, in words: the exception itself would hold the connection, which holds this filesystem.
        self.failure: MeasureError | None = None

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        with self.noting_failure():
            return _SharedFile(self._inner.open(path, mode), self)

    @contextlib.contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Keep what the storage raises in a block."""
        try:
            yield
        except Exception as error:
            retryable = not isinstance(error, PermissionError | FileNotFoundError)
            self.failure = MeasureError(f"{type(error).__name__}: {error}", retryable=retryable)
            raise

    @contextlib.contextmanager
    def telling(self, name: str) -> Iterator[None]:
        """Raise what a block could not measure in the storage's own words, if that refused something.

        It can be tried again, unless it is a matter of rights.

        :param name: the path as a person gave it.
        """
        self.failure = None
        try:
            yield
        except MeasureError as error:
            failure = self.failure
            if failure is None:
                raise
            raise MeasureError(f"{name} cannot be read: {failure}", retryable=failure.retryable) from error

    def info(self, path: str, **options: Any) -> Any:
        """Return the file's size and kind."""
        return self._inner.info(self._strip_protocol(path))

    def modified(self, path: str) -> Any:
        """Return when the file was written: what DuckDB has kept of it is good as long as that is the same."""
        return self._inner.modified(self._strip_protocol(path))


class _SharedFile:
    """A file in which each thread has a place of its own.

    DuckDB's threads share one handle, and each first seeks and then reads, in two calls: another one's seek in between
    would hand out other bytes without a word. Threads that DuckDB started have no ``threading.local`` that lasts.
    """

    def __init__(self, file: Any, storage: Storage) -> None:
        self._file = file
        self._storage = storage
        self._lock = threading.Lock()
        self._places: dict[int, int] = {}

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place, counted from the start (0), from here (1) or from the end (2)."""
        with self._lock:
            start = 0 if whence == 0 else self.tell() if whence == 1 else self._file.seek(0, 2)
            self._places[threading.get_ident()] = start + place
            return int(start + place)

    def tell(self) -> int:
        """Return this thread's place."""
        return self._places.get(threading.get_ident(), 0)

    def read(self, size: int = -1) -> bytes:
        """Return all ``size`` bytes from this thread's place on, fewer only at the end of the file."""
        with self._lock, self._storage.noting_failure():
            self._file.seek(self.tell())
            parts = [self._file.read(size)]
            while size > 0 and parts[-1] and sum(map(len, parts)) < size:
                parts.append(self._file.read(size - sum(map(len, parts))))
            found = b"".join(parts)
            self._places[threading.get_ident()] = self.tell() + len(found)
            return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class StorageSession(DbApiSession):
    """A session of a DuckDB that reads from a storage, whose failures are told in the storage's own words.

    :param name: the path as a person gave it.
    """

    def __init__(self, connection: Any, storage: Storage, name: str) -> None:
        super().__init__(connection, "duckdb")
        self._storage = storage
        self._name = name

    def _run(self, sql: str, *arguments: Any, **options: Any) -> tuple[Sequence[Any], Any]:
        """Run one statement."""
        with self._storage.telling(self._name):
            return super()._run(sql, *arguments, **options)
