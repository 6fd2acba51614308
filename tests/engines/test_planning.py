"""How many statements a suite costs, and how often they read the data."""

from __future__ import annotations

import contextlib
import re

import duckdb
import pytest

from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge
from tests.bench.trips import CHECKS, create_trips

TRIPS = Relation(name="trips")


@pytest.fixture(scope="module")
def trips():
    with contextlib.closing(duckdb.connect()) as connection:
        session = DbApiSession(connection, "duckdb")
        create_trips(session, rows=2_000)
        yield session


def test_twenty_checks_are_one_scan_of_aggregates_and_one_for_each_uniqueness(trips):
    gate = judge(trips, TRIPS, read_suite(CHECKS))
    assert [str(result.outcome) for result in gate.results] == ["PASS"] * 20
    assert [statement.sql.count("COUNT") > 5 for statement in gate.statements] == [True, False, False]
    assert gate.scans == 3
    assert gate.row_count == 2_000


def test_a_metric_that_two_checks_share_is_measured_once(trips):
    twice = [
        {"type": "column_values_to_be_between", "column": "fare", "min_value": 0, "max_value": limit}
        for limit in (1_000, 2_000)
    ]
    (statement,) = judge(trips, TRIPS, read_suite(twice)).statements
    assert statement.metrics == 4  # all rows, those with a fare, and one count for each limit
    (again,) = judge(trips, TRIPS, read_suite([*twice, *twice])).statements
    assert again.metrics == 4


def test_repeats_are_counted_in_one_look(trips):
    for column in ("id", "vendor"):
        assert judge(trips, TRIPS, read_suite([{"type": "column_values_to_be_unique", "column": column}])).scans == 2


def test_checks_of_columns_alone_read_only_the_row_count(trips):
    gate = judge(trips, TRIPS, read_suite([{"type": "column_to_exist", "column": "fare"}]))
    (statement,) = gate.statements
    assert statement.metrics == 1


def test_the_fingerprint_is_one_scan_more_in_the_same_snapshot(trips):
    gate = judge(trips, TRIPS, read_suite([{"type": "column_to_exist", "column": "fare"}]), fingerprint=True)
    assert gate.scans == 2
    assert gate.fingerprint.startswith("duckdb-")


def test_few_values_are_looked_at_once_each(trips):
    trips.execute("CREATE OR REPLACE TABLE mails AS SELECT id, 'm' || id % 9 || '@x' AS mail FROM trips")
    pattern = {"type": "column_values_to_match_regex", "column": "mail", "regex": r"^m\d@x$"}
    gate = judge(trips, Relation(name="mails"), read_suite([pattern]))
    assert gate.passed
    assert 'GROUP BY "mail"' in gate.statements[1].sql
    assert [statement.rows for statement in gate.statements] == [2_000, 2_000]


def test_rows_read_are_told(trips):
    gate = judge(trips, TRIPS, read_suite(CHECKS), samples=3)
    assert {statement.rows for statement in gate.statements} == {2_000}
    broken = judge(trips, Relation(name="broken_trips"), read_suite(CHECKS), samples=3)
    assert sum(result.samples != () for result in broken.results) == 5
    assert [statement.metrics for statement in broken.statements][-2:] == [0, 0]


def test_every_statement_is_told_in_one_line(trips, caplog):
    with caplog.at_level("INFO", logger="airflow_dataops"):
        judge(trips, TRIPS, read_suite(CHECKS))
    lines = [record.getMessage() for record in caplog.records]
    assert [re.sub(r"\d+\.\d\d s", "… s", line) for line in lines] == [
        "Statement 1 of 3: 28 metrics over table trips (2,000 rows) in … s.",
        "Statement 2 of 3: 1 metric over table trips (2,000 rows) in … s.",
        "Statement 3 of 3: 1 metric over table trips (2,000 rows) in … s.",
    ]
