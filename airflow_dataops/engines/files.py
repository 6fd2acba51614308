"""Files measured by an embedded DuckDB: Parquet where it lies, CSV and JSON lines after being read once."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.relations import Column
from airflow_dataops.engines import csv_files
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.embedded import TABLE, Opened, text
from airflow_dataops.engines.listing import CSV, PARQUET, Listing, listing, warn_of_missing
from airflow_dataops.engines.proofs.footers import Footers

log = logging.getLogger(__name__)

# Text files that are larger together are read into a file beside the memory, not into memory.
IN_MEMORY_BYTES = 256 * 2**20
# So few files stand by name in the SQL that people see; more are behind a view.
_NAMED_FILES = 20


def is_path(data: Any) -> bool:
    """Whether ``data`` can name files: text, a path of this machine, or an object with ``fs`` and ``path``."""
    return isinstance(data, str | os.PathLike) or (hasattr(data, "fs") and hasattr(data, "path"))


@contextlib.contextmanager
def opened(data: Any) -> Iterator[Opened]:
    """Open a database in which the file or files can be asked about.

    :param data: a file, a glob, or a folder: all files below it; what of its path is ``name=value`` becomes a column.
        A path of this machine's, a URL that fsspec opens, or an object with ``fs`` and ``path``.
    :raises ConfigurationError: there is no such file, or its kind is not known.
    :raises MeasureError: a file cannot be read, or files differ in a column's type; names the file.
    """
    path, filesystem = located(data)
    found = listing(path, filesystem, name=str(data))
    spills = found.format != PARQUET and found.size > IN_MEMORY_BYTES
    with connected(filesystem, name=found.name, spills=spills) as (_, db, prefix):
        if found.format == PARQUET:
            refuse_unlike(db, found, prefix)
            bounds = {name: partition.bounds for name, partition in found.partitions.items()}
            footers = Footers(found.files, filesystem=filesystem, partitions=bounds)
            yield Opened(db=db, query=parquet_query(db, found, prefix), vouchers=(footers,))
        else:
            _load(db, found, prefix)
            yield Opened(db=db, query=f"SELECT * FROM {TABLE}", vouchers=())


@contextlib.contextmanager
def connected(filesystem: Any, *, name: str, spills: bool) -> Iterator[tuple[Any, DbApiSession, str]]:
    """Open an embedded DuckDB that can read files; yield its connection, a session, and what a file's path begins with.

    :param filesystem: where the files are, an fsspec filesystem; ``None`` for local files.
    :param name: the path as a person gave it.
    :param spills: tables are kept in a file, not in memory.
    """
    import duckdb

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dataops-"))
        connection = duckdb.connect(f"{folder}/{TABLE}.duckdb" if spills else ":memory:")
        stack.enter_context(contextlib.closing(connection))
        db = DbApiSession(connection, "duckdb")
        prefix = ""
        if filesystem is not None:
            from airflow_dataops.engines.storage import PROTOCOL, Storage, StorageSession

            storage = Storage(filesystem)
            connection.register_filesystem(storage)
            db, prefix = StorageSession(connection, storage, name), f"{PROTOCOL}://"
        db.execute(f"SET temp_directory = {text(folder)}")
        yield connection, db, prefix


def located(data: Any) -> tuple[str, Any]:
    """Return the path and the fsspec filesystem that it is in, which is ``None`` for local files."""
    if hasattr(data, "fs"):
        path, filesystem = data.path, data.fs
    elif "://" in str(data):
        from fsspec.core import url_to_fs

        try:
            filesystem, path = url_to_fs(str(data))
        except (ValueError, ImportError) as error:
            raise ConfigurationError(f"{data} cannot be opened: {error}") from error
    else:
        return str(data), None
    protocols = {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)
    return path, None if protocols & {"file", "local"} else filesystem


def _list(files: tuple[str, ...], prefix: str) -> str:
    names = [text(prefix + file) for file in files]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _options(found: Listing) -> str:
    """Return the options that all readers share: columns by name, and those in the paths with their types."""
    if not found.partitions:
        return "union_by_name = true, hive_partitioning = false"
    types = ", ".join(f"{text(name)}: {partition.type}" for name, partition in found.partitions.items())
    return f"union_by_name = true, hive_partitioning = true, hive_types = {{{types}}}"


def parquet_query(
    db: DbApiSession, found: Listing, prefix: str, options: str | None = None, *, view: str = TABLE
) -> str:
    """Return the SELECT of all rows of Parquet files.

    :param options: how they are read; by name and with the columns in their paths, if nothing else is said.
    :param view: is made over the files where they are many.
    """
    query = parquet_rows(found, prefix, options)
    if len(found.files) <= _NAMED_FILES:
        return query
    db.execute(f"CREATE VIEW {view} AS {query}")
    return f"SELECT * FROM {view}"


def parquet_rows(found: Listing, prefix: str, options: str | None = None) -> str:
    """Return the SELECT of all rows of Parquet files, each of which stands in it by name."""
    return f"SELECT * FROM read_parquet({_list(found.files, prefix)}, {options or _options(found)})"


def refuse_unlike(db: DbApiSession, found: Listing, prefix: str) -> None:
    """Refuse files that are no Parquet, or differ in a column's type; tell of columns that some of them lack.

    :raises MeasureError: names the file.
    """
    _readable(db, found, prefix)
    _same_types(db, found, prefix)


def _readable(db: DbApiSession, found: Listing, prefix: str) -> None:
    """Look at the footers of all files.

    :raises MeasureError: one is no Parquet file; names it, which DuckDB does not always.
    """
    try:
        db.execute(f"SELECT COUNT(*) FROM parquet_schema({_list(found.files, prefix)})")
    except MeasureError as error:
        file = None if error.retryable else _culprit(db, found, prefix, "parquet_schema({})")
        if file is None or file in str(error):
            raise
        raise MeasureError(f"{file} cannot be read as Parquet: {error}") from error


def _same_types(db: DbApiSession, found: Listing, prefix: str) -> None:
    """Tell of columns that some files lack.

    :raises MeasureError: a column is of another kind in another file: together they would become text, unasked.
    """
    if len(found.files) == 1:
        return
    groups = [(files, _columns(db, files[0], prefix)) for files in alike(db, found, prefix)]
    in_paths = {name.casefold() for name in found.partitions}
    first: dict[str, tuple[Column, str]] = {}
    for files, columns in groups:
        for folded, column in columns.items():
            if column.type == '"NULL"':  # no value of any type: it goes with all
                continue
            known, file = first.setdefault(folded, (column, files[0]))
            if _kind(column) != _kind(known) and folded not in in_paths:
                raise MeasureError(
                    f"Column {column.name} is {known.type} in {file} and {column.type} in {files[0]}: "
                    "write these files with one type, or judge them apart"
                )
    warn_of_missing([(files, [column.name for column in columns.values()]) for files, columns in groups], found)


def _kind(column: Column) -> tuple[Kind, str]:
    """Return what must be equal: the kind, and of what is no plain value the very type."""
    from airflow_dataops.engines.sql.kinds import kind_of

    kind = kind_of(column.type)
    return kind, column.type if kind is Kind.OTHER else ""


def alike(db: DbApiSession, found: Listing, prefix: str) -> list[tuple[str, ...]]:
    """Return the files in groups of those whose footers have the same columns."""
    rows = db.execute(
        "SELECT file_name, list((name, type, converted_type, scale, precision, logical_type, num_children, field_id)) "
        f"FROM parquet_schema({_list(found.files, prefix)}) GROUP BY file_name ORDER BY file_name"
    )
    groups: dict[str, list[str]] = defaultdict(list)
    for file, columns in rows:
        groups[repr(columns)].append(file.removeprefix(prefix))
    return [tuple(files) for files in groups.values()]


def _columns(db: DbApiSession, file: str, prefix: str) -> dict[str, Column]:
    columns = db.describe(f"SELECT * FROM read_parquet({text(prefix + file)}, hive_partitioning = false)")
    return {column.name.casefold(): column for column in columns}


def _load(db: DbApiSession, found: Listing, prefix: str) -> None:
    """Read text files once, into a table: every statement would parse them again."""
    files = f"{len(found.files)} {found.format} file{'s' if len(found.files) > 1 else ''}"
    log.info("Reading %s, %.1f MB, once: %s", files, found.size / 1e6, found.name)
    started = time.perf_counter()
    if found.format == CSV:
        partitions = _options(found).removeprefix("union_by_name = true, ")
        csv_files.load(db, found, prefix, partitions)
    else:
        _load_json(db, found, prefix)
    ((rows,),) = db.execute(f"SELECT COUNT(*) FROM {TABLE}")
    log.info("Read %s rows of %s in %.1f s.", f"{rows:,}", files, time.perf_counter() - started)


def _load_json(db: DbApiSession, found: Listing, prefix: str) -> None:
    # All of a file's rows decide its columns' types: a sample would be wrong about a late one without a word.
    reader = f"read_json({_list(found.files, prefix)}, {_options(found)}, sample_size = -1)"
    try:
        db.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM {reader}")
    except MeasureError as error:
        if error.retryable:
            raise
        file = _culprit(db, found, prefix, "read_json({}, sample_size = -1)")
        raise _bad_json(db, file, prefix, error) if file else error from error


def _culprit(db: DbApiSession, found: Listing, prefix: str, reader: str) -> str | None:
    """Return the first file that cannot be read alone."""
    for file in found.files:
        try:
            db.execute(f"SELECT COUNT(*) FROM (SELECT * FROM {reader.format(text(prefix + file))}) AS alone")
        except MeasureError:
            return file
    return None


def _bad_json(db: DbApiSession, file: str, prefix: str, error: MeasureError) -> MeasureError:
    """Return the error with the file's name and, of JSON lines, the first that is none: DuckDB counts otherwise."""
    said = str(error.__cause__ or error)
    if "Malformed JSON" not in said:
        return error if file in str(error) else MeasureError(f"{file}: {error}")
    where = ""
    if ".json" not in PurePath(file).suffixes:
        lines = db.execute(
            "SELECT MIN(number) FROM (SELECT line, row_number() OVER () AS number FROM "
            f"read_csv({text(prefix + file)}, auto_detect = false, delim = '\x01', quote = '', escape = '', "
            "header = false, parallel = false, columns = {'line': 'VARCHAR'})) AS lines WHERE NOT json_valid(line)"
        )
        where = f" (line {lines[0][0]})" if lines[0][0] else ""
    return MeasureError(f"{file} is not JSON{where}: a value is malformed, or the file ends inside it")
