"""How DuckDB reads a snapshot's Parquet files as the table has them: by name, by field id, or not at all.

By name where each file's columns are the table's, by id, name and type. By field id where columns were renamed, added,
moved, dropped or widened since: DuckDB then finds them by id, and gives null for those that a file lacks.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.relations import Column
from airflow_dataops.core.widening import holds
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.embedded import TABLE, text
from airflow_dataops.engines.files import alike, parquet_query
from airflow_dataops.engines.iceberg.snapshot import Snapshot, understood
from airflow_dataops.engines.listing import Listing

_EMPTY = "dataops_empty"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files are read.

    :param query: the SELECT of all rows; ``None`` if there is none.
    :param why: why there is none.
    :param by_name: the columns stand in the files as they do in the table.
    """

    files: Listing
    query: str | None = None
    why: str = ""
    by_name: bool = False


def reading_of(db: DbApiSession, connection: Any, snapshot: Snapshot, prefix: str, *, view: str = TABLE) -> Reading:
    """Return how DuckDB reads the snapshot's data files, by their footers.

    :param view: is made over the files where they are many.
    """
    files = snapshot.listing()
    columns = columns_of(db, connection, snapshot)
    alike_files = [group[0] for group in alike(db, files, prefix)]
    with understood(snapshot.name):
        by_name = all(_same(file, snapshot) for file in alike_files)
        other = None if by_name else next((file for file in alike_files if not _readable_by_id(file, snapshot)), None)
    if by_name:
        query = parquet_query(db, files, prefix, view=view)
        if db.describe(query) == columns:
            return Reading(files=files, query=query, by_name=True)
        return Reading(files=files, why="the types in its files are not the table's")
    if other is not None:
        return Reading(files=files, why=f"the columns in {posixpath.basename(other)} are not the table's")
    return Reading(files=files, query=parquet_query(db, files, prefix, _by_id(snapshot.schema, columns), view=view))


def columns_of(db: DbApiSession, connection: Any, snapshot: Snapshot) -> list[Column]:
    """Return the table's columns in DuckDB's types, which its rows have however they are read."""
    connection.register(_EMPTY, snapshot.arrow_schema().empty_table())
    columns = db.describe(f"SELECT * FROM {_EMPTY}")
    connection.unregister(_EMPTY)
    return columns


def _schema_of(file: str, snapshot: Snapshot, names: Any = None) -> Any:
    """Return a data file's columns as the table would have them; ``None`` if it has none of their types.

    :param names: which field each name in a file without field ids stands for; without it there is no such file.
    """
    from pyarrow.parquet import read_schema
    from pyiceberg.io.pyarrow import pyarrow_to_schema

    columns = read_schema(file, filesystem=snapshot.filesystem)
    try:
        return pyarrow_to_schema(columns, names, format_version=snapshot.table.format_version)
    except (ValueError, TypeError, NotImplementedError):
        return None


def _same(file: str, snapshot: Snapshot) -> bool:
    """Whether a file's columns are the table's, by id, name, type and order."""
    written = _schema_of(file, snapshot, snapshot.table.name_mapping())
    return written is not None and _shape(written) == _shape(snapshot.schema)


def _shape(schema: Any) -> tuple[list[str], Mapping[int, tuple[str, str]]]:
    """Return the columns' names in order, and of each field, nested ones too, its path and type by id."""
    types = {number: schema.find_type(number) for number in schema.field_ids}
    return [field.name for field in schema.fields], {
        number: (schema.find_column_name(number), str(type_) if type_.is_primitive else type(type_).__name__)
        for number, type_ in types.items()
    }


def _readable_by_id(file: str, snapshot: Snapshot) -> bool:
    """Whether a file's columns can be found by id: plain ones, of the same type or one that the table's holds."""
    from pyiceberg.transforms import IdentityTransform

    written = _schema_of(file, snapshot)
    if written is None:
        return False
    found = {field.field_id: field.field_type for field in written.fields}
    in_partitions = {
        field.source_id
        for spec in snapshot.table.specs().values()
        for field in spec.fields
        if isinstance(field.transform, IdentityTransform)
    }
    for field in snapshot.schema.fields:
        if not field.field_type.is_primitive:
            return False
        if field.field_id in found:
            if not holds(str(field.field_type), str(found[field.field_id])):
                return False
        elif field.initial_default is not None or field.field_id in in_partitions:
            return False  # what a file lacks is not null there
    return True


def _by_id(schema: Any, columns: list[Column]) -> str:
    """Return DuckDB's option that names columns by their field ids."""
    named = (
        f"{field.field_id}: {{name: {text(column.name)}, type: {text(column.type)}, default_value: NULL}}"
        for field, column in zip(schema.fields, columns, strict=True)
    )
    return f"schema = MAP {{{', '.join(named)}}}"
