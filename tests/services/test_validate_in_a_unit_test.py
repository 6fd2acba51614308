"""How a user tests data in a unit test; the README shows this."""

from __future__ import annotations

import pandas as pd

import airflow_dataops


def test_orders() -> None:
    orders = pd.DataFrame({"id": [1, 2, 2], "amount": [10.0, None, 3.5]})
    result = airflow_dataops.validate(
        orders,
        [
            {"type": "expect_column_values_to_be_unique", "column": "id"},
            {"type": "expect_column_values_to_not_be_null", "column": "amount", "mostly": 0.9, "severity": "warning"},
        ],
    )
    assert result.verdict == "FAIL"
    assert [str(r.outcome) for r in result.results] == ["FAIL", "WARN"]
