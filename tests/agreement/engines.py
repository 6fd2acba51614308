"""Our engines over one and the same table: to add one, write what opens it and name it in ``ENGINES``."""

from __future__ import annotations

import contextlib
import itertools
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pymysql
from sqlalchemy.engine import URL

from airflow_dataops.core.checks import Suite
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.services.judging import judge
from airflow_dataops.services.validating import validate
from tests.agreement.tables import INFINITY, Column, Table, Type

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """Where the databases of a run live."""

    folder: Path
    postgres: str
    mysql: URL | None = None
    spark: Any = None


Judge = Callable[[Suite], GateResult]


def pandas_frame(table: Table) -> pd.DataFrame:
    """Return the table as pandas people have it."""
    return pd.DataFrame({column.name: _series(column) for column in table.columns})


def _series(column: Column) -> pd.Series:
    values, nulls = list(column.values), None in column.values
    match column.type:
        case Type.WHOLE | Type.BIG:
            exact = column.type is Type.BIG or column.loose
            return pd.Series(values, dtype=("Int64" if exact else "float64") if nulls else "int64")
        case Type.REAL:
            return pd.Series(values, dtype="float64")
        case Type.TEXT:
            return pd.Series(values, dtype="object" if column.loose else "str")
        case Type.BOOLEAN:
            return pd.Series(values, dtype=("object" if column.loose else "boolean") if nulls else "bool")
        case Type.TIME:
            return pd.Series(values, dtype="datetime64[us]")
        case Type.ZONED:
            return pd.Series(values, dtype="datetime64[us, UTC]")
        case _:
            return pd.Series(values, dtype="object")


_ARROW = {
    Type.WHOLE: pa.int32(),
    Type.BIG: pa.int64(),
    Type.REAL: pa.float64(),
    Type.DECIMAL: pa.decimal128(14, 2),
    Type.TEXT: pa.string(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.TIME: pa.timestamp("us"),
    Type.ZONED: pa.timestamp("us", "UTC"),
}


def arrow_table(table: Table) -> pa.Table:
    """Return the table with exact types."""
    return pa.table({column.name: pa.array(column.values, _ARROW[column.type]) for column in table.columns})


SQL_TYPES = {
    Type.WHOLE: "INTEGER",
    Type.BIG: "BIGINT",
    Type.REAL: "DOUBLE PRECISION",
    Type.DECIMAL: "NUMERIC(14, 2)",
    Type.TEXT: "TEXT",
    Type.BOOLEAN: "BOOLEAN",
    Type.DATE: "DATE",
    Type.TIME: "TIMESTAMP",
    Type.ZONED: "TIMESTAMPTZ",
}


def fill(
    execute: Callable[[str, Sequence[Any]], Any],
    table: Table,
    name: str,
    store: Callable[[Any], Any],
    types: Mapping[Type, str] = SQL_TYPES,
) -> None:
    """Create the table in a database, ``?`` standing for values."""
    columns = ", ".join(f"{quoted(column.name)} {types[column.type]}" for column in table.columns)
    execute(f"CREATE TABLE {name} ({columns})", ())
    marks = ", ".join("?" for _ in table.columns)
    for row in zip(*(column.values for column in table.columns), strict=True):
        execute(f"INSERT INTO {name} VALUES ({marks})", tuple(store(value) for value in row))


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def _sqlite_value(value: Any) -> Any:
    """Return a value as SQLite people store it: times as text, decimals as numbers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        # As SQLAlchemy stores one: without a zone, which SQLite has not, and always with microseconds.
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return value.isoformat() if isinstance(value, date) else value


@contextlib.contextmanager
def _frame(table: Table, place: Place) -> Iterator[Judge]:
    frame = pandas_frame(table)
    yield lambda suite: validate(frame, suite)


@contextlib.contextmanager
def _polars(table: Table, place: Place) -> Iterator[Judge]:
    frame = pl.from_arrow(arrow_table(table))
    yield lambda suite: validate(frame, suite)


@contextlib.contextmanager
def _arrow(table: Table, place: Place) -> Iterator[Judge]:
    yield lambda suite: validate(arrow_table(table), suite)


@contextlib.contextmanager
def _parquet(table: Table, place: Place) -> Iterator[Judge]:
    path = place.folder / f"t{next(_NUMBERS)}.parquet"
    pq.write_table(arrow_table(table), path)
    yield lambda suite: validate(path, suite)


def sqlite_file(table: Table, place: Place) -> Path:
    """Return a SQLite file whose table ``t`` is the table."""
    path = place.folder / f"t{next(_NUMBERS)}.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        fill(connection.execute, table, "t", _sqlite_value, {**SQL_TYPES, Type.ZONED: "TIMESTAMP"})
    return path


@contextlib.contextmanager
def _sqlite(table: Table, place: Place) -> Iterator[Judge]:
    with contextlib.closing(DbApiSession(sqlite3.connect(sqlite_file(table, place)), "sqlite")) as db:
        yield lambda suite: judge(db, Relation(name="t"), suite)


@contextlib.contextmanager
def _duckdb(table: Table, place: Place) -> Iterator[Judge]:
    with contextlib.closing(DbApiSession(duckdb.connect(":memory:"), "duckdb")) as db:
        fill(db.execute, table, "t", lambda value: value)
        yield lambda suite: judge(db, Relation(name="t"), suite)


@contextlib.contextmanager
def postgres_table(table: Table, place: Place) -> Iterator[str]:
    """Yield the name of a table in PostgreSQL that is there for a block."""
    name = f"t{next(_NUMBERS)}"
    with contextlib.closing(DbApiSession(psycopg.connect(place.postgres), "postgres")) as db:
        fill(db.execute, table, name, lambda value: value)
        yield name
        db.execute(f"DROP TABLE {name}")


@contextlib.contextmanager
def _postgres(table: Table, place: Place) -> Iterator[Judge]:
    with (
        postgres_table(table, place) as name,
        contextlib.closing(DbApiSession(psycopg.connect(place.postgres), "postgres")) as db,
    ):
        yield lambda suite: judge(db, Relation(name=name), suite)


def _mysql_value(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@contextlib.contextmanager
def _mysql(table: Table, place: Place) -> Iterator[Judge]:
    url, name = place.mysql, f"t{next(_NUMBERS)}"
    assert url is not None
    connection = pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database
    )
    with contextlib.closing(DbApiSession(connection, "mysql")) as db:
        db.execute("SET sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES'")
        types = {**SQL_TYPES, Type.TIME: "DATETIME(6)", Type.ZONED: "DATETIME(6)"}
        fill(db.execute, table, name, _mysql_value, types)
        yield lambda suite: judge(db, Relation(name=name), suite)
        db.execute(f"DROP TABLE {name}")


@contextlib.contextmanager
def _spark(table: Table, place: Place) -> Iterator[Judge]:
    path = place.folder / f"t{next(_NUMBERS)}.parquet"
    pq.write_table(arrow_table(table), path)
    frame = place.spark.read.parquet(str(path))
    yield lambda suite: validate(frame, suite)


def kept(engine: str, table: Table) -> Table:
    """Return the table as an engine can hold it: MySQL has neither NaN nor infinities, nor every name."""
    if engine != "mysql":
        return table
    return Table(tuple(_kept_by_mysql(column, f"c{index}") for index, column in enumerate(table.columns)))


def _kept_by_mysql(column: Column, other_name: str) -> Column:
    known = column.name == column.name.strip() and max(column.name) <= "\uffff"
    values = (None if value in (INFINITY, -INFINITY) or value != value else value for value in column.values)
    return replace(column, name=column.name if known else other_name, values=tuple(values))


ENGINES: dict[str, Callable[[Table, Place], AbstractContextManager[Judge]]] = {
    "pandas": _frame,
    "polars": _polars,
    "arrow": _arrow,
    "parquet": _parquet,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
    "postgres": _postgres,
    "mysql": _mysql,
    "spark": _spark,
}


def ours(engine: str, table: Table, suite: Suite, place: Place) -> list[CheckResult | None]:
    """Return what our engine says of each check of ``suite``, in its order; each check has a name of its own.

    ``None`` is a check that this engine refuses when the suite is read.
    """
    asked = list(suite)
    with ENGINES[engine](table, place) as judged:
        while True:
            try:
                found = {
                    result.check.name: result for result in judged(Suite(name=suite.name, checks=tuple(asked))).results
                }
                return [found.get(check.name) for check in suite]
            except SuiteError as error:
                refused = asked.pop(int(_POSITION.findall(str(error))[0]) - 1)
                if not unanswered(engine, refused.kind, refused.kwargs):
                    raise


_POSITION = re.compile(r"check (\d+):")
_FRAMES = frozenset({"pandas", "polars", "arrow", "parquet"})
_BY_GX_ITSELF = frozenset(
    {
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_match_json_schema",
        "expect_column_values_to_match_strftime_format",
    }
)


def unanswered(engine: str, kind: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether an engine cannot answer a check, as documented: nor can GX there, or the rows have no order."""
    if kind in _BY_GX_ITSELF:
        return engine not in (*_FRAMES, "duckdb")
    return kind.endswith("creasing") and "order_by" not in kwargs and engine not in _FRAMES
