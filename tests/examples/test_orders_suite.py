"""The suite that shows what Great Expectations lacks does what its comments say."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

SUITE = Path(__file__).parents[2] / "dags_examples" / "suites" / "orders.yaml"
GOOD = [
    (1, "east", "2013-01-01 20:00:00", 10, 30.0, 30.0, "paid", "Elm Street 1"),
    (1, "west", "2013-01-01 09:00:00", 10, 50.0, 0.0, "open", "Elm Street 1"),
    (2, "east", "2013-01-01 10:00:00", 11, 40.0, 45.0, "paid", "High Street"),
    (3, "east", "2013-01-01 11:00:00", None, 25.0, 25.0, "paid", "High Street"),
    (4, "east", "2013-01-01 12:00:00", 11, 60.0, 60.0, "paid", "High Street"),
]


@contextlib.contextmanager
def database(orders):
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        db = DbApiSession(connection, "sqlite")
        db.execute(
            "CREATE TABLE orders (order_number INTEGER, shop TEXT, ordered_at TEXT, customer_id INTEGER, amount REAL,"
            " paid REAL, status TEXT, address TEXT)"
        )
        for row in orders:
            db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("CREATE TABLE customers AS SELECT 10 AS id UNION ALL SELECT 11")
        db.execute("CREATE TABLE exported (amount REAL)")
        for row in GOOD:
            db.execute("INSERT INTO exported VALUES (?)", (row[4],))
        yield db


def not_held(orders):
    with database(orders) as db:
        occasion = Occasion(
            now=datetime(2020, 1, 1, tzinfo=UTC),
            interval_end=datetime(2013, 1, 2, tzinfo=UTC),
            neighbours=lambda conn_id: contextlib.nullcontext(db),
        )
        gate = judge(db, Relation(name="orders"), read_suite(SUITE), occasion=occasion)
    return {result.check.name: str(result.outcome) for result in gate.not_held}


def changed(**columns):
    names = ("order_number", "shop", "ordered_at", "customer_id", "amount", "paid", "status", "address")
    row = dict(zip(names, GOOD[4], strict=True)) | columns
    return [*GOOD[:4], tuple(row.values())]


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (GOOD, {}),
        ([(*row[:2], "2012-12-31 23:00:00", *row[3:]) for row in GOOD], {"yesterday's orders are here": "FAIL"}),
        (changed(customer_id=99), {"every customer is known": "FAIL"}),
        (changed(paid=59.0), {"paid in full": "WARN"}),
        (changed(paid=None), {"paid in full": "WARN"}),
        (changed(order_number=3), {"no order of a shop twice": "FAIL"}),
        (GOOD[:4], {"all rows arrived": "FAIL", "all money arrived": "FAIL"}),
        (changed(amount=60.01, paid=61.0), {}),
        (changed(amount=60.1, paid=61.0), {"all money arrived": "FAIL"}),
        (changed(address=None), {"addresses": "WARN"}),
        ([(*row[:7], None) for row in GOOD[:2]] + GOOD[2:], {"addresses": "FAIL"}),
        (changed(amount=1000.0, paid=1000.0), {"all money arrived": "FAIL", "what an order is worth": "WARN"}),
    ],
)
def test_each_check_finds_what_it_is_for(orders, expected):
    assert not_held(orders) == expected
