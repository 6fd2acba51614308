"""Sessions of warehouses that cannot be had here: hooks autospec'ed, and cursors with recorded shapes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import create_autospec

import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook

from airflow_dataops import validate
from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.drivers import driver_of
from airflow_dataops.engines.opening import from_hook

Answer = tuple[list[tuple[Any, ...]], list[Any]]


class Recorded:
    """A connection and its cursor: answers a statement by the first words that it holds."""

    session_id = 42
    autocommit = False

    def __init__(self, answers: dict[str, Answer | Exception]) -> None:
        self.answers = answers
        self.statements: list[str] = []
        self.description: list[tuple[Any, ...]] | None = None
        self.rows: list[Any] = []
        self.cancelled = 0
        self.closed = False

    def cursor(self) -> Recorded:
        return self

    def execute(self, sql: str) -> None:
        self.statements.append(sql)
        found = next((answer for words, answer in self.answers.items() if words in sql), ([], []))
        if isinstance(found, Exception):
            raise found
        self.description, self.rows = found

    def fetchall(self) -> list[Any]:
        return self.rows

    def cancel(self) -> None:
        self.cancelled += 1

    def close(self) -> None:
        self.closed = True


def entry(name: str, code: Any) -> tuple[Any, ...]:
    return (name, code, None, None, None, None, True)


# What each connection type's hook calls its dialect where SQLAlchemy does not know it, and the answer to a description.
SHAPES: dict[str, tuple[str, list[tuple[Any, ...]], list[str]]] = {
    "snowflake": ("snowflake", [entry("ID", 0), entry("NAME", 2), entry("AT", 8)], ["NUMBER", "TEXT", "TIMESTAMP_NTZ"]),
    "gcpbigquery": (
        "bigquery",
        [entry("id", "INTEGER"), entry("name", "STRING"), entry("at", "DATETIME")],
        ["INT64", "STRING", "DATETIME"],
    ),
    "trino": (
        "trino",
        [entry("id", "bigint"), entry("name", "varchar(5)"), entry("at", "timestamp(6)")],
        ["bigint", "varchar(5)", "timestamp(6)"],
    ),
    "redshift": (
        "redshift",
        [entry("id", 20), entry("name", 1043), entry("at", 1114)],
        ["bigint", "character varying", "timestamp without time zone"],
    ),
    "databricks": (
        "databricks",
        [entry("id", "bigint"), entry("name", "string"), entry("at", "timestamp")],
        ["bigint", "string", "timestamp"],
    ),
}
COLUMNS_FROM = {
    "snowflake": ('"LAKE".information_schema.columns', "table_schema = 'SHOP' AND table_name = 'ORDERS'"),
    "gcpbigquery": ("`lake`.`shop`.INFORMATION_SCHEMA.COLUMNS", "table_name = 'orders'"),
    "trino": ('"lake".information_schema.columns', "table_schema = 'shop' AND table_name = 'orders'"),
    "redshift": ("svv_columns", "table_schema = 'shop' AND table_name = 'orders'"),
}


@contextlib.contextmanager
def opened(conn_type: str, connection: Any) -> Iterator[DbApiSession]:
    hook = create_autospec(DbApiHook, instance=True)
    hook.conn_type, hook.dialect_name = conn_type, "default"
    hook.get_conn.return_value = connection
    with from_hook(hook) as db:
        yield db
    assert connection.closed


@pytest.fixture(params=sorted(SHAPES))
def conn_type(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_query_is_described_by_an_empty_result(conn_type: str) -> None:
    dialect, description, types = SHAPES[conn_type]
    connection = Recorded({"WHERE FALSE LIMIT 0": (description, [])})
    with opened(conn_type, connection) as db:
        assert db.dialect == dialect
        assert [column.type for column in db.describe("SELECT * FROM orders -- all")] == types
    assert "(SELECT * FROM orders -- all\n)" in connection.statements[-1]


def test_a_tables_columns_are_asked_for_where_it_is(conn_type: str) -> None:
    _, description, types = SHAPES[conn_type]
    rows = [(entry[0], kind) for entry, kind in zip(description, types, strict=True)]
    named = [entry("column_name", "STRING"), entry("data_type", "STRING")]
    if conn_type == "databricks":
        connection = Recorded({"FROM (SELECT * FROM `lake`.`shop`.`orders`": (description, [])})
    else:
        connection = Recorded({COLUMNS_FROM[conn_type][0]: (named, rows)})
    with opened(conn_type, connection) as db:
        columns = db.columns(Relation.parse("lake.shop.orders"))
    assert columns == [Column(name=name, type=kind) for name, kind in rows]
    if conn_type != "databricks":
        assert COLUMNS_FROM[conn_type][1] in connection.statements[-1]


def test_a_gate_measures_through_the_hook(conn_type: str) -> None:
    _, description, types = SHAPES[conn_type]
    rows = [(entry[0], kind) for entry, kind in zip(description, types, strict=True)]
    named = [entry("column_name", "STRING"), entry("data_type", "STRING")]
    counts = [entry(f"m{index}", "INTEGER") for index in range(4)]
    connection = Recorded(
        {
            "information_schema": (named, rows),
            "INFORMATION_SCHEMA": (named, rows),
            "svv_columns": (named, rows),
            "LIMIT 0": (description, []),
            "AS m3": (counts, [(5, 5, 1, 4)]),
        }
    )
    suite = [
        {"type": "column_values_to_not_be_null", "column": "name"},
        {"type": "column_values_to_be_between", "column": "id", "min_value": 3, "mostly": 0.5},
    ]
    hook = create_autospec(DbApiHook, instance=True)
    hook.conn_type, hook.dialect_name = conn_type, "default"
    hook.get_conn.return_value = connection
    result = validate("shop.orders", suite, connection=hook)
    assert result.row_count == 5, result.results
    assert "ERROR" not in {str(check.outcome) for check in result.results}
    begun = [sql for sql in connection.statements if sql.startswith("BEGIN")]
    assert begun == (["BEGIN READ ONLY"] if conn_type == "redshift" else [])


def test_times_of_a_session_are_in_utc(conn_type: str) -> None:
    connection = Recorded({})
    with opened(conn_type, connection):
        pass
    zone = {"snowflake": "ALTER SESSION SET TIMEZONE = 'UTC'", "redshift": "SET timezone TO 'UTC'"}
    zone["databricks"] = "SET TIME ZONE 'UTC'"
    assert connection.statements == ([zone[conn_type]] if conn_type in zone else [])


def test_a_statement_is_cancelled_where_the_driver_can(conn_type: str, caplog: pytest.LogCaptureFixture) -> None:
    class Slow(Recorded):
        def execute(self, sql: str) -> None:
            super().execute(sql)
            if "pg_sleep" in sql:
                db.cancel()  # as another thread would, meanwhile

    connection = Slow({"pg_sleep": ([entry("a", "INTEGER")], [(1,)])})
    with caplog.at_level(logging.DEBUG, logger="airflow_dataops"), opened(conn_type, connection) as db:
        db.execute("SELECT pg_sleep(9)")
    if conn_type in ("trino", "databricks"):
        assert connection.cancelled == 1
    elif conn_type == "snowflake":
        assert connection.statements[-1] == "SELECT SYSTEM$CANCEL_ALL_QUERIES(42)"
    else:
        assert "cannot cancel a running statement" in caplog.text


def test_airflows_cursor_of_bigquery_leaves_text_that_is_none() -> None:
    shape = [
        entry("a", "NUMERIC"),
        entry("b", "DATE"),
        entry("c", "DATETIME"),
        entry("d", "TIMESTAMP"),
        entry("e", "STRING"),
    ]
    row = ["1.10", "2013-01-31", "2013-01-31T08:00:00", 1359619200.0, "2013"]
    with opened("gcpbigquery", Recorded({"SELECT": (shape, [row, [None] * 5])})) as db:
        assert db.execute("SELECT …") == [
            (
                Decimal("1.10"),
                date(2013, 1, 31),
                datetime(2013, 1, 31, 8),
                datetime(2013, 1, 31, 8, tzinfo=UTC),
                "2013",
            ),
            (None,) * 5,
        ]


def test_bigquery_needs_a_dataset() -> None:
    with opened("gcpbigquery", Recorded({})) as db, pytest.raises(ConfigurationError, match=r"dataset\.orders"):
        db.columns(Relation(name="orders"))


def test_a_table_that_databricks_does_not_know_has_no_columns() -> None:
    error = error_of("databricks", "ServerOperationError", "[TABLE_OR_VIEW_NOT_FOUND] The table `a` cannot be found")
    with opened("databricks", Recorded({"LIMIT 0": error})) as db:
        assert db.columns(Relation(name="a")) == []


def error_of(module: str, name: str, text: Any, **facts: Any) -> Exception:
    """Return an error of a class such as the driver's: its packages are not installed here."""
    made = type(name, (Exception,), {"__module__": f"{module}.errors", **facts})(text)
    assert isinstance(made, Exception)
    return made


USER_ERROR = {"error_name": "INVALID_CAST_ARGUMENT", "error_type": "USER_ERROR"}
REDSHIFT_VALUE = {"S": "ERROR", "C": "22P02", "M": 'invalid input syntax for integer: "secret"'}
REDSHIFT_COLUMN = {"S": "ERROR", "C": "42703", "M": 'column "amuont" does not exist'}
REDSHIFT_STOPPED = {"S": "ERROR", "C": "57014", "M": "Query cancelled on user's request"}
SPARK_VALUE = "[CAST_INVALID_INPUT] The value 'secret' of the type \"STRING\" cannot be cast. SQLSTATE: 22018"


@pytest.mark.parametrize(
    ("module", "name", "text", "facts", "told", "retryable"),
    [
        (
            "snowflake",
            "ProgrammingError",
            "value 'secret' is not recognized",
            {"sqlstate": "22018"},
            "value '…'",
            False,
        ),
        ("snowflake", "ProgrammingError", "invalid identifier 'AMUONT'", {"sqlstate": "42000"}, "'AMUONT'", False),
        ("snowflake", "ProgrammingError", "SQL execution canceled", {"sqlstate": "57014"}, "canceled", True),
        ("snowflake", "OperationalError", "250001: Could not connect", {}, "connect", True),
        ("google", "BadRequest", "400 Bad int64 value: secret", {}, "value: …", False),
        ("google", "NotFound", "404 Not found: Table p:d.t", {}, "Table p:d.t", False),
        ("google", "Forbidden", "403 rateLimitExceeded", {}, "rateLimit", True),
        ("trino", "TrinoUserError", "", {"message": "Cannot cast 'secret' to INT", **USER_ERROR}, "cast '…' to", False),
        ("trino", "TrinoUserError", "", {"message": "Column 'amuont' cannot be resolved"}, "'amuont'", False),
        ("trino", "TrinoQueryError", "Query limit", {"error_type": "INSUFFICIENT_RESOURCES"}, "limit", True),
        ("trino", "TrinoConnectionError", "failed to resolve", {}, "failed", True),
        ("redshift_connector", "ProgrammingError", REDSHIFT_VALUE, {}, "integer: '…'", False),
        ("redshift_connector", "ProgrammingError", REDSHIFT_COLUMN, {}, '"amuont"', False),
        ("redshift_connector", "ProgrammingError", REDSHIFT_STOPPED, {}, "cancelled", True),
        ("redshift_connector", "InterfaceError", "BrokenPipe: server socket closed", {}, "socket closed", True),
        ("databricks", "ServerOperationError", SPARK_VALUE, {}, "The value '…'", False),
        ("databricks", "OperationalError", "Error during request to server", {}, "request", True),
    ],
)
def test_errors_say_what_the_warehouse_says_without_values(
    module: str, name: str, text: Any, facts: dict[str, str], told: str, retryable: bool
) -> None:
    dialect = {"google": "bigquery", "redshift_connector": "redshift"}.get(module, module)
    understood = driver_of(dialect).understood(error_of(module, name, text, **facts))
    assert isinstance(understood, MeasureError)
    assert told in str(understood)
    assert "secret" not in str(understood)
    assert understood.retryable == retryable
    assert driver_of(dialect).understood(ValueError("not a driver's")) is None
