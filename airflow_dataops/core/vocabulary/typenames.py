"""What the names of column types mean: those that databases store, and those that suites write for any engine.

Two names match where they mean the same: numpy's ``int64``, SQLAlchemy's ``BIGINT``, Spark's ``LongType``.
"""

from __future__ import annotations

import re
from enum import StrEnum

from airflow_dataops.core.metrics import Schema


class Meaning(StrEnum):
    """What a column of a type holds, as exactly as one type of one system differs from the next."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    INT128 = "int128"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TEXT = "text"
    CHAR = "char"
    ENUM = "enum"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    ZONED = "timestamp with time zone"
    INTERVAL = "interval"
    BYTES = "bytes"
    UUID = "uuid"
    JSON = "json"
    LIST = "list"
    RECORD = "record"


_M = Meaning
_INTEGERS = frozenset({_M.INT8, _M.INT16, _M.INT32, _M.INT64, _M.INT128, _M.UINT8, _M.UINT16, _M.UINT32, _M.UINT64})
_FLOATS = frozenset({_M.FLOAT32, _M.FLOAT64})
_TIMES = frozenset({_M.TIMESTAMP, _M.ZONED})
_TEXTS = frozenset({_M.TEXT, _M.CHAR})
# What pandas keeps as Python objects: all that numpy has no type for, and truth with nulls.
_OBJECTS = frozenset(Meaning) - _INTEGERS - _FLOATS - _TIMES - {_M.INTERVAL}
_ANY = frozenset(Meaning)

Table = dict[str, frozenset[Meaning]]


def _table(*rows: tuple[str, set[Meaning] | frozenset[Meaning]]) -> Table:
    return {name: frozenset(meanings) for names, meanings in rows for name in names.split(", ")}


_STORED = _table(
    ("tinyint, byteint", {_M.INT8}),
    ("smallint, int2, smallserial", {_M.INT16}),
    ("int, integer, int4, mediumint, serial", {_M.INT32}),
    ("bigint, int64, long, bigserial", {_M.INT64}),
    ("hugeint", {_M.INT128}),
    ("utinyint, tinyint unsigned", {_M.UINT8}),
    ("usmallint, smallint unsigned", {_M.UINT16}),
    ("uinteger, int unsigned, integer unsigned, mediumint unsigned", {_M.UINT32}),
    ("ubigint, bigint unsigned", {_M.UINT64}),
    ("real, float4", {_M.FLOAT32}),
    ("float", _FLOATS),
    ("double, double precision, float8, float64", {_M.FLOAT64}),
    ("decimal, numeric, number, bignumeric", {_M.DECIMAL}),
    ("boolean, bool", {_M.BOOLEAN}),
    ("text, varchar, character varying, string, nvarchar, clob, name", {_M.TEXT}),
    ("tinytext, mediumtext, longtext", {_M.TEXT}),
    ("char, character, bpchar, nchar", {_M.CHAR}),
    ("enum", {_M.ENUM}),
    ("date", {_M.DATE}),
    ("time, timetz, time without time zone, time with time zone", {_M.TIME}),
    ("timestamp", _TIMES),  # Spark's and BigQuery's are of a zone, and hold what pandas has without one
    ("datetime, timestamp without time zone, timestamp_ntz", {_M.TIMESTAMP}),
    ("timestamp_ns, timestamp_ms, timestamp_s", {_M.TIMESTAMP}),
    ("timestamptz, timestamp with time zone, timestamp_tz, timestamp_ltz", {_M.ZONED}),
    ("interval", {_M.INTERVAL}),
    ("blob, bytea, binary, varbinary, bytes, tinyblob, mediumblob, longblob", {_M.BYTES}),
    ("uuid", {_M.UUID}),
    ("json, jsonb, variant", {_M.JSON}),
    ("array, list", {_M.LIST}),
    ("struct, map, row, record", {_M.RECORD}),
    ('"null"', _ANY),  # DuckDB's type of a frame's column that holds nothing but nulls
)

# What one database's word means there and not everywhere.
_OWN = {
    "databricks": _table(("float", {_M.FLOAT32})),
    "duckdb": _table(("float", {_M.FLOAT32}), ("timestamp", {_M.TIMESTAMP})),
    "mysql": _table(("float", {_M.FLOAT32})),
    "snowflake": _table(("float", {_M.FLOAT64})),
    "spark": _table(("float", {_M.FLOAT32})),
}

# Where upper and lower case tell two systems' words apart: SQLAlchemy's families, and SQL's own INT.
_EXACT = _table(
    ("Integer", _INTEGERS),
    ("Float", _FLOATS),
    ("Numeric", _FLOATS | {_M.DECIMAL}),
    ("DateTime", _TIMES),
    ("INT", {_M.INT32}),
)

# A database without a type holds its values in the next wider one, as pandas writes them there.
_WRITTEN = _STORED | _table(
    ("int, long", _INTEGERS),  # Python's, which have no width
    ("int8, i1, byte", {_M.INT8, _M.INT16}),
    ("int16, i2, short, smallinteger", {_M.INT16}),
    ("int32, i4", {_M.INT32}),
    ("i8, int_, intp, biginteger", {_M.INT64}),
    ("uint8, u1", {_M.UINT8, _M.INT16}),
    ("uint16, u2", {_M.UINT16, _M.INT32}),
    ("uint32, u4", {_M.UINT32, _M.INT64}),
    ("uint64, u8", {_M.UINT64, _M.DECIMAL}),
    ("float32, f4, single", {_M.FLOAT32}),
    ("f8, float_, double_precision", {_M.FLOAT64}),
    ("bool_", {_M.BOOLEAN}),
    ("str, str_, string, string_types, unicode, u, unicodetext", _TEXTS),
    ("category, categorical", {_M.ENUM, _M.TEXT}),
    ("datetime64", {_M.TIMESTAMP}),
    ("datetimetz", {_M.ZONED}),
    ("timestampntz", {_M.TIMESTAMP}),
    ("timedelta64, timedelta, daytimeinterval, yearmonthinterval", {_M.INTERVAL}),
    ("largebinary", {_M.BYTES}),
    ("dict", {_M.RECORD, _M.JSON}),
    ("object, object_, o", _OBJECTS),
)

_ENDINGS = re.compile(r"(?<=\w)(dtypetype|dtype|type)$")  # CategoricalDtypeType, Int64Dtype, LongType
_BRACKETS = re.compile(r"\[[^\]]*\]")  # datetime64[ns], string[pyarrow]
_ARGUMENTS = re.compile(r"\s*\((.*)\)|<.*>")
_NOISE = re.compile(r"\s+(zerofill|unsigned)$")


def is_known(name: str) -> bool:
    """Whether a suite's name of a type is one that has a meaning on every engine."""
    return bool(_meanings_of(name))


def is_of_type(schema: Schema, column: str, name: str) -> bool:
    """Return whether a column has, in the database's own words, the type that a suite calls ``name``.

    A name is one of pandas, SQLAlchemy, Spark or SQL, upper or lower case, whatever the engine is, so that a suite
    for a frame holds for the table made of it. One that says no width (``int``, ``Integer``, ``float``) takes every
    width, ``object`` all that pandas keeps as objects, and a size (``VARCHAR(20)``) has to be the column's. What is
    none of these is compared with the database's own word. Where types are not kept (SQLite), integers of all widths
    are one type, and floats are.

    :param column: its name as stored.
    """
    base, size = _parts(schema.type_of(column))
    wanted_base, wanted_size = _parts(name)
    if wanted_size and wanted_size != size:
        return False
    if base == wanted_base:
        return True
    held = meanings_stored(base, schema.dialect)
    if not schema.typed:
        held = held.union(*(family for family in (_INTEGERS, _FLOATS, _TIMES) if held & family))
    if schema.truth_is_number and _M.INT8 in held:
        held |= {_M.BOOLEAN}
    return bool(held & _meanings_of(name))


def meanings_stored(type_name: str, dialect: str) -> frozenset[Meaning]:
    """Return what a type of the database's own words can hold; empty where the word is not known."""
    base, _ = _parts(type_name)
    words = _STORED | _OWN.get(dialect, {})
    return words.get(base) or words.get(_NOISE.sub("", base)) or frozenset()


def sizes_of(type_name: str) -> tuple[int, ...]:
    """Return the sizes that a type names: ``(10, 2)`` of ``decimal(10,2)``, none of ``text``."""
    return tuple(int(size) for size in _parts(type_name)[1].split(",") if size)


def _meanings_of(name: str) -> frozenset[Meaning]:
    if name in _EXACT:
        return _EXACT[name]
    if "[" in name and "," in name:  # datetime64[ns, UTC]: pandas' one type with a comma has a zone
        return frozenset({_M.ZONED})
    base, _ = _parts(_BRACKETS.sub("", name) or name)
    return _WRITTEN.get(base) or _WRITTEN.get(_ENDINGS.sub("", base)) or frozenset()


def _parts(type_name: str) -> tuple[str, str]:
    """Return a type without what stands in its parentheses, and the sizes among that: ``decimal``, ``10,2``."""
    words = " ".join(type_name.casefold().split())
    if words.endswith("]"):
        return "list", ""
    arguments = _ARGUMENTS.search(words)
    base = " ".join(_ARGUMENTS.sub("", words).split())
    sized = arguments is not None and base != "enum"
    return base, ",".join(re.findall(r"\d+", arguments[1] or "")) if sized and arguments else ""
