"""Gates over small data, really judged: no figure that a page, a log or the command line shows of them is made up."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_dataops import validate
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import GateResult
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

NIGHT = datetime(2026, 2, 2, 3, 0, tzinfo=UTC)
ROWS = 1_234
ODD = 'Größe "netto" (€) [cm]'
"""A column's name as a spreadsheet exports it."""

# Row n of the orders: deterministic, with what goes wrong in the night at known places.
_ORDERS = f"""
CREATE TABLE orders AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
SELECT i AS id,
       CASE WHEN i = 77 THEN 76 ELSE i END AS order_number,
       CASE i % 3 WHEN 0 THEN 'east' WHEN 1 THEN 'west' ELSE 'north' END AS shop,
       CASE WHEN i % 100 = 0 THEN NULL ELSE 'Elm Street ' || i END AS address,
       CASE WHEN i = 500 THEN 99 WHEN i % 50 = 0 THEN NULL ELSE 10 + i % 2 END AS customer_id,
       CASE WHEN i % 7 = 0 THEN 'void' WHEN i % 2 = 0 THEN 'paid' ELSE 'open' END AS status,
       20.0 + i % 40 AS amount,
       CASE WHEN i % 2 = 0 THEN 20.0 + i % 40 ELSE 0.0 END AS paid,
       CASE WHEN i = 9 THEN 5000 ELSE 100 + i % 9 END AS "{ODD.replace('"', '""')}",
       strftime('%Y-%m-%d %H:%M:%S', '2026-01-31 20:00:00', '+' || (i % 60) || ' minutes') AS ordered_at
FROM n
"""
_CUSTOMERS = "CREATE TABLE customers AS SELECT 10 AS id UNION ALL SELECT 11"
_EXPORTED = f"CREATE TABLE exported AS SELECT * FROM orders WHERE id <= {ROWS - 34}"

EVERYTHING: list[dict[str, Any]] = [
    {
        "name": "yesterday's orders are here",
        "type": "expect_column_newest_value_to_be_recent",
        "column": "ordered_at",
        "max_age": "24 hours",
        "notes": "The shops export at 01:00. Ask for the export, then clear the load.",
    },
    {
        "type": "expect_column_values_to_exist_in_other_table",
        "column": "customer_id",
        "other_table": "customers",
        "other_column": "id",
    },
    {
        "name": "paid in full",
        "type": "expect_rows_to_meet_condition",
        "condition": "paid >= amount OR status = 'open'",
        "severity": "warning",
    },
    {
        "type": "expect_column_values_to_be_unique_within_partition",
        "column": "order_number",
        "partition_by": "shop",
    },
    {"type": "expect_column_values_to_be_unique", "column": "order_number"},
    {
        "name": "all rows arrived",
        "type": "expect_table_row_count_to_match_other_source",
        "other_table": "exported",
        "other_conn_id": "raw",
    },
    {
        "name": "all money arrived",
        "type": "expect_column_sum_to_match_other_source",
        "column": "amount",
        "other_table": "exported",
        "other_conn_id": "raw",
        "tolerance": "10 %",
    },
    {
        "type": "expect_column_values_to_not_be_null",
        "column": "address",
        "warn_above": 0,
        "fail_above": "2 %",
    },
    {"type": "expect_column_values_to_not_be_null", "column": "customer_id", "mostly": 0.95},
    {"type": "expect_column_values_to_not_be_null", "column": "id"},
    {
        "type": "expect_column_mean_to_be_between",
        "column": "amount",
        "min_value": 1,
        "max_value": 1000,
        "warn_outside": {"min_value": 50, "max_value": 200},
    },
    {
        "type": "expect_column_distinct_values_to_equal_set",
        "column": "status",
        "value_set": ["open", "paid", "refunded"],
    },
    {"type": "expect_column_distinct_values_to_contain_set", "column": "shop", "value_set": ["east", "west"]},
    {
        "type": "expect_column_quantile_values_to_be_between",
        "column": "amount",
        "quantile_ranges": {"quantiles": [0.05, 0.5, 0.95], "value_ranges": [[20, 25], [30, 45], [None, 50]]},
    },
    {
        "type": "expect_column_quantile_values_to_be_between",
        "column": "paid",
        "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 60]]},
    },
    {"type": "expect_column_most_common_value_to_be_in_set", "column": "status", "value_set": ["paid", "open"]},
    {"type": "expect_column_most_common_value_to_be_in_set", "column": "shop", "value_set": ["south"]},
    {"type": "expect_column_value_z_scores_to_be_less_than", "column": ODD, "threshold": 3},
    {"type": "expect_column_values_to_be_between", "column": ODD, "min_value": 1, "max_value": 200, "mostly": 0.99},
    {"type": "expect_column_values_to_be_increasing", "column": "order_number", "order_by": "id", "strictly": True},
    {
        "type": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "amount",
        "column_B": "paid",
        "or_equal": True,
    },
    {"type": "expect_column_values_to_match_regex", "column": "address", "regex": r"^Elm Street \d+$"},
    {
        "type": "expect_column_values_to_be_in_set",
        "column": "status",
        "value_set": ["open", "paid"],
        "row_condition": "shop == 'east'",
    },
    {
        "name": "no order is paid twice",
        "type": "unexpected_rows_expectation",
        "unexpected_rows_query": "SELECT id, amount, paid FROM {batch} WHERE paid > amount",
    },
    {
        "type": "expect_query_results_to_match_comparison",
        "base_query": "SELECT shop, count(*) AS orders FROM {batch} GROUP BY shop",
        "comparison_data_source_name": "raw",
        "comparison_query": "SELECT shop, count(*) FROM exported GROUP BY shop",
    },
    {"type": "expect_table_row_count_to_equal_other_table", "other_table_name": "exported", "severity": "info"},
    {"type": "expect_table_columns_to_match_set", "column_set": ["id", "shop", "discount"], "exact_match": False},
    {"type": "expect_column_values_to_be_of_type", "column": "id", "type_": "INTEGER"},
    {"type": "expect_column_sum_to_be_between", "column": "shop", "min_value": 0},
    {"type": "expect_column_values_to_be_between", "column": "discount", "min_value": 0, "max_value": 1},
    {
        "name": "the audit trail is complete",
        "type": "expect_rows_to_meet_condition",
        "condition": "audit_id IS NOT NULL",
    },
]


@contextlib.contextmanager
def shop() -> Iterator[Database]:
    """Open a database with the orders of a day, their customers and what the shops exported."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        db = DbApiSession(connection, "sqlite")
        for statement in (_ORDERS, _CUSTOMERS, _EXPORTED):
            db.execute(statement)
        yield db


def judged_orders(checks: list[dict[str, Any]] = EVERYTHING, **rules: Any) -> GateResult:
    """Return what a gate finds in the orders; ``raw`` is the one other connection it knows."""
    with shop() as db:
        occasion = Occasion(
            now=NIGHT,
            interval_end=datetime(2026, 2, 2, tzinfo=UTC),
            neighbours=lambda conn_id: contextlib.nullcontext(db),
        )
        suite = read_suite({"name": "orders", "checks": checks})
        return judge(db, Relation(schema=None, name="orders"), suite, occasion=occasion, **rules)


def written_as_parquet(folder: Path) -> Path:
    """Write the orders as a Parquet file."""
    import duckdb

    path = folder / "orders.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT i AS id, 20.0 + i % 40 AS amount, DATE '2026-02-01' AS day, 'shop ' || i % 3 AS shop"
            f" FROM range(1, {ROWS + 1}) AS n (i)) TO '{path}' (FORMAT parquet)"
        )
    return path


# Most of it follows from the footers alone: the first four.
EXPORT: list[dict[str, Any]] = [
    {"type": "expect_table_row_count_to_be_between", "min_value": 1_000},
    {"type": "expect_column_values_to_not_be_null", "column": "id"},
    {"type": "expect_column_values_to_be_between", "column": "amount", "min_value": 0, "max_value": 100},
    {"type": "expect_column_max_to_be_between", "column": "day", "min_value": "2026-02-01"},
    {"type": "expect_column_values_to_be_between", "column": "id", "min_value": 1, "max_value": 1_000, "mostly": 0.8},
    {"type": "expect_column_values_to_be_unique", "column": "id"},
]


def judged_parquet(folder: Path, checks: list[dict[str, Any]] = EXPORT) -> GateResult:
    """Return what a gate finds in a Parquet file."""
    return validate(str(written_as_parquet(folder)), {"name": "orders_export", "checks": checks})


def judged_documents() -> GateResult:
    """Return what Great Expectations itself finds in a frame, and where it cannot say."""
    import pandas as pd

    frame = pd.DataFrame(
        {
            "day": ["2026-01-31", "2026-02-28", None, "2026-02-30", "31.1.2026"],
            "doc": ['{"n": 1}', '{"n": "x"}', None, '{"n": 2}', "[]"],
            "broken": ['{"n": 1}', "{", None, "no json", '{"n": 2}'],
        }
    )
    number = {"type": "object", "properties": {"n": {"type": "number"}}}
    checks = [
        {"type": "expect_column_values_to_match_strftime_format", "column": "day", "strftime_format": "%Y-%m-%d"},
        {"type": "expect_column_values_to_match_json_schema", "column": "doc", "json_schema": number},
        {"type": "expect_column_values_to_match_json_schema", "column": "broken", "json_schema": number},
        {
            "type": "expect_column_values_to_match_json_schema",
            "column": "doc",
            "json_schema": {"$ref": "#/nowhere"},
            "name": "odd schema",
        },
        {"type": "expect_column_values_to_be_json_parseable", "column": "doc"},
    ]
    return validate(frame, {"name": "documents", "checks": checks})


def judged_wide() -> GateResult:
    """Return what a gate finds with a hundred checks, one of them on a column with a very long name."""
    long = "a_" + "very_" * 40 + "long_name"
    columns = [f"measure_{number:03}" for number in range(99)] + [long]
    # Every tenth column lacks values, a different number of them each.
    values = [f"CASE WHEN i <= {n} THEN NULL ELSE i END" if n % 10 == 0 else "i" for n in range(len(columns))]
    selected = ", ".join(f'{value} AS "{column}"' for value, column in zip(values, columns, strict=True))
    checks = [{"type": "expect_column_values_to_not_be_null", "column": column} for column in columns]
    words = " ".join(["The planners read this table before their meeting at eight."] * 20)
    checks.append(
        {"type": "expect_rows_to_meet_condition", "condition": "no_such(i)", "notes": words, "name": "x" * 300}
    )
    with shop() as db:
        db.execute(f"CREATE TABLE wide AS SELECT id AS i, {selected} FROM (SELECT id, id AS i FROM orders)")
        return judge(db, Relation(schema=None, name="wide"), read_suite({"name": "wide", "checks": checks}))


def judged_empty() -> GateResult:
    """Return what a gate finds where there is no row."""
    return judged_orders(EVERYTHING[:6], where="id < 0")
