"""How many statements a suite costs, and how often they read the data."""

from __future__ import annotations

import contextlib

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


def test_repeats_cost_a_second_look_only_where_there_are_some(trips):
    unique = read_suite([{"type": "column_values_to_be_unique", "column": "id"}])
    assert judge(trips, TRIPS, unique).scans == 2
    repeated = read_suite([{"type": "column_values_to_be_unique", "column": "vendor"}])
    assert judge(trips, TRIPS, repeated).scans == 3


def test_checks_of_columns_alone_read_only_the_row_count(trips):
    gate = judge(trips, TRIPS, read_suite([{"type": "column_to_exist", "column": "fare"}]))
    (statement,) = gate.statements
    assert statement.metrics == 1


def test_the_fingerprint_is_one_scan_more_in_the_same_snapshot(trips):
    gate = judge(trips, TRIPS, read_suite([{"type": "column_to_exist", "column": "fare"}]), fingerprint=True)
    assert gate.scans == 2
    assert gate.fingerprint.startswith("duckdb-")


def test_every_statement_is_told_in_one_line(trips, caplog):
    with caplog.at_level("INFO", logger="airflow_dataops"):
        judge(trips, TRIPS, read_suite(CHECKS))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert all(line.startswith("table trips: metrics measured: ") for line in lines)
