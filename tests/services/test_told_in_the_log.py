"""What a task's log says of measuring: a line for each statement, and a report to be read at three in the morning."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.ui import measured

MEASURING = "airflow_dataops.engines.sql.measuring"


def test_statements_on_other_connections_and_what_was_refused_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, MEASURING):
        result = measured.judged_orders()
    said = [record.getMessage().split(" in 0.")[0] for record in caplog.records if record.name == MEASURING]
    refused = said.index(
        "What the database refused is left out, all else is measured anew: SQLite: no such column: audit_id"
    )
    again = said[refused + 1 :]
    assert again[:3] == [
        'Statement 1 of 1: 1 metric over "exported"',
        "Statement 2 of 3: 2 metrics over connection raw",
        "Statement 3 of 3: 1 metric over connection raw",
    ]
    assert len(again) == len(result.statements)
    assert "metrics over table orders (1,234 rows)" in again[3]


@pytest.mark.parametrize(
    "line",
    [
        "  FAIL  yesterday's orders are here: ordered_at: newest is 2026-01-31T20:59:00+00:00, 1 day 3 hours before "
        "the data interval's end (2026-02-02 00:00 UTC); expected at most 1 day old",
        "        what to do: The shops export at 01:00. Ask for the export, then clear the load.",
        "  FAIL  all rows arrived: table: 1,234 rows, and 1,200 in exported on raw, 34 apart; "
        "expected equal to the number of rows of exported on raw",
        "  FAIL  id: the column is of no declared type; expected of type INTEGER",
        "  ERROR  the audit trail is complete: table: could not be measured: SQLite: no such column: audit_id",
        "  WARN  paid in full: table: 88 of 1,234 rows (7.13 %) do not meet the condition; "
        "expected with paid >= amount OR status = 'open'",
        "  10 of 31 checks passed",
    ],
)
def test_the_report_says_what_is_wrong_by_how_much_and_what_was_expected(line: str) -> None:
    assert line in str(measured.judged_orders()).splitlines()


def test_a_number_just_beyond_its_limit_is_told_with_the_digits_that_tell() -> None:
    mean = {"type": "expect_column_mean_to_be_between", "column": "amount", "max_value": 39.44489}
    (found,) = measured.judged_orders([mean]).results
    assert found.message.startswith("amount: mean is 39.44489465")
    assert found.message.endswith("expected at most 39.44489")


def test_one_row_and_one_statement_are_not_many(tmp_path: Path) -> None:
    rows = {"type": "expect_column_values_to_not_be_null", "column": "id"}
    assert "(suite orders, 1 row, 1 statement, " in str(measured.judged_orders([rows], where="id = 1"))
