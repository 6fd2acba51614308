"""A fingerprint changes with the content, and with nothing else."""

from __future__ import annotations

import contextlib

import pytest

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from tests.engines.conftest import DRIVERS

ORDERS = Relation(name="orders")
pytestmark = pytest.mark.parametrize("connect", DRIVERS, indirect=True)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE orders SET amount = 11 WHERE id = 1",
        "DELETE FROM orders WHERE id = 1",
        "INSERT INTO orders SELECT * FROM orders WHERE id = 1",
        "INSERT INTO orders SELECT * FROM orders",
        "ALTER TABLE orders ADD COLUMN extra INTEGER DEFAULT 7",
        "ALTER TABLE orders RENAME COLUMN amount TO total",
    ],
)
def test_a_change_changes_it(orders, change):
    before = fingerprint(orders, ORDERS)
    orders.execute(change)
    assert fingerprint(orders, ORDERS) != before


def test_reading_and_renaming_do_not_change_it(orders, connect):
    before = fingerprint(orders, ORDERS)
    orders.execute("SELECT * FROM orders")
    orders.execute("ALTER TABLE orders RENAME TO renamed")
    assert fingerprint(orders, Relation(name="renamed")) == before
    if orders.dialect == "postgres":
        orders.execute("VACUUM FULL renamed")
    with contextlib.closing(connect()) as other:
        assert fingerprint(other, Relation(name="renamed")) == before


def test_the_gates_own_is_the_same_string(orders):
    suite = read_suite([{"type": "table_row_count_to_equal", "value": 6}])
    gate = judge(orders, ORDERS, suite, fingerprint=True)
    with orders.transaction():
        assert fingerprint(orders, ORDERS) == gate.fingerprint


def test_an_empty_table_and_a_view_have_one_too(orders):
    orders.execute("CREATE VIEW seen AS SELECT * FROM orders WHERE id > 1")
    seen = fingerprint(orders, Relation(name="seen"))
    orders.execute("UPDATE orders SET amount = 12 WHERE id = 2")
    assert fingerprint(orders, Relation(name="seen")) != seen
    orders.execute("DELETE FROM orders")
    assert fingerprint(orders, ORDERS)


def test_what_is_not_there_has_none(db):
    with pytest.raises(MeasureError, match="there is no table nothing"):
        fingerprint(db, Relation(name="nothing"))


def test_a_column_of_any_name_is_only_one_of_the_columns(db):
    db.execute("CREATE TABLE named (data INTEGER, dataops_row INTEGER, other INTEGER)")
    db.execute("INSERT INTO named VALUES (1, 1, 1)")
    before = fingerprint(db, Relation(name="named"))
    db.execute("UPDATE named SET other = 2")
    assert fingerprint(db, Relation(name="named")) != before
