"""What a voucher claims against what a scan of the same data measures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Aggregate, Count, Distinct, Function, Metric, Repeats, Schema
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.predicates import And, Compare, InSet, IsNull, Kind, Not, Or, Value
from airflow_dataops.engines.embedded import Opened
from airflow_dataops.engines.sql.measuring import measure
from airflow_dataops.engines.sql.sources import schema_of, source_of

NOW = Occasion(now=dt.datetime(2013, 1, 1, tzinfo=dt.UTC))
NUMBERS = (-1, 0, 1, 127, 0.5, 1.5, -7.5, Decimal("1.00"))
TIMES = ("2013-01-01", dt.date(2014, 2, 28), dt.datetime(2013, 1, 1))


def metrics_of(schema: Schema, name: str) -> Iterator[Metric]:
    """Yield all that a voucher could know of a column."""
    there = Not(IsNull(name))
    yield from (Count(), Count(IsNull(name)), Count(Not(IsNull(name.upper()))), Distinct((name,), there))
    yield from (Repeats((name,), there), Repeats((name, "id"), there))
    type_, kind = schema.type_of(name), schema.kinds[name]
    if kind is not Kind.NUMBER and not type_.startswith(("DATE", "TIMESTAMP")):
        return
    yield from (Aggregate(Function.MIN, name), Aggregate(Function.MAX, name, there))
    for scalar in NUMBERS if kind is Kind.NUMBER else () if "ZONE" in type_ else TIMES:
        for sign in ("<", "<=", "=", "<>", ">", ">="):
            yield Count(Compare(Value(name), sign, scalar))
            yield Count(Not(Compare(Value(name), sign, scalar)))
        outside = Or((Compare(Value(name), "<", scalar), Compare(Value(name), ">", scalar)))
        yield Count(And((there, outside)))
    if kind is Kind.NUMBER:
        yield from (Count(InSet(name, (0, 1))), Count(Not(InSet(name, (0, 1, 127)))))


def assert_claims_are_true(opened: Opened) -> int:
    """Compare each metric that is known of column ``c`` with a scan; return how many there were."""
    source = source_of("duckdb", query=opened.query)
    (voucher,) = opened.vouchers
    known = {}
    for metric in metrics_of(schema_of(opened.db, source), "c"):
        found = voucher.known(metric)
        if found is not None:
            known[metric] = found
    others = [found.same_as for found in known.values() if found.same_as is not None]
    values = measure(opened.db, source, lambda _: [Count(), *known, *others], lambda _: (), NOW).facts.values
    for metric, found in known.items():
        if isinstance(values[metric], MeasureError):  # DuckDB refuses some comparisons outright
            continue
        assert (found.value if found.same_as is None else values[found.same_as]) == values[metric], metric
    return len(known)
