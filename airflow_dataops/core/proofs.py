"""What follows without reading a row from what a source knows of its columns: bounds, null counts, constraints.

Three-valued: a metric is known, or it is not and must be measured. What is not certain is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from math import isnan
from typing import Any

from airflow_dataops.core.metrics import Aggregate, Count, Distinct, Function, Known, Metric, Repeats
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    InSet,
    IsNull,
    Not,
    Or,
    Predicate,
    Scalar,
    Value,
)

# What a predicate can come to for some row: true, false, or unknown (None).
Truths = frozenset[bool | None]

_ANY: Truths = frozenset({True, False, None})
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
# With more digits an engine may round a number before it compares, and come to another answer than exact arithmetic.
_MOST_DIGITS = 18
# A decimal of no more digits is the only such decimal that its nearest float stands for.
_DIGITS_OF_A_FLOAT = 15


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What is certain of all values of one column; each ``None`` is something not known.

    :param low: no value lies below: an int, a ``Decimal``, a ``date`` or a ``datetime``, or a float where NaN has
        been seen to.
    :param high: no value lies above.
    :param exact: ``low`` and ``high`` are values of the column, not only limits.
    :param among: every value is one of these; also of texts, which have no bounds.
    :param nulls: how many rows are null.
    :param all_null: no row has a value.
    :param unique: no value is there twice.
    """

    low: Any = None
    high: Any = None
    exact: bool = True
    among: frozenset[Any] | None = None
    nulls: int | None = None
    all_null: bool = False
    unique: bool = False


# Of a single value: there, and not null.
_EACH = Bounds(nulls=0)

BoundsOf = Callable[[str], Bounds | None]


def truths(predicate: Predicate, bounds_of: BoundsOf) -> Truths:
    """Return what ``predicate`` can come to in any row; what is missing from it is impossible.

    :param bounds_of: what is certain of a column of that name; ``None`` where nothing is.
    """
    match predicate:
        case IsNull(column):
            return _null_truths(bounds_of(column))
        case Not(term):
            return frozenset(None if truth is None else not truth for truth in truths(term, bounds_of))
        case Holds(term):
            return frozenset(truth is True for truth in truths(term, bounds_of))
        case And(terms):
            return _joined((truths(term, bounds_of) for term in terms), neutral=True)
        case Or(terms):
            return _joined((truths(term, bounds_of) for term in terms), neutral=False)
        case Compare(Value(left), operator, right):
            return _comparison(bounds_of(left), operator, right, bounds_of)
        case InSet(column, values):
            return _in_set(bounds_of(column), values)
    return _ANY


def _null_truths(bounds: Bounds | None) -> Truths:
    if bounds is not None and bounds.all_null:
        return frozenset({True})
    return frozenset({False}) if bounds is not None and bounds.nulls == 0 else frozenset({True, False})


def _joined(terms: Iterable[Truths], *, neutral: bool) -> Truths:
    """Return what a conjunction (``neutral`` true) or a disjunction of independent terms can come to."""
    joined: Truths = frozenset({neutral})
    for term in terms:
        joined = frozenset(
            (not neutral) if (not neutral) in pair else (None if None in pair else neutral)
            for pair in product(joined, term)
        )
    return joined


def _comparison(bounds: Bounds | None, operator: str, right: Any, bounds_of: BoundsOf) -> Truths:
    if isinstance(right, Value):
        other = bounds_of(right.column)
        return _compared(bounds, operator, other, None if other is None else (other.low, other.high))
    if isinstance(right, Scalar):
        return _against_value(bounds, operator, right)
    return _ANY


def _against_value(bounds: Bounds | None, operator: str, value: Scalar) -> Truths:
    if bounds is None or bounds.among is None:
        return _compared(bounds, operator, _EACH, (value, value))
    found = (_between_two(one, operator, value) for one in bounds.among)
    return _with_null(frozenset().union(*found), bounds)


def _in_set(bounds: Bounds | None, values: tuple[Scalar, ...]) -> Truths:
    if bounds is None or bounds.among is None:
        return _joined((_against_value(bounds, "=", value) for value in values), neutral=False)
    found = (_joined((_between_two(one, "=", value) for value in values), neutral=False) for one in bounds.among)
    return _with_null(frozenset().union(*found), bounds)


def _between_two(left: Any, operator: str, right: Scalar) -> Truths:
    if isinstance(left, str) and isinstance(right, str) and operator in ("=", "<>"):
        return frozenset({(left == right) is (operator == "=")})  # how texts sort is the engine's affair
    return _compared(replace(_EACH, low=left, high=left), operator, _EACH, (right, right))


def _compared(bounds: Bounds | None, operator: str, other: Bounds | None, limits: tuple[Any, Any] | None) -> Truths:
    """Return what comparing any value of the one with any value of the other can come to."""
    if bounds is None or other is None or limits is None:
        return _ANY
    if bounds.all_null or other.all_null:
        return frozenset({None})
    possible = set()
    below = _less(bounds.low, limits[1])  # none is below if even the lowest is not
    above = _less(limits[0], bounds.high)
    if below is not False:
        possible.add("<")
    if above is not False:
        possible.add(">")
    if _less(bounds.high, limits[0]) is not True and _less(limits[1], bounds.low) is not True:
        possible.add("=")
    wanted = frozenset(operator)  # each sign is a relation
    return _with_null(frozenset(relation in wanted for relation in possible), bounds, other)


def _with_null(found: Truths, *sides: Bounds) -> Truths:
    return found if all(side.nulls == 0 for side in sides) else found | {None}


def _less(left: Any, right: Any) -> bool | None:
    """Whether ``left < right`` on every engine; ``None`` where that is not certain."""
    pair = _alike(left, right)
    return None if pair is None else bool(pair[0] < pair[1])


def _alike(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Return two values so that Python compares them as every engine does; ``None`` if engines may differ."""
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return None
    if isinstance(left, date) or isinstance(right, date):
        return _moments(left, right)
    if isinstance(left, float) and isinstance(right, float):
        return None if isnan(left) or isnan(right) else (left, right)
    first, second = _number(left), _number(right)
    if first is None or second is None:
        return None
    if isinstance(left, float) or isinstance(right, float):
        exact = second if isinstance(left, float) else first
        return (first, second) if len(exact.as_tuple().digits) <= _DIGITS_OF_A_FLOAT else None
    return first, second


def _moments(left: Any, right: Any) -> tuple[datetime, datetime] | None:
    first, second = _moment(left), _moment(right)
    if first is None or second is None or (first.tzinfo is None) != (second.tzinfo is None):
        return None
    texts = [value for value in (left, right) if isinstance(value, str)]
    days = [value for value in (left, right) if isinstance(value, date) and not isinstance(value, datetime)]
    if texts and days and not _ISO_DAY.fullmatch(texts[0]):
        return None  # the engine may cut the text down to a day
    return first, second


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str) and (_ISO_DAY.fullmatch(value) or _ISO_TIME.fullmatch(value)):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return None


def _number(value: Any) -> Decimal | None:
    """Return a number exactly, a float as it is written; ``None`` for one that an engine may round."""
    if not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or len(number.as_tuple().digits) > (19 if isinstance(value, int) else _MOST_DIGITS):
        return None
    return number


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Vouches for what follows from a source's own numbers: a :class:`~airflow_dataops.core.ports.Voucher`.

    :param by: who vouches, in words.
    :param rows: how many rows there are; ``None`` where that is not known.
    :param bounds_of: what is certain of a column, by the name that a suite uses.
    """

    by: str
    rows: int | None
    bounds_of: BoundsOf

    def known(self, metric: Metric) -> Known | None:
        """Return the metric's value if it follows; ``None``, unknown, if not."""
        match metric:
            case Count(where):
                return self._count(where)
            case Aggregate(Function.MIN | Function.MAX, column, where) if where in (None, Not(IsNull(column))):
                return self._extreme(column, lowest=metric.function is Function.MIN)
            case Distinct(columns, where) if where is not None and self._unique(columns, where):
                return Known(by=self.by, same_as=Count(where))
            case Repeats(columns, where) if where is not None and self._unique(columns, where):
                return Known(by=self.by, value=0)
        return None

    def _count(self, where: Predicate | None) -> Known | None:
        if where is None:
            return self._number_of_rows(self.rows)
        found = truths(where, self.bounds_of)
        if True not in found or self.rows == 0:
            return Known(by=self.by, value=0)
        if found == {True}:
            return Known(by=self.by, same_as=Count())
        match where:
            case IsNull(column):
                bounds = self.bounds_of(column)
                return self._number_of_rows(None if bounds is None else bounds.nulls)
            case Not(IsNull(column)):
                bounds = self.bounds_of(column)
                if bounds is not None and bounds.nulls is not None and self.rows is not None:
                    return self._number_of_rows(self.rows - bounds.nulls)
        return None

    def _number_of_rows(self, number: int | None) -> Known | None:
        return None if number is None else Known(by=self.by, value=number)

    def _extreme(self, column: str, *, lowest: bool) -> Known | None:
        bounds = self.bounds_of(column)
        if bounds is None:
            return None
        if bounds.all_null:
            return Known(by=self.by, value=None)
        value = bounds.low if lowest else bounds.high
        return Known(by=self.by, value=value) if bounds.exact and value is not None else None

    def _unique(self, columns: tuple[str, ...], where: Predicate) -> bool:
        """Whether no two rows that meet ``where`` are alike: one of the columns is unique, and null in none of them."""
        terms = where.terms if isinstance(where, And) else (where,)
        return any(
            bounds is not None and bounds.unique and (bounds.nulls == 0 or Not(IsNull(column)) in terms)
            for column, bounds in ((column, self.bounds_of(column)) for column in columns)
        )
