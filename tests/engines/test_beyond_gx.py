"""What Great Expectations lacks: freshness, references, written conditions, reconciliation, partitions."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime

import psycopg
import pytest

from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

NOW = datetime(2013, 2, 2, 12, tzinfo=UTC)
ORDERS = Relation(name="orders")


def checked(db, check, *, samples=0, **occasion):
    gate = judge(db, ORDERS, read_suite([check]), occasion=Occasion(now=NOW, **occasion), samples=samples)
    (result,) = gate.results
    return result


def outcome(db, check):
    return str(checked(db, check).outcome)


@pytest.mark.parametrize(
    ("more", "occasion", "expected", "words"),
    [
        ({"max_age": "36 hours"}, {}, "PASS", "1 day 12 hours before now (2013-02-02 12:00 UTC)"),
        ({"max_age": "35 hours"}, {}, "FAIL", "expected at most 1 day 11 hours old"),
        (
            {"max_age": "2 days"},
            {"interval_end": datetime(2013, 2, 3, 1, tzinfo=UTC)},
            "FAIL",
            "2 days 1 hour before the data interval's end",
        ),
        (
            {"max_age": "2 days", "relative_to": "now"},
            {"interval_end": datetime(2014, 1, 1, tzinfo=UTC)},
            "PASS",
            "now",
        ),
        ({"max_age": "1 h", "relative_to": "data_interval_end"}, {}, "ERROR", "no data interval"),
        ({"max_age": "1 h"}, {"interval_end": datetime(2013, 1, 31, tzinfo=UTC)}, "PASS", "1 day after the data"),
        ({"max_age": "36 hours", "row_condition": "id < 3"}, {}, "FAIL", "newest is 2013-01-02T00:00:00+00:00"),
        ({"max_age": "36 hours", "row_condition": "id > 100"}, {}, "FAIL", "no row meets"),
    ],
)
def test_freshness(orders, more, occasion, expected, words):
    found = checked(orders, {"type": "column_newest_value_to_be_recent", "column": "day", **more}, **occasion)
    assert (str(found.outcome), words in found.message) == (expected, True), found.message


def test_freshness_may_warn_before_it_fails(orders):
    check = {"type": "column_newest_value_to_be_recent", "column": "day", "max_age": "2 days"}
    found = checked(orders, {**check, "warn_outside": {"max_age": "12 hours"}})
    assert (
        str(found.outcome),
        found.message.endswith("expected at most 12 hours old, and at worst at most 2 days old"),
    ) == (
        "WARN",
        True,
    ), found.message


def test_freshness_of_what_is_no_time(orders):
    found = checked(orders, {"type": "column_newest_value_to_be_recent", "column": "customer", "max_age": "1 day"})
    assert (str(found.outcome), "time is needed" in found.message) == ("FAIL", True), found.message
    found = checked(orders, {"type": "column_newest_value_to_be_recent", "column": "amount", "max_age": "1 day"})
    assert str(found.outcome) == "FAIL"


def test_freshness_is_not_hidden_by_a_time_that_is_yet_to_come(orders):
    orders.execute("INSERT INTO orders (id, day) VALUES (9, '2999-01-01')")
    found = checked(orders, {"type": "column_newest_value_to_be_recent", "column": "day", "max_age": "36 hours"})
    assert (str(found.outcome), "in the future" in found.message) == ("FAIL", True), found.message


@pytest.fixture
def customers(orders):
    orders.execute('CREATE TABLE customers (name TEXT, "odd col" INTEGER)')
    for row in [("ann", 1), ("bob", 2), ("cyd", 9), (None, None), ("ann", 1)]:
        orders.execute("INSERT INTO customers VALUES (?, ?)", row)
    return orders


def references(**more):
    return {"type": "column_values_to_exist_in_other_table", "other_table": "customers", **more}


def test_references(customers):
    found = checked(customers, references(column="customer", other_column="name"), samples=5)
    assert (str(found.outcome), found.unexpected_count, found.element_count) == ("FAIL", 1, 5), found.message
    assert "1 of 5 values (20 %) are not in customers; expected in customers (name)" in found.message
    assert [row["id"] for row in found.samples] == [6]
    assert len(customers.execute(found.failing_rows_sql)) == 1
    assert outcome(customers, references(column="customer", other_column="name", mostly=0.8)) == "PASS"
    assert outcome(customers, references(column="customer", other_column="name", fail_above=1)) == "PASS"
    assert outcome(customers, references(column="customer", other_column="name", row_condition="id < 5")) == "PASS"


def test_references_of_several_columns(customers):
    pair = references(column=["customer", 'odd " name; --'], other_column=["name", "odd col"])
    found = checked(customers, pair)  # (cyd, null) refers to nothing, (cyd, 4) and (eve, 6) are not there
    assert (found.unexpected_count, found.element_count) == (2, 4), found.message


def test_references_are_exact_whatever_the_collation(orders):
    orders.execute("CREATE TABLE codes (code VARCHAR(20))")
    for code in ("ANN", "bob ", "cyd"):
        orders.execute("INSERT INTO codes VALUES (?)", (code,))
    found = checked(orders, {**references(column="customer", other_column="code"), "other_table": "codes"})
    assert (found.unexpected_count, found.element_count) == (3, 5), found.message  # ann, bob and eve are not there


def test_a_number_at_the_beginning_of_a_text_refers_to_nothing(orders):
    orders.execute("CREATE TABLE numbers (id INTEGER)")
    orders.execute("INSERT INTO numbers VALUES (1)")
    orders.execute("UPDATE orders SET customer = '1abc'")
    found = checked(orders, {**references(column="customer", other_column="id"), "other_table": "numbers"})
    assert str(found.outcome) in ("FAIL", "ERROR"), found.message


def test_references_to_what_is_not_there(orders):
    found = checked(orders, references(column="customer", other_column="name"))
    assert (str(found.outcome), "customers" in found.message) == ("ERROR", True), found.message


@pytest.mark.parametrize(
    ("condition", "more", "expected", "broken"),
    [
        ("amount >= paid OR amount IS NULL OR paid IS NULL", {}, "FAIL", 1),
        ("amount >= paid", {"mostly": 0.5}, "FAIL", 4),  # of what is null nobody knows
        ("id < 10 OR id IS NULL -- a comment", {}, "PASS", 0),
        ("id < 10", {"row_condition": "id > 0"}, "PASS", 0),
        ("id = 3", {"severity": "warning"}, "WARN", 4),
        ("id < 10); DROP TABLE orders; --", {}, "ERROR", None),
        ("no_such_column > 1", {}, "ERROR", None),
    ],
)
def test_a_written_condition(orders, condition, more, expected, broken):
    found = checked(orders, {"type": "expect_rows_to_meet_condition", "condition": condition, **more})
    nan_counts = 1 if orders.dialect != "sqlite" and condition == "amount >= paid" else 0
    wanted = None if broken is None else broken - nan_counts  # NaN >= 5 is true in these databases' own SQL
    assert (str(found.outcome), found.unexpected_count) == (expected, wanted) or nan_counts, found.message
    assert len(orders.execute("SELECT * FROM orders")) == 6


def test_uniqueness_within_a_partition(orders):
    orders.execute("INSERT INTO orders (id, customer) VALUES (9, 'ann'), (9, NULL), (9, NULL), (NULL, 'ann')")
    within = {"type": "column_values_to_be_unique_within_partition", "column": "id"}
    found = checked(orders, {**within, "partition_by": "customer"})
    assert (found.unexpected_count, found.element_count) == (4, 8), found.message  # cyd's 3 twice, nobody's 9 twice
    assert outcome(orders, {**within, "partition_by": ["customer", "day"], "row_condition": "id < 3"}) == "PASS"


@pytest.fixture
def raw():
    """Yield a database of another kind, behind another connection."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        session = DbApiSession(connection, "sqlite")
        session.execute("CREATE TABLE loaded (amount REAL)")
        for amount in (10.0, 20.5, None, None, 500.0, 0.0):
            session.execute("INSERT INTO loaded VALUES (?)", (amount,))
        yield session


@pytest.mark.parametrize(
    ("kind", "more", "expected", "words"),
    [
        ("table_row_count", {"other_table": "loaded"}, "PASS", "6 rows, and 6 in loaded on raw; expected"),
        (
            "table_row_count",
            {"other_query": "SELECT 1 AS one"},
            "FAIL",
            "1 in the other query on raw, 5 apart; expected equal to the number of rows of",
        ),
        (
            "table_row_count",
            {"other_query": "SELECT 1 AS one", "tolerance": 5},
            "PASS",
            "expected within 5 of the number",
        ),
        (
            "table_row_count",
            {"other_table": "loaded", "row_condition": "id > 1"},
            "FAIL",
            "4 rows, and 6 in loaded on raw, 2 apart",
        ),
        (
            "column_sum",
            {"column": "amount", "other_table": "loaded"},
            "FAIL",
            "the sum is 529.5, and 530.5 in loaded on raw, 1 apart",
        ),
        ("column_sum", {"column": "amount", "other_table": "loaded", "tolerance": "0.2 %"}, "PASS", "within 0.2 % of"),
        ("table_row_count", {"other_table": "nothing"}, "ERROR", "connection 'raw'"),
        ("table_row_count", {"other_query": "SELECT 1; SELECT 2"}, "ERROR", "holds a ;"),
        ("column_sum", {"column": "amount", "other_column": "no", "other_table": "loaded"}, "ERROR", "no column no"),
    ],
)
def test_reconciliation_across_connections(orders, raw, kind, more, expected, words):
    check = {"type": f"{kind}_to_match_other_source", "other_conn_id": "raw", **more}
    found = checked(orders, check, neighbours=lambda conn_id: contextlib.nullcontext(raw))
    assert (str(found.outcome), words in found.message) == (expected, True), found.message


def test_reconciliation_within_one_database(orders):
    orders.execute("CREATE TABLE copied AS SELECT * FROM orders")
    same = {"other_table": "copied"}
    checks = [
        {"type": "table_row_count_to_match_other_source", **same},
        {"type": "column_sum_to_match_other_source", "column": "paid", **same},
        {"type": "table_row_count_to_match_other_source", "other_table": "missing"},
        {
            "type": "table_row_count_to_match_other_source",
            "other_query": "SELECT * FROM orders WHERE id / 0 = 1 AND nope",
        },
        {"type": "column_values_to_not_be_null", "column": "paid"},
    ]
    gate = judge(orders, ORDERS, read_suite(checks))
    found = {(r.check.kind.removeprefix("expect_"), str(r.check.kwargs.get("other_table"))): r for r in gate.results}
    assert str(found["table_row_count_to_match_other_source", "copied"].outcome) == "PASS"
    assert str(found["column_sum_to_match_other_source", "copied"].outcome) == "PASS"
    assert str(found["table_row_count_to_match_other_source", "missing"].outcome) == "ERROR"
    assert str(found["table_row_count_to_match_other_source", "None"].outcome) == "ERROR"
    assert str(found["column_values_to_not_be_null", "None"].outcome) == "FAIL"


@pytest.mark.parametrize("odd", ["Infinity", "NaN"])
def test_sums_that_are_no_numbers_match_nothing(postgres_url, odd):
    with contextlib.closing(psycopg.connect(postgres_url)) as connection:
        db = DbApiSession(connection, "postgres")
        db.execute(f"CREATE TABLE orders AS SELECT CAST('{odd}' AS DOUBLE PRECISION) AS paid UNION ALL SELECT 1.5")
        db.execute("CREATE TABLE copied AS SELECT paid FROM orders")
        same = {"type": "column_sum_to_match_other_source", "column": "paid", "other_table": "copied"}
        assert outcome(db, {**same, "tolerance": "1 %"}) == ("FAIL" if odd == "Infinity" else "PASS")


def test_freshness_of_a_time_of_day(postgres_url):
    with contextlib.closing(psycopg.connect(postgres_url)) as connection:
        db = DbApiSession(connection, "postgres")
        db.execute("CREATE TABLE orders AS SELECT TIME '12:00' AS at, INTERVAL '1 day' AS took")
        for column in ("at", "took"):
            check = {"type": "column_newest_value_to_be_recent", "column": column, "max_age": "36 hours"}
            assert outcome(db, check) == "ERROR"


def test_another_connection_needs_airflow(orders):
    check = {"type": "table_row_count_to_match_other_source", "other_table": "x", "other_conn_id": "raw"}
    found = checked(orders, check)
    assert (str(found.outcome), "only a gate in Airflow knows connections" in found.message) == ("ERROR", True)
