"""What a CHECK constraint says of single columns: comparisons with constants and IN, joined by AND; no more.

A CHECK lets null through, so it speaks of values only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from airflow_dataops.core.metrics import Schema
from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.proofs import Bounds
from airflow_dataops.engines.sql.kinds import is_float

# A comparison's word, and the word with its sides swapped.
_WORDS: dict[type[exp.Expression], tuple[str, str]] = {
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.EQ: ("=", "="),
}
_PLAIN_TEXTS = ("text", "varchar", "character varying")
_DECIMAL = exp.DataType.Type.DECIMAL
_NUMBERS = (_DECIMAL, exp.DataType.Type.SMALLINT, exp.DataType.Type.INT, exp.DataType.Type.BIGINT)
_TEXTS = (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR)
_TIMES = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP)
_PLAIN_TIMES = ("date", "timestamp", "timestamp without time zone")


def bounds_in(checks: Iterable[str], dialect: str, schema: Schema) -> dict[str, Bounds]:
    """Return what the conditions, all of which hold, say of each column's values, by its name as stored."""
    found: dict[str, Bounds] = {}
    for check in checks:
        try:
            tree = parse_one(check, dialect=dialect)
        except SqlglotError:
            continue
        for term in _terms(tree):
            for column, bounds in _said(term, schema):
                found[column] = _both(found[column], bounds) if column in found else bounds
    return found


def _terms(tree: exp.Expression) -> Iterator[exp.Expression]:
    tree = tree.unnest()
    if isinstance(tree, exp.And):
        yield from _terms(tree.left)
        yield from _terms(tree.right)
    elif isinstance(tree, exp.Between):
        yield exp.GTE(this=tree.this, expression=tree.args["low"])
        yield exp.LTE(this=tree.this, expression=tree.args["high"])
    else:
        yield tree


def _said(term: exp.Expression, schema: Schema) -> Iterator[tuple[str, Bounds]]:
    """Yield what one term says: nothing, or of one column."""
    words = _WORDS.get(type(term))
    listed = _listed(term)
    if listed is not None:
        column = _column(term.this, schema)
        values = [_constant(value, column, schema) for value in listed] if column else []
        if column and values and all(isinstance(value, str) for value in values):
            yield column, Bounds(exact=False, among=frozenset(values))
        elif column and values and None not in values and not any(isinstance(value, str) for value in values):
            yield column, Bounds(exact=False, low=min(values), high=max(values))
        return
    if words is None:
        return
    for this, other, word in ((term.left, term.right, words[0]), (term.right, term.left, words[1])):
        column = _column(this, schema)
        value = _constant(other, column, schema) if column else None
        if column and value is not None:
            yield from _compared(column, word, value, schema)
            return


def _compared(column: str, word: str, value: Any, schema: Schema) -> Iterator[tuple[str, Bounds]]:
    if isinstance(value, str):
        if word == "=":
            yield column, Bounds(exact=False, among=frozenset({value}))
        return  # how texts sort is a collation's affair
    low = value if word in (">", ">=", "=") else None
    high = value if word in ("<", "<=", "=") else None
    if _is_integer(schema.type_of(column)) and isinstance(value, int):
        low, high = (value + 1 if word == ">" else low), (value - 1 if word == "<" else high)
    yield column, Bounds(exact=False, low=low, high=high)


def _listed(term: exp.Expression) -> list[exp.Expression] | None:
    """Return the values of ``IN (…)``, or of PostgreSQL's ``= ANY (ARRAY[…])``; ``None`` if the term is neither."""
    if isinstance(term, exp.In) and not term.args.get("query"):
        return list(term.expressions)
    if isinstance(term, exp.EQ) and isinstance(term.right, exp.Any):
        array = term.right.this.unnest()
        while isinstance(array, exp.Cast):
            array = array.this.unnest()
        return list(array.expressions) if isinstance(array, exp.Array) else None
    return None


def _column(part: exp.Expression, schema: Schema) -> str | None:
    """Return the column, as stored, that the part is; a cast of it is another value, but for text as text."""
    part = part.unnest()
    cast = isinstance(part, exp.Cast)
    if isinstance(part, exp.Cast):
        if part.to.this not in (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR) or part.to.expressions:
            return None
        part = part.this.unnest()
    if not isinstance(part, exp.Column) or part.table or part.name not in schema.names:
        return None
    return None if cast and _bare(schema.type_of(part.name)) not in _PLAIN_TEXTS else part.name


def _constant(part: exp.Expression, column: str | None, schema: Schema) -> Any:
    """Return a literal as a value of the column's kind; ``None`` if it is not one for certain."""
    part, casts, negative = _unwrapped(part)
    if column is None or not isinstance(part, exp.Literal):
        return None
    type_name, text = schema.type_of(column), str(part.this)
    kind = schema.kinds[column]
    try:
        if kind is Kind.NUMBER and not is_float(type_name):
            number = -Decimal(text) if negative else Decimal(text)
            whole = number == number.to_integral_value()
            if not all(cast.this in _NUMBERS and (whole or cast.this is _DECIMAL) for cast in casts):
                return None
            return int(number) if whole else None if any(cast.expressions for cast in casts) else number
        if any(cast.expressions for cast in casts) or not part.is_string or negative:
            return None  # what is cut or rounded is another value
        if kind is Kind.TEXT and _bare(type_name) in _PLAIN_TEXTS and all(cast.this in _TEXTS for cast in casts):
            return text
        if kind is Kind.TIME and _bare(type_name) in _PLAIN_TIMES and all(cast.this in _TIMES for cast in casts):
            is_day = len(text) == 10
            if any(cast.this is _TIMES[0] for cast in casts) and not is_day:
                return None
            return date.fromisoformat(text) if _bare(type_name) == "date" else datetime.fromisoformat(text)
    except (ValueError, InvalidOperation, OverflowError):
        return None
    return None


def _unwrapped(part: exp.Expression) -> tuple[exp.Expression, list[exp.DataType], bool]:
    """Return what stands inside parentheses, signs and casts, these casts, and whether the sign is minus."""
    casts: list[exp.DataType] = []
    negative = False
    part = part.unnest()
    while isinstance(part, exp.Cast | exp.Neg):
        if isinstance(part, exp.Cast):
            casts.append(part.to)
        negative ^= isinstance(part, exp.Neg)
        part = part.this.unnest()
    return part, casts, negative


def _both(one: Bounds, other: Bounds) -> Bounds:
    """Return what holds where both hold."""
    lows = [bounds.low for bounds in (one, other) if bounds.low is not None]
    highs = [bounds.high for bounds in (one, other) if bounds.high is not None]
    sets = [bounds.among for bounds in (one, other) if bounds.among is not None]
    return replace(
        one,
        low=max(lows, default=None),
        high=min(highs, default=None),
        among=frozenset.intersection(*sets) if sets else None,
    )


def _bare(type_name: str) -> str:
    return type_name.lower().partition("(")[0].strip()


def _is_integer(type_name: str) -> bool:
    return _bare(type_name) in ("smallint", "integer", "bigint", "tinyint", "hugeint")
