"""Which columns a release has: the table's where these fit, else columns of its own, current once it is live."""

from __future__ import annotations

import itertools
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.widening import holds


def columns_of(arrow: Any) -> Any:
    """Return Arrow's columns as Iceberg's, without ids.

    :raises ConfigurationError: Iceberg has no such type.
    """
    from pyiceberg.io.pyarrow import _pyarrow_to_schema_without_ids

    try:
        return _pyarrow_to_schema_without_ids(arrow)
    except Exception as error:
        raise ConfigurationError(
            f"sql= yields a column that Iceberg cannot hold: {error} Its columns are "
            f"{', '.join(f'{field.name} ({field.type})' for field in arrow)}. Cast it in sql=."
        ) from error


def wanted(metadata: Any, columns: Any) -> Any:
    """Return the schema to write ``columns`` with: the current one, one that the table has had, or a new one.

    A column keeps its id where the table has one of its name, and one of the two types holds all values of the other.

    :raises ConfigurationError: the table is partitioned or sorted by a column that is not among them any more.
    """
    from pyiceberg.schema import Schema, assign_fresh_schema_ids

    known = {field.name: field for field in metadata.schema().fields}
    ids = itertools.count(metadata.last_column_id + 1)
    for schema in (metadata.schema(), *metadata.schemas):
        if _fits(schema, columns, known):
            return schema
    fields = [
        _same(known.get(column.name), column) or assign_fresh_schema_ids(Schema(column), lambda: next(ids)).fields[0]
        for column in columns.fields
    ]
    kept = [field.field_id for field in fields]
    schema = Schema(
        *fields,
        schema_id=max(schema.schema_id for schema in metadata.schemas) + 1,
        identifier_field_ids=[number for number in metadata.schema().identifier_field_ids if number in kept],
    )
    try:
        metadata.spec().check_compatible(schema)
        metadata.sort_order().check_compatible(schema)
    except Exception as error:
        raise ConfigurationError(
            f"sql= lacks a column, or gives it another type, by which the table is partitioned or sorted: {error}. Let "
            "sql= yield it, or change how the table is partitioned first."
        ) from error
    return schema


def _same(known: Any, column: Any) -> Any:
    """Return the field that goes on as ``column``, wider if need be; ``None`` if it is another one."""
    from pyiceberg.types import NestedField

    if known is None or _holds(known.field_type, column.field_type):
        return known
    if not _holds(column.field_type, known.field_type):
        return None
    return NestedField(
        field_id=known.field_id, name=known.name, field_type=column.field_type, required=known.required, doc=known.doc
    )


def _fits(schema: Any, columns: Any, known: dict[str, Any]) -> bool:
    """Return whether the schema holds the columns, in their order, each under the id that the table has for it."""
    if len(schema.fields) != len(columns.fields):
        return False
    for field, column in zip(schema.fields, columns.fields, strict=True):
        if field.name != column.name or not _holds(field.field_type, column.field_type):
            return False
        now = _same(known.get(column.name), column)
        if now is not None and now != field:
            return False
    return True


def _holds(type_: Any, written: Any) -> bool:
    """Return whether each value of the type ``written`` is the same value of ``type_``."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    if holds(str(type_), str(written)):
        return True
    # Nested types are called by their fields' ids, too.
    here, there = (schema_to_pyarrow(each, include_field_ids=False) for each in (type_, written))
    return bool(here == there)
