"""One snapshot of an Iceberg table, as PyIceberg has it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.embedded import TABLE
from airflow_dataops.engines.iceberg.finding import Found, refusal
from airflow_dataops.engines.listing import PARQUET, Listing
from airflow_dataops.engines.proofs.manifests import Manifests

_SCAN = "dataops_scan"


@contextlib.contextmanager
def understood(name: str) -> Iterator[None]:
    """Raise what PyIceberg raises in the block as an error of this package."""
    try:
        yield
    except DataOpsError:
        raise
    except ImportError as error:
        raise ConfigurationError(
            f"{name} is an Iceberg table: install airflow-dataops[iceberg], which reads it ({error})."
        ) from error
    except Exception as error:
        raise refusal(name, "read", error) from error


class Snapshot:
    """One snapshot of a table, as PyIceberg has read its metadata: later commits change nothing.

    :param table: the table, as PyIceberg has it.
    :param name: the table as a person names it.
    :param filesystem: where its files are, an fsspec filesystem; ``None`` for this machine's.
    :param snapshot_id: which snapshot, with the columns that it was written with; without, the current one with the
        table's own, if there is any.
    """

    def __init__(self, table: Any, name: str, filesystem: Any, snapshot_id: int | None = None) -> None:
        self.table = table
        self.name = name
        self.filesystem = filesystem
        self._scan = table.scan(snapshot_id=snapshot_id)
        self.schema = self._scan.projection()
        _distinct([field.name for field in self.schema.fields], name)
        snapshot = self._scan.snapshot()
        which = f"snapshot {snapshot.snapshot_id}" if snapshot else "without a snapshot"
        self.label = f"Iceberg table {name}, {which}"

    @cached_property
    def _tasks(self) -> list[Any]:
        """What is to be read, by the manifests."""
        return list(self._scan.plan_files())

    @cached_property
    def data_files(self) -> list[Any]:
        """The data files, as PyIceberg has them."""
        return [task.file for task in self._tasks]

    @property
    def has_deletes(self) -> bool:
        """Whether rows of them are deleted."""
        return any(task.delete_files for task in self._tasks)

    def manifests(self) -> Manifests:
        """Return what the manifests say of the data files."""
        return Manifests(self.data_files, self.schema)

    def refusal(self) -> str | None:
        """Return why the data files' rows cannot be the table's; ``None`` if they may be."""
        if not self.data_files:
            return "it has no data file"
        if self.has_deletes:
            return "rows of its files are deleted"
        if any(file.file_format.value != "PARQUET" for file in self.data_files):
            return "not all of its files are Parquet"
        paths = [self._path(file.file_path) for file in self.data_files]
        if not all(path and not re.search(r"[*?\[]", path) for path in paths):
            return "its files lie elsewhere, or in folders with a name that would pass for a pattern"
        return None

    def listing(self) -> Listing:
        """Return the data files as files to read."""
        paths = tuple(path for file in self.data_files if (path := self._path(file.file_path)))
        size = sum(file.file_size_in_bytes for file in self.data_files)
        return Listing(name=self.name, format=PARQUET, files=paths, size=size)

    def _path(self, location: str) -> str | None:
        """Return where a data file is in the metadata file's own filesystem; ``None`` if it is in another."""
        filesystem = self.filesystem
        if filesystem is None:
            from pyiceberg.io.pyarrow import PyArrowFileIO

            scheme, _, path = PyArrowFileIO.parse_location(location)
            return str(path) if scheme == "file" else None
        protocols = (filesystem.protocol,) if isinstance(filesystem.protocol, str) else filesystem.protocol
        here = location.partition("://")[0] in protocols
        return str(filesystem._strip_protocol(location)) if here else None

    def arrow_schema(self) -> Any:
        """Return the columns in Arrow's types."""
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        return schema_to_pyarrow(self.schema, include_field_ids=False)

    def load(self, db: DbApiSession, connection: Any, name: str = TABLE) -> None:
        """Let PyIceberg read all rows into a table of the database.

        :param name: of that table.
        """
        from pyarrow import RecordBatchReader

        failed: list[Exception] = []

        def batches() -> Iterator[Any]:
            try:
                yield from self._scan.to_arrow_batch_reader()
            except Exception as error:
                failed.append(error)
                raise

        connection.register(_SCAN, RecordBatchReader.from_batches(self.arrow_schema(), batches()))
        try:
            db.execute(f"CREATE TABLE {name} AS SELECT * FROM {_SCAN}")
        except MeasureError:
            with understood(self.name):
                if failed:  # in PyIceberg's words, not as DuckDB quotes them
                    raise failed[0] from None
            raise
        finally:
            connection.unregister(_SCAN)


def static(table: Found) -> Any:
    """Return the table as its metadata file has it."""
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.serializers import FromInputFile
    from pyiceberg.table import StaticTable

    io = _file_io(table.filesystem)
    return StaticTable(
        identifier=("static-table", table.metadata),
        metadata_location=table.metadata,
        metadata=FromInputFile.table_metadata(io.new_input(table.metadata)),
        io=io,
        catalog=NoopCatalog("static-table"),
    )


def _file_io(filesystem: Any) -> Any:
    """Return how PyIceberg reads files: an fsspec filesystem knows its credentials."""
    if filesystem is None:
        from pyiceberg.io.pyarrow import PyArrowFileIO

        return PyArrowFileIO({})
    from pyiceberg.io.fsspec import FsspecFileIO

    class InFilesystem(FsspecFileIO):
        def get_fs(self, scheme: str, hostname: str | None = None) -> Any:
            return filesystem

    return InFilesystem({})


def _distinct(names: Sequence[str], table: str) -> None:
    folded = [name.casefold() for name in names]
    twice = [name for name in names if folded.count(name.casefold()) > 1]
    if twice:
        raise ConfigurationError(
            f"Columns {', '.join(twice)} of {table} have the same name but for upper and lower case: rename them."
        )
