"""A gate on a real run knows its data interval, and reaches the other connections that its checks name."""

from __future__ import annotations

import pytest
from runs import Airflow


@pytest.mark.parametrize(
    ("day", "rows", "wanted"),
    [
        (5, "", {}),
        (5, ", (NULL, '2013-01-02')", {"null": "WARN", "other": "FAIL"}),
        (9, "", {"newest": "FAIL"}),
    ],
)
def test_freshness_and_reconciliation(airflow: Airflow, day: int, rows: str, wanted: dict[str, str]) -> None:
    # As many rows as the store has releases: two are staged here.
    airflow.sql(
        "CREATE TABLE copied (v INTEGER, at TEXT)",
        f"INSERT INTO copied VALUES (1, '2013-01-04'), (2, '2013-01-05 18:00:00'){rows}",
    )
    airflow.run("life", sql="SELECT 1 AS v")
    airflow.run("life", sql="SELECT 1 AS v")
    airflow.run("beyond", day=day)
    found = {r.check.kind.split("_to_")[0]: r for r in airflow.store.gates.of(limit=1)[0].result.results}
    outcomes = {kind: str(result.outcome) for kind, result in found.items()}
    assert outcomes == {
        "expect_column_newest_value": wanted.get("newest", "PASS"),
        "expect_table_row_count": wanted.get("other", "PASS"),
        "expect_column_values": wanted.get("null", "PASS"),
    }
    newest = found["expect_column_newest_value"].message
    assert f"before the data interval's end (2013-01-{day:02d} 00:00 UTC)" in newest or "after" in newest
