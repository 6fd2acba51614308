"""Queries that a suite brings: what they find in the data, and whether another database finds the same."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime

import duckdb
import pandas as pd
import pytest

from airflow_dataops import validate
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.sql.rowsets import MOST_ROWS
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

ORDERS = Relation(name="orders")
NOW = datetime(2013, 3, 1, tzinfo=UTC)


def result_of(db, kind, /, source=ORDERS, **kwargs):
    (result,) = judge(db, source, read_suite([{"type": kind, **kwargs}])).results
    return result


QUERIES = [
    ("SELECT * FROM {batch} WHERE amount < 0", 1),
    ("SELECT * FROM {batch} WHERE paid > 1000;", 0),
    ("SELECT b.id FROM {batch} b JOIN {batch} AS c ON b.id = c.id AND b.amount < c.amount -- twice", 0),
    ("SELECT 1 FROM {batch}\nthe_batch LEFT JOIN {batch} AS b ON b.id = the_batch.id WHERE b.paid > 15", 1),
    ("SELECT id FROM {batch} GROUP BY id HAVING COUNT(*) > 1", 1),
    ("WITH bad AS (SELECT * FROM {batch}\nWHERE amount < 15) SELECT * FROM bad", 2),
    ("SELECT * FROM {batch} WHERE customer = '{{ann}}' OR customer = 'ann' ORDER BY id", 1),
    ("SELECT 1 AS one", 1),
]


@pytest.mark.parametrize("source", [ORDERS, "SELECT * FROM orders -- all"])
def test_a_query_for_unexpected_rows_sees_the_batch(orders, source):
    for query, observed in QUERIES:
        result = result_of(orders, "UnexpectedRowsExpectation", source=source, unexpected_rows_query=query)
        assert (str(result.outcome), result.observed) == ("FAIL" if observed else "PASS", observed), result.message
        assert result.message.startswith(f"table: the query finds {observed or 'no'} row")


def test_the_batch_is_what_the_gate_looks_at(orders):
    suite = read_suite(
        [{"type": "unexpected_rows_expectation", "unexpected_rows_query": "SELECT 1 FROM {batch} b WHERE b.id > 2"}]
    )
    (result,) = judge(orders, ORDERS, suite, where="id < 6").results
    assert result.observed == 2


REFUSED = [
    ("SELECT 1; DROP TABLE orders", "holds a ;"),
    ("SELECT 1) AS a, (SELECT 2", "closes a parenthesis too many"),
    ("SELECT * FROM nowhere", "nowhere"),
]


def test_a_query_that_is_refused_is_the_error_of_its_check_alone(orders):
    for query, message in REFUSED:
        suite = read_suite(
            [
                {"type": "unexpected_rows_expectation", "unexpected_rows_query": query},
                {"type": "column_stdev_to_be_between", "column": "paid", "min_value": 1},
            ]
        )
        refused, other = judge(orders, ORDERS, suite).results
        assert (str(refused.outcome), str(other.outcome)) == ("ERROR", "PASS")
        assert message in refused.message
        assert orders.execute("SELECT COUNT(*) FROM orders") == [(6,)]


def other_database(dialect, tmp_path):
    """Return a session of another database with the same orders, one of them changed."""
    if dialect == "sqlite":
        session = DbApiSession(duckdb.connect(), "duckdb")
    else:
        session = DbApiSession(sqlite3.connect(tmp_path / "other.db", check_same_thread=False), "sqlite")
    session.execute("CREATE TABLE theirs (id INTEGER, customer TEXT, amount DOUBLE PRECISION, day DATE, flag BOOLEAN)")
    for row in (
        (1, "ann", 10.0, "2013-01-01", True),
        (2, "bob", 20.5, "2013-01-02", True),
        (3, "cyd", None, "2013-01-03", True),
        (3, "cyd", None, "2013-01-03", True),
        (None, None, 500.0, None, True),
        (6, "eve\n", -1.5, "2013-02-01", True),
    ):
        session.execute("INSERT INTO theirs VALUES (?, ?, ?, ?, ?)", row)
    return session


COMPARED = [
    ("SELECT id, customer, day FROM {batch}", "SELECT id, customer, day FROM theirs", 1, ("PASS", 0, 6)),
    (
        "SELECT id, amount, 1 = 1 FROM {batch}",
        "SELECT id, amount, flag FROM theirs ORDER BY 2",
        1,
        ("FAIL", 1, 6),
    ),
    ("SELECT id, amount FROM {batch} b", "SELECT id, amount FROM theirs", 0.8, ("PASS", 1, 6)),
    ("SELECT COUNT(*), SUM(id) FROM {batch}", "SELECT COUNT(*), SUM(id) FROM theirs", 1, ("PASS", 0, 1)),
    ("SELECT id FROM {batch}", "SELECT DISTINCT id FROM theirs", 1, ("FAIL", 1, 6)),
    ("SELECT id FROM {batch} WHERE id > 9", "SELECT id FROM theirs WHERE id > 9", 1, ("PASS", 0, 0)),
]


def test_queries_on_two_databases_are_compared_row_by_row(orders, tmp_path):
    with contextlib.closing(other_database(orders.dialect, tmp_path)) as other:

        @contextlib.contextmanager
        def neighbours(connection):
            assert connection == "lake"
            yield other

        for ours, theirs, mostly, expected in COMPARED:
            check = {
                "type": "query_results_to_match_comparison",
                "base_query": ours,
                "comparison_data_source_name": "lake",
                "comparison_query": theirs,
                "mostly": mostly,
            }
            gate = judge(orders, ORDERS, read_suite([check]), occasion=Occasion(now=NOW, neighbours=neighbours))
            (result,) = gate.results
            assert (str(result.outcome), result.unexpected_count, result.element_count) == expected, result.message
            assert "ann" not in str(result.to_dict())
            assert sum(one.sql.startswith("-- on connection lake\n") for one in gate.statements) == 1


def test_too_many_rows_to_compare_are_refused(orders):
    many = "SELECT a.id FROM {batch} a, {batch} b, {batch} c, {batch} d, {batch} e, {batch} f"
    assert MOST_ROWS < 6**6
    suite = read_suite(
        [
            {
                "type": "query_results_to_match_comparison",
                "base_query": many,
                "comparison_data_source_name": "lake",
                "comparison_query": "SELECT 1",
            }
        ]
    )
    (result,) = judge(orders, ORDERS, suite).results
    assert str(result.outcome) == "ERROR"
    assert "the query yields more than 10,000 rows; compare sums and counts of groups instead" in result.message


def test_another_table_has_as_many_rows(orders):
    orders.execute("CREATE TABLE copied AS SELECT * FROM orders WHERE id IS NOT NULL")
    kind = "table_row_count_to_equal_other_table"
    result = result_of(orders, kind, other_table_name="copied")
    assert (str(result.outcome), result.observed) == ("FAIL", {"self": 6, "other": 5})
    assert result_of(orders, kind, other_table_name="copied", row_condition="id > 0").outcome == "PASS"
    assert result_of(orders, kind, other_table_name="nowhere").outcome == "ERROR"


def test_a_query_for_unexpected_rows_counts_rows_so_that_limits_are_allowed():
    orders = pd.DataFrame({"id": range(10)})
    query = {"type": "unexpected_rows_expectation", "unexpected_rows_query": "SELECT 1 FROM {batch} WHERE id > 7"}
    for limits, outcome in (({"fail_above": 2}, "PASS"), ({"fail_above": "10 %"}, "FAIL"), ({"warn_above": 1}, "WARN")):
        (found,) = validate(orders, [{**query, **limits}]).results
        assert (str(found.outcome), found.unexpected_count, found.element_count) == (outcome, 2, 10)
