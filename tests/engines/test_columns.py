"""A frame's column statistics: what they claim equals what a scan measures."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_dataops import validate
from airflow_dataops.core.metrics import Count, Distinct, Known
from airflow_dataops.core.predicates import Compare, IsNull, Not, Value
from airflow_dataops.engines import frames
from airflow_dataops.engines.proofs.columns import BY, Columns
from tests.engines.claims import assert_claims_are_true

INTEGERS = [-128, -1, 0, 1, 2, 127]
FLOATS = [float("nan"), float("inf"), -7.5, 0.1, 0.5, 1.0, 1e-5]
TIMES = [dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(2013, 1, 1), dt.datetime(2014, 2, 28, 1)]
DAYS = [dt.date(1, 1, 1), dt.date(2013, 1, 1), dt.date(2014, 2, 28)]
ARROW = {
    pa.int8(): INTEGERS,
    pa.int64(): [*INTEGERS, 2**63 - 1],
    pa.uint64(): [0, 1, 127, 2**64 - 1],
    pa.float64(): FLOATS,
    pa.float32(): FLOATS,
    pa.timestamp("us"): TIMES,
    pa.timestamp("ns"): TIMES[1:],
    pa.timestamp("ms", "Europe/Paris"): TIMES[1:],
    pa.date32(): DAYS,
    pa.string(): ["", "a", "b"],
    pa.bool_(): [True, False],
    pa.duration("us"): [dt.timedelta(0), dt.timedelta(1)],
    pa.list_(pa.int64()): [[], [None]],
}
PANDAS = {
    "int64": INTEGERS,
    "uint8": [0, 1, 255],
    "float64": FLOATS,
    "float32": FLOATS,
    "datetime64[ns]": [*TIMES[1:], None],
    "datetime64[us]": [*TIMES, None],
    "datetime64[us, Europe/Paris]": [*TIMES, None],
    "timedelta64[ns]": [dt.timedelta(1), None],
    "bool": [True, False],
    "Int64": [*INTEGERS, None],
    "Float64": [*FLOATS[1:], None],
    "boolean": [True, None],
    "str": ["", "a", None],
    "string": ["", "a", None],
    "category": ["a", "b", None],
    "object": [1, 2, None],
}


@st.composite
def some_frame(draw):
    """Draw a frame with a column ``c`` of any type and ``id``."""
    of = draw(st.sampled_from(["pandas", "pandas in order", "polars", "pyarrow"]))
    if of.startswith("pandas"):
        dtype = draw(st.sampled_from(list(PANDAS)))
        values = draw(st.lists(st.sampled_from(PANDAS[dtype]), max_size=6))
        if of == "pandas in order" and None not in values:
            values = sorted(set(values))
        return pd.DataFrame({"c": pd.Series(values, dtype=dtype), "id": np.arange(len(values))})
    type_ = draw(st.sampled_from(list(ARROW)))
    chunks = draw(st.lists(st.lists(st.none() | st.sampled_from(ARROW[type_]), max_size=4), min_size=1, max_size=2))
    rows = sum(map(len, chunks))
    column = pa.chunked_array([pa.array(chunk, type_) for chunk in chunks], type_)
    table = pa.table({"c": column, "id": pa.array(range(rows), pa.int64())})
    return pl.from_arrow(table) if of == "polars" else table


@settings(max_examples=100, deadline=None)
@given(frame=some_frame())
def test_what_columns_claim_is_what_a_scan_measures(frame):
    with frames.opened(frame) as opened:
        assert_claims_are_true(opened)


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_what_is_known(convert):
    frame = convert(pd.DataFrame({"id": [1, 2, 5], "n": [3, 1, 2], "x": [0.5, np.nan, 1.5], "t": ["a", "b", None]}))
    known = Columns(frame, ["id", "n", "x", "t"], 3).known
    assert known(Count()) == Known(by=BY, value=3)
    assert known(Count(IsNull("X"))) == Known(by=BY, value=1)
    assert known(Count(IsNull("t"))) == Known(by=BY, value=1)
    assert known(Count(Compare(Value("n"), ">", 3))) == Known(by=BY, value=0)
    rising = Not(IsNull("id"))
    assert known(Distinct(("n", "id"), rising)) == Known(by=BY, same_as=Count(rising))
    assert known(Distinct(("n",), Not(IsNull("n")))) is None  # not in order, so a scan must tell
    assert known(Count(IsNull("missing"))) is None


def test_a_repeat_late_in_a_rising_column_is_seen():
    frame = pd.DataFrame({"id": [*range(5_000), 4_999]})
    gate = validate(frame, [{"type": "column_values_to_be_unique", "column": "id"}])
    assert gate.results[0].unexpected_count == 2
