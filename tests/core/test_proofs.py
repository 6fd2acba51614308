"""Proofs: what bounds rule out is impossible in every row, and nothing that can happen is ruled out."""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.metrics import Aggregate, Count, Distinct, Function, Known, Repeats
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    InSet,
    IsNull,
    Length,
    Matches,
    Not,
    Or,
    Value,
)
from airflow_dataops.core.proofs import Bounds, Statistics, truths

FEW = {
    "n": Bounds(low=1, high=6, nulls=0),
    "maybe": Bounds(low=1, high=6),
    "price": Bounds(low=Decimal("0.10"), high=Decimal("99.90"), nulls=2),
    "ratio": Bounds(low=0.25, high=0.75, nulls=0),
    "day": Bounds(low=date(2013, 1, 1), high=date(2013, 1, 31), nulls=0),
    "at": Bounds(low=datetime(2013, 1, 1), high=datetime(2013, 1, 2), nulls=0),
    "zoned": Bounds(low=datetime(2013, 1, 1, tzinfo=UTC), high=datetime(2013, 1, 2, tzinfo=UTC), nulls=0),
    "region": Bounds(among=frozenset({"eu", "us"}), nulls=0),
    "year": Bounds(low=2013, high=2014, among=frozenset({2013, 2014}), nulls=0),
    "huge": Bounds(low=0, high=2**62, nulls=0),
    "none": Bounds(all_null=True),
    "key": Bounds(nulls=0, unique=True),
    "code": Bounds(unique=True),
    "open": Bounds(nulls=0),
}
T, F, U = True, False, None


def outside(column, low, high):
    return Or((Compare(Value(column), "<", low), Compare(Value(column), ">", high)))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (IsNull("n"), {F}),
        (IsNull("maybe"), {T, F}),
        (IsNull("none"), {T}),
        (IsNull("nobody"), {T, F}),
        (outside("n", 1, 6), {F}),
        (outside("n", 1, 5), {T, F}),
        (outside("n", 7, 9), {T}),
        (Or((Compare(Value("n"), "<", 4), Compare(Value("n"), ">", 3))), {T, F}),  # the two are looked at apart
        (outside("maybe", 0, 10), {F, U}),
        (Not(outside("maybe", 0, 10)), {T, U}),
        (Holds(outside("maybe", 0, 10)), {F}),
        (Not(Holds(Compare(Value("n"), ">=", 1))), {F}),
        (Compare(Value("n"), ">", 0), {T}),
        (Compare(Value("n"), "=", 7), {F}),
        (Compare(Value("n"), "<>", 7), {T}),
        (Compare(Value("n"), "=", 3.5), {T, F}),  # within the bounds, which is all that is looked at
        (Compare(Value("n"), "<", 0.5), {F}),
        (Compare(Value("n"), "<", "1"), {T, F}),  # a number against a text: the engine's affair
        (Compare(Value("n"), "<", True), {T, F}),
        (Compare(Value("price"), "<", 0.1), {F, U}),  # 0.1 as it is written, not the float below or above
        (Compare(Value("price"), ">", Decimal("99.9")), {F, U}),
        (Compare(Value("ratio"), ">", 1), {F}),
        (Compare(Value("ratio"), "<", Decimal("0.25")), {F}),
        (Compare(Value("ratio"), "<", Decimal("0.2500000000000000001")), {T, F}),  # rounds to 0.25
        (Compare(Value("ratio"), ">", float("nan")), {T, F}),
        (Compare(Value("huge"), "<", 0), {F}),
        (Compare(Value("huge"), ">", 4.7e18), {T, F}),  # engines compare these as floats
        (Compare(Value("n"), "<", Value("huge")), {T, F}),
        (Compare(Value("day"), "<", "2013-01-01"), {F}),
        (Compare(Value("day"), "<", date(2013, 1, 1)), {F}),
        (Compare(Value("day"), ">", datetime(2013, 1, 31)), {F}),
        (Compare(Value("day"), "<", "2013-01-01 12:00"), {T, F}),
        (Compare(Value("day"), "<", "yesterday"), {T, F}),
        (Compare(Value("day"), "<", "2013-13-01"), {T, F}),
        (Compare(Value("at"), "<", "2013-01-01T00:00:00"), {F}),
        (Compare(Value("at"), ">", date(2013, 1, 2)), {F}),
        (Compare(Value("zoned"), "<", datetime(2013, 1, 1, tzinfo=UTC)), {F}),
        (Compare(Value("zoned"), "<", datetime(2012, 1, 1)), {T, F}),  # in the session's zone, which nobody knows here
        (Compare(Value("zoned"), "<", Value("at")), {T, F}),
        (Compare(Value("day"), ">", Value("at")), {T, F}),
        (Compare(Value("none"), "=", 1), {U}),
        (Compare(Value("n"), "<", Value("none")), {U}),
        (Compare(Value("n"), "<", Value("nobody")), {T, F, U}),
        (Compare(Value("open"), "<", 3), {T, F}),
        (Compare(Length("n"), "<", 1), {T, F, U}),
        (InSet("n", (7, 8)), {F}),
        (InSet("n", (5, 8)), {T, F}),
        (Not(InSet("region", ("eu", "us", "asia"))), {F}),
        (InSet("region", ("eu",)), {T, F}),
        (InSet("year", (2013, 2014.0)), {T}),
        (Not(InSet("year", (2013, 2015))), {T, F}),
        (InSet("year", ("2013",)), {T, F}),
        (Compare(Value("year"), "<", 2013), {F}),
        (InSet("region", ("asia",)), {F}),
        (Compare(Value("region"), "<>", "asia"), {T}),
        (Compare(Value("region"), "<", "zz"), {T, F}),
        (Matches("n", "x"), {T, F, U}),
        (And((Not(IsNull("n")), Compare(Value("n"), ">", 6))), {F}),
        (And((IsNull("nobody"), Compare(Value("n"), ">", 0))), {T, F}),
        (Or((IsNull("n"), IsNull("nobody"))), {T, F}),
        (Or((Not(IsNull("n")), IsNull("nobody"))), {T}),
    ],
)
def test_what_a_condition_can_come_to(predicate, expected):
    assert truths(predicate, FEW.get) == expected


STATISTICS = Statistics(by="footers", rows=10, bounds_of=FEW.get)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Count(), 10),
        (Count(IsNull("price")), 2),
        (Count(Not(IsNull("price"))), 8),
        (Count(IsNull("n")), 0),
        (Count(Not(IsNull("none"))), 0),
        (Count(And((Not(IsNull("maybe")), outside("maybe", 0, 10)))), 0),
        (Aggregate(Function.MIN, "price"), Decimal("0.10")),
        (Aggregate(Function.MAX, "day"), date(2013, 1, 31)),
        (Aggregate(Function.MAX, "day", Not(IsNull("day"))), date(2013, 1, 31)),
        (Aggregate(Function.MAX, "none"), None),
        (Repeats(("code",), Not(IsNull("code"))), 0),
    ],
)
def test_known_values(metric, value):
    assert STATISTICS.known(metric) == Known(by="footers", value=value)


@pytest.mark.parametrize(
    ("metric", "other"),
    [
        (Count(Not(IsNull("n"))), Count()),
        (Count(IsNull("none")), Count()),
        (Count(Compare(Value("n"), ">", 0)), Count()),
        (Distinct(("code",), Not(IsNull("code"))), Count(Not(IsNull("code")))),
        (Distinct(("n", "key"), Not(IsNull("n"))), Count(Not(IsNull("n")))),
    ],
)
def test_values_known_to_be_those_of_another_metric(metric, other):
    assert STATISTICS.known(metric) == Known(by="footers", same_as=other)


@pytest.mark.parametrize(
    "metric",
    [
        Count(IsNull("maybe")),
        Count(Not(IsNull("nobody"))),
        Count(outside("n", 1, 5)),
        Count(Compare(Value("maybe"), ">", 0)),  # true, or unknown where it is null
        Aggregate(Function.MEAN, "n"),
        Aggregate(Function.MIN, "n", IsNull("price")),
        Aggregate(Function.MIN, "nobody"),
        Aggregate(Function.MIN, "open"),
        Distinct(("n",), Not(IsNull("n"))),
        Distinct(("code", "n"), Not(IsNull("n"))),  # code may be null in several rows
        Distinct(("key",)),
    ],
)
def test_what_does_not_follow_is_unknown(metric):
    assert STATISTICS.known(metric) is None


def test_limits_that_no_value_need_have_are_no_minimum():
    cut = Statistics(by="x", rows=10, bounds_of={"n": Bounds(low=1, high=6, exact=False, nulls=0)}.get)
    assert cut.known(Aggregate(Function.MIN, "n")) is None
    assert cut.known(Count(Compare(Value("n"), "<", 1))).value == 0


def test_without_rows_every_count_is_nothing():
    empty = Statistics(by="x", rows=0, bounds_of={}.get)
    assert empty.known(Count(Matches("n", "x"))) == Known(by="x", value=0)
    assert empty.known(Count()) == Known(by="x", value=0)


def test_unknown_rows_leave_relative_knowledge():
    catalogue = Statistics(by="NOT NULL", rows=None, bounds_of={"n": Bounds(nulls=0), "p": Bounds(nulls=3)}.get)
    assert catalogue.known(Count()) is None
    assert catalogue.known(Count(Not(IsNull("n")))) == Known(by="NOT NULL", same_as=Count())
    assert catalogue.known(Count(Not(IsNull("p")))) is None


# Rows made at random, and predicates over them: whatever a row comes to must have been possible.

_OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_VALUES = st.integers(-3, 3)
_ROWS = st.lists(st.fixed_dictionaries({name: st.none() | _VALUES for name in "ab"}), max_size=6)
_NAMES = st.sampled_from("ab")
_LEAVES = (
    st.builds(IsNull, _NAMES)
    | st.builds(Compare, st.builds(Value, _NAMES), st.sampled_from(sorted(_OPERATORS)), _VALUES)
    | st.builds(Compare, st.builds(Value, _NAMES), st.sampled_from(sorted(_OPERATORS)), st.builds(Value, _NAMES))
    | st.builds(InSet, _NAMES, st.lists(_VALUES, min_size=1, max_size=3).map(tuple))
)
_PREDICATES = st.recursive(
    _LEAVES,
    lambda terms: (
        st.builds(Not, terms)
        | st.builds(Holds, terms)
        | st.builds(And, st.lists(terms, min_size=1, max_size=3).map(tuple))
        | st.builds(Or, st.lists(terms, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def bounds_in(rows, name):
    values = [row[name] for row in rows if row[name] is not None]
    return Bounds(
        low=min(values, default=None),
        high=max(values, default=None),
        nulls=len(rows) - len(values),
        among=frozenset(values) if name == "b" else None,
        all_null=not values,
        unique=len(set(values)) == len(values),
    )


def truth(predicate, row):
    match predicate:
        case IsNull(column):
            return row[column] is None
        case Compare(Value(column), sign, right):
            other = row[right.column] if isinstance(right, Value) else right
            return None if row[column] is None or other is None else _OPERATORS[sign](row[column], other)
        case InSet(column, values):
            return None if row[column] is None else row[column] in values
        case Not(term):
            return {True: False, False: True, None: None}[truth(term, row)]
        case Holds(term):
            return truth(term, row) is True
        case And(terms) | Or(terms):
            decides = isinstance(predicate, Or)
            found = [truth(term, row) for term in terms]
            return decides if decides in found else None if None in found else not decides


@given(_ROWS, _PREDICATES)
def test_nothing_that_happens_is_ruled_out(rows, predicate):
    bounds = {name: bounds_in(rows, name) for name in "ab"}
    found = {truth(predicate, row) for row in rows}
    assert found <= truths(predicate, bounds.get)
    known = Statistics(by="x", rows=len(rows), bounds_of=bounds.get).known(Count(predicate))
    if known is not None:
        count = sum(truth(predicate, row) is True for row in rows)
        assert count == (len(rows) if known.same_as else known.value)
