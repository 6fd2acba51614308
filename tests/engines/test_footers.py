"""Parquet footers: what they claim equals what a scan measures, and what cannot be trusted they do not claim."""

from __future__ import annotations

import datetime as dt
import math
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_dataops import validate
from airflow_dataops.core.metrics import Aggregate, Count, Function, Known
from airflow_dataops.core.predicates import Compare, InSet, IsNull, Not, Or, Value
from airflow_dataops.engines import files
from airflow_dataops.engines.proofs.footers import BY, Footers
from tests.engines.claims import assert_claims_are_true

PARIS = dt.timezone(dt.timedelta(hours=1))
VALUES = {
    pa.int8(): [-128, 0, 127],
    pa.int64(): [-(2**63), -1, 0, 2**63 - 1],
    pa.uint8(): [0, 200, 255],
    pa.float64(): [float("nan"), float("inf"), -1.5, 0.0],
    pa.float32(): [float("nan"), 0.5, 1.5],
    pa.decimal128(9, 2): [Decimal("-7.50"), Decimal("0.00"), Decimal("1.00")],
    pa.decimal128(38, 0): [Decimal(10) ** 37, Decimal(-1), Decimal(3)],
    pa.decimal256(50, 1): [Decimal("1.5"), Decimal("2.5")],
    pa.date32(): [dt.date(1, 1, 1), dt.date(2013, 1, 1), dt.date(2014, 2, 28)],
    pa.timestamp("us"): [dt.datetime(2013, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999)],
    pa.timestamp("ms"): [dt.datetime(2013, 1, 1), dt.datetime(2014, 1, 1)],
    pa.timestamp("ns"): [dt.datetime(2013, 1, 1), dt.datetime(2014, 1, 1)],
    pa.timestamp("us", "Europe/Paris"): [dt.datetime(2013, 1, 1, tzinfo=PARIS), dt.datetime(2014, 1, 1, tzinfo=PARIS)],
    pa.string(): ["", "a", "é" * 100],
    pa.binary(): [b"", b"\xff"],
    pa.bool_(): [True, False],
    pa.list_(pa.int64()): [[], [1, None], [2]],
    pa.struct([("x", pa.int64())]): [{"x": None}, {"x": 1}],
    pa.null(): [None],
}


@st.composite
def parquet_files(draw):
    """Draw one to three files of one column ``c``, which one of them may lack, and how they are written."""
    type_ = draw(st.sampled_from(list(VALUES)))
    value = st.none() | st.sampled_from(VALUES[type_])
    columns = draw(st.lists(st.lists(value, max_size=7) | st.none(), min_size=1, max_size=3))
    tables = [
        pa.table({"c": pa.array(values, type_), "id": range(len(values))})
        if values is not None
        else pa.table({"id": [1]})
        for values in columns
    ]
    if all("c" not in table.column_names for table in tables):
        tables[0] = pa.table({"c": pa.array([], type_), "id": pa.array([], pa.int64())})
    options = {
        "row_group_size": draw(st.integers(1, 4)),
        "write_statistics": draw(st.sampled_from([True, True, ["id"]])),
        "use_deprecated_int96_timestamps": draw(st.booleans()),
        "version": draw(st.sampled_from(["1.0", "2.6"])),
    }
    return tables, options


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=parquet_files())
def test_what_footers_claim_is_what_a_scan_measures(tmp_path_factory, drawn):
    tables, options = drawn
    folder = tmp_path_factory.mktemp("drawn")
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"{number}.parquet", **options)
    with files.opened(folder) as opened:
        assert_claims_are_true(opened)


def footers_of(tmp_path, table, **options):
    pq.write_table(table, tmp_path / "t.parquet", **options)
    return Footers([str(tmp_path / "t.parquet")])


RANGE = Or((Compare(Value("n"), "<", 1), Compare(Value("n"), ">", 3)))


def test_what_is_proved(tmp_path):
    table = pa.table({"n": pa.array([1, None, 3]), "day": pa.array([dt.date(2013, 1, 1)] * 3)})
    footers = footers_of(tmp_path, table)
    assert footers.known(Count()) == Known(by=BY, value=3)
    assert footers.known(Count(IsNull("n"))) == Known(by=BY, value=1)
    assert footers.known(Count(Not(IsNull("day")))) == Known(by=BY, same_as=Count())
    assert footers.known(Count(RANGE)) == Known(by=BY, value=0)
    assert footers.known(Aggregate(Function.MAX, "day")) == Known(by=BY, value=dt.date(2013, 1, 1))
    assert footers.known(Count(Compare(Value("n"), ">", 2))) is None


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (pa.table({"n": [1.5, 2.5]}), {}),
        (pa.table({"n": [[1], [2]]}), {}),
        (pa.table({"n": [dt.datetime(2013, 1, 1)]}), {"use_deprecated_int96_timestamps": True}),
        (pa.table({"n": [1, 2]}), {"write_statistics": False}),
        (pa.table({"n": [1], "N": [None]}), {}),
        (pa.table({"m": [1]}), {}),
    ],
)
def test_what_is_not_trusted_is_unknown(tmp_path, table, options):
    footers = footers_of(tmp_path, table, **options)
    assert footers.known(Count(IsNull("n"))) is None
    assert footers.known(Count(RANGE)) is None
    assert footers.known(Aggregate(Function.MIN, "n")) is None


def test_texts_have_null_counts_and_no_bounds(tmp_path):
    footers = footers_of(tmp_path, pa.table({"n": ["a", None]}))
    assert footers.known(Count(IsNull("n"))) == Known(by=BY, value=1)
    assert footers.known(Count(InSet("n", ("z",)))) is None
    assert footers.known(Aggregate(Function.MIN, "n")) is None


def test_what_a_footer_proves_needs_no_statement(tmp_path):
    pq.write_table(pa.table({"n": range(1000), "ratio": [0.5] * 1000}), tmp_path / "t.parquet")
    suite = [
        {"type": "table_row_count_to_equal", "value": 1000},
        {"type": "column_values_to_not_be_null", "column": "n"},
        {"type": "column_values_to_be_between", "column": "n", "min_value": 0, "max_value": 999},
        {"type": "column_max_to_be_between", "column": "n", "min_value": 999, "max_value": 999},
    ]
    gate = validate(tmp_path / "t.parquet", suite)
    assert gate.passed
    assert gate.statements == ()
    assert {result.proved_by for result in gate.results} == {BY}
    # A condition on the rows leaves what holds for each of them.
    some = validate(tmp_path / "t.parquet", suite[1:3], where="n < 10")
    assert some.passed
    assert [result.element_count for result in some.results] == [10, 10]
    refuted = validate(tmp_path / "t.parquet", [{**suite[2], "max_value": 997}])
    assert refuted.results[0].unexpected_count == 2


def test_without_pyarrow_all_is_scanned(tmp_path, monkeypatch):
    footers = footers_of(tmp_path, pa.table({"n": [1]}))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert footers.known(Count()) is None
    assert validate(tmp_path / "t.parquet", [{"type": "table_row_count_to_equal", "value": 1}]).passed


def test_a_corrupt_footer_proves_nothing(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert Footers([str(tmp_path / "t.parquet")]).known(Count()) is None


def test_a_footer_with_nan_alone_is_unknown(tmp_path):
    assert footers_of(tmp_path, pa.table({"n": [math.nan]})).known(Count(Not(IsNull("n")))) is None
