"""Quantiles, deviations, order and the most common value: one answer, whatever the database."""

from __future__ import annotations

import logging
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from airflow_dataops import validate
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import QUANTILE_METHODS
from airflow_dataops.core.relations import Relation
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

ORDERS = Relation(name="orders")
ODD = 'odd " name; --'


def result_of(db, kind, /, source=ORDERS, **kwargs):
    (result,) = judge(db, source, read_suite([{"type": kind, **kwargs}])).results
    return result


COUNTED = [
    ("column_value_z_scores_to_be_less_than", {"column": "amount", "threshold": 1.2}, ("FAIL", 1, 4)),
    ("column_value_z_scores_to_be_less_than", {"column": "amount", "threshold": 0.5}, ("FAIL", 2, 4)),
    (
        "column_value_z_scores_to_be_less_than",
        {"column": "amount", "threshold": 0.5, "double_sided": False, "mostly": 0.75},
        ("PASS", 1, 4),
    ),
    (
        "column_value_z_scores_to_be_less_than",
        {"column": "amount", "threshold": 0.5, "row_condition": "id == 1"},
        ("PASS", 0, 1),
    ),
    ("column_values_to_not_be_outliers", {"column": "amount"}, ("FAIL", 1, 4)),
    ("column_values_to_not_be_outliers", {"column": "amount", "multiplier": 3}, ("PASS", 0, 4)),
    ("column_values_to_not_be_outliers", {"column": "amount", "method": "std", "multiplier": 1}, ("FAIL", 1, 4)),
    ("column_values_to_not_be_outliers", {"column": "id", "method": "std", "multiplier": 0}, ("FAIL", 3, 5)),
    ("column_values_to_be_increasing", {"column": "id", "order_by": ODD}, ("FAIL", 1, 5)),
    ("column_values_to_be_increasing", {"column": "paid", "order_by": "id"}, ("FAIL", 2, 5)),
    ("column_values_to_be_increasing", {"column": ODD, "order_by": ["id"]}, ("FAIL", 1, 5)),
    ("column_values_to_be_decreasing", {"column": "paid", "order_by": ["day", "id"]}, ("FAIL", 1, 5)),
    (
        "column_values_to_be_decreasing",
        {"column": "paid", "order_by": ["day", "id"], "strictly": True},
        ("FAIL", 2, 5),
    ),
    ("column_values_to_be_increasing", {"column": "day", "order_by": "id"}, ("PASS", 0, 5)),
    ("column_values_to_be_increasing", {"column": "day", "order_by": "id", "strictly": True}, ("FAIL", 1, 5)),
    (
        "column_values_to_be_increasing",
        {"column": "amount", "order_by": "id", "row_condition": "amount < 100"},
        ("FAIL", 1, 3),
    ),
]


def test_rows_are_counted_the_same_everywhere(orders):
    for kind, kwargs, expected in COUNTED:
        result = result_of(orders, kind, **kwargs)
        assert (str(result.outcome), result.unexpected_count, result.element_count) == expected, (kind, kwargs)
        if result.failing_rows_sql is None:  # there was nothing to measure distance by
            assert result.unexpected_count == 0
        else:
            assert len(orders.execute(result.failing_rows_sql)) == result.unexpected_count


@pytest.mark.parametrize(("way", "broken"), [("increasing", 0), ("decreasing", 1)])
def test_rows_that_the_order_does_not_tell_apart_follow_each_other_as_suits_the_check(db, way, broken):
    db.execute("CREATE TABLE orders (day INTEGER, a INTEGER)")
    for row in ((1, 3), (2, 5), (1, 1), (2, 4), (1, 2)):
        db.execute("INSERT INTO orders VALUES (?, ?)", row)
    assert result_of(db, f"column_values_to_be_{way}", column="a", order_by="day").unexpected_count == broken


def test_rows_that_lie_far_off_or_break_the_order_are_samples(orders):
    checks = [
        {"type": "column_values_to_not_be_outliers", "column": "amount"},
        {"type": "column_values_to_be_increasing", "column": "paid", "order_by": "id"},
    ]
    gate = judge(orders, ORDERS, read_suite(checks), samples=3)
    outlier, disordered = (next(r for r in gate.results if r.check.kind.endswith(end)) for end in ("ers", "ing"))
    assert [row["amount"] for row in outlier.samples] == [500.0]
    assert sorted(row["paid"] for row in disordered.samples) == [0.0, 5.0]
    assert set(disordered.samples[0]) == {"id", "customer", "amount", "paid", "day", ODD}


DEVIATIONS = [
    ("amount", {}, 245.2405),
    ("id", {}, 1.8708),
    ("amount", {"row_condition": "id == 1"}, None),
]


def test_the_deviation_is_that_of_a_sample(orders):
    for column, kwargs, observed in DEVIATIONS:
        result = result_of(orders, "column_stdev_to_be_between", column=column, max_value=1000, **kwargs)
        assert str(result.outcome) == ("FAIL" if observed is None else "PASS")
        assert result.observed == (None if observed is None else pytest.approx(observed, abs=1e-4))


@pytest.mark.parametrize("connect", ["sqlite", "duckdb", "psycopg"], indirect=True)  # MySQL keeps no infinity
def test_the_deviation_of_infinities_is_none(db):
    db.execute("CREATE TABLE orders (a DOUBLE PRECISION)")
    for value in (1.0, float("inf"), 2.0):
        db.execute("INSERT INTO orders VALUES (?)", (value,))
    result = result_of(db, "column_stdev_to_be_between", column="a", min_value=0)
    assert (str(result.outcome), result.observed) == ("FAIL", None)
    for kind, kwargs in (
        ("column_value_z_scores_to_be_less_than", {"threshold": 0.1}),
        ("column_values_to_not_be_outliers", {"method": "std"}),
    ):
        assert result_of(db, kind, column="a", **kwargs).outcome == "PASS"


def test_values_that_are_all_equal_lie_nowhere_off_whatever_was_rounded(db):
    db.execute("CREATE TABLE orders (a DOUBLE PRECISION, b BIGINT, c BIGINT)")
    for row in range(15):
        db.execute("INSERT INTO orders VALUES (?, ?, ?)", (0.2, 2**53 + 1, 2**53 + 1 if row else -5))
    for column, kwargs in (("a", {}), ("b", {}), ("a", {"method": "std"}), ("b", {"method": "std", "multiplier": 0})):
        assert result_of(db, "column_values_to_not_be_outliers", column=column, **kwargs).unexpected_count == 0
    assert result_of(db, "column_value_z_scores_to_be_less_than", column="a", threshold=0).unexpected_count == 0
    # The quartiles, as floats, are not the number that almost all rows hold.
    assert result_of(db, "column_values_to_not_be_outliers", column="c").unexpected_count == 1


SHARES = [0, 0.1, 0.25, 1 / 3, 0.5, 0.56, 0.75, 0.9, 1]


def quantiles_of(db, column, method, source=ORDERS, **kwargs):
    ranges = {"quantiles": SHARES, "value_ranges": [[None, None]] * len(SHARES)}
    result = result_of(
        db,
        "column_quantile_values_to_be_between",
        source,
        column=column,
        quantile_ranges=ranges,
        allow_relative_error=method,
        **kwargs,
    )
    return result.observed["values"]


def test_quantiles_are_those_of_pandas(db):
    random = np.random.default_rng(7)
    db.execute("CREATE TABLE orders (n INTEGER, i INTEGER, x DOUBLE PRECISION)")
    tables = {}
    for size in (1, 2, 3, 5, 8, 26):
        i, x = random.integers(-20, 20, size), random.normal(size=size).round(3)
        tables[size] = pd.DataFrame({"i": i, "x": x})
        for row in zip(i.tolist(), x.tolist(), strict=True):
            db.execute("INSERT INTO orders VALUES (?, ?, ?)", (size, *row))
        db.execute("INSERT INTO orders VALUES (?, NULL, NULL)", (size,))
    for size, frame in tables.items():
        for method in QUANTILE_METHODS:
            for column in ("i", "x"):
                expected = frame[column].quantile(SHARES, interpolation=method).tolist()
                expected = pytest.approx(expected, abs=1e-12) if method == "linear" else expected
                assert quantiles_of(db, column, method, row_condition=f"n == {size}") == expected
    assert quantiles_of(db, "x", "nearest", "SELECT * FROM orders WHERE n = 26") == expected


def test_quantiles_of_decimals_lose_no_digits(db):
    db.execute(f"CREATE TABLE orders (a {'NUMERIC' if db.dialect == 'sqlite' else 'DECIMAL(20, 4)'})")
    for value in ("1.0001", "2.5", "3"):
        db.execute(
            "INSERT INTO orders VALUES (CAST(? AS NUMERIC))", (value,)
        ) if db.dialect == "sqlite" else db.execute("INSERT INTO orders VALUES (?)", (Decimal(value),))
    assert [float(value) for value in quantiles_of(db, "a", "nearest")[::4]] == [1.0001, 2.5, 3]
    assert quantiles_of(db, "a", "linear")[2] == pytest.approx(1.75005)


def test_quantiles_of_nothing_fit_no_range(orders):
    result = result_of(
        orders,
        "column_quantile_values_to_be_between",
        column="amount",
        quantile_ranges={"quantiles": [0.5], "value_ranges": [[None, None]]},
        row_condition="customer == 'cyd'",
    )
    assert str(result.outcome) == "FAIL"
    assert result.message == "amount: has no quantiles, as every value is null; expected 0.5 any"


COMMON = [
    ("customer", ["cyd", "zed"], False, "PASS", "the most common value, in 2 rows, is 'cyd'"),
    ("customer", ["ann"], True, "FAIL", "the most common value, in 2 rows, is not in the set"),
    ("paid", [5], False, "PASS", "the most common value, in 2 rows, is 5"),
    ("day", ["2013-01-03"], False, "PASS", "the most common value, in 2 rows, is '2013-01-03'"),
    ("amount", [10, 20.5], False, "FAIL", "4 values tie as the most common, in 1 row each: 10 and 1 more"),
    ("amount", [10, 20.5], True, "PASS", "4 values tie as the most common, in 1 row each: 10 and 1 more"),
]


def test_the_most_common_value_is_counted(orders):
    for column, values, ties_okay, outcome, message in COMMON:
        kwargs = {"column": column, "value_set": values, "ties_okay": ties_okay}
        result = result_of(orders, "column_most_common_value_to_be_in_set", **kwargs)
        assert (str(result.outcome), message in result.message) == (outcome, True), result.message
        assert "500" not in str(result.to_dict())


@pytest.mark.parametrize("source", [ORDERS, "SELECT * FROM orders ORDER BY id"])
def test_a_table_has_no_order_and_nothing_is_asked_of_it(orders, source, caplog):
    suite = read_suite([{"type": "column_values_to_be_increasing", "column": "id"}])
    caplog.set_level(logging.INFO)
    with pytest.raises(SuiteError, match=r"have no order of their own; say what orders them, as in order_by: \["):
        judge(orders, source, suite)
    assert "Statement" not in caplog.text


@pytest.mark.parametrize("convert", [lambda frame: frame, lambda frame: frame.to_parquet], ids=["frame", "file"])
def test_frames_and_files_have_an_order(convert, tmp_path):
    falling = np.arange(400_000)[::-1].astype("float64")
    falling[[0, 200_000, 399_999]] = [-1, 399_999, np.nan]
    data = pd.DataFrame({"a": falling, "b": "x"})
    if convert(data) is not data:
        data.to_parquet(tmp_path / "a.parquet", row_group_size=10_000)
        data = tmp_path / "a.parquet"
    checks = [
        {"type": "column_values_to_be_decreasing", "column": "a", "strictly": True},
        {"type": "column_values_to_be_increasing", "column": "a", "row_condition": "b == 'x'"},
    ]
    rising, falls = validate(data, checks).results
    if rising.check.kind.endswith("decreasing"):
        rising, falls = falls, rising
    assert (falls.unexpected_count, falls.element_count) == (2, 399_999)
    assert rising.unexpected_count == 399_996
