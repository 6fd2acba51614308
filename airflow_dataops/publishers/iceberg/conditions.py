"""SQL conditions as PyIceberg's row filters, where both mean the same for every row."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any


def row_filter(where: str, schema: Any) -> Any | None:
    """Return the filter of the rows for which the condition is true; ``None`` if it is more than filters can say.

    Comparisons of a column with literals of its own type, ``IN``, ``BETWEEN``, ``IS NULL``, ``AND`` and ``OR``. Not of
    floats: NaN is the largest to DuckDB, and not comparable to Iceberg.
    """
    from sqlglot import errors, parse_one

    try:
        return _of(parse_one(where, read="duckdb"), {field.name.casefold(): field for field in schema.fields})
    except (errors.SqlglotError, ValueError, _Beyond):  # such as of a date that there is not
        return None


class _Beyond(Exception):
    """A part of the condition has no filter."""


def _of(node: Any, fields: dict[str, Any]) -> Any:
    from pyiceberg import expressions as filters
    from sqlglot import exp

    comparisons = {
        exp.EQ: (filters.EqualTo, filters.EqualTo),
        exp.LT: (filters.LessThan, filters.GreaterThan),
        exp.LTE: (filters.LessThanOrEqual, filters.GreaterThanOrEqual),
        exp.GT: (filters.GreaterThan, filters.LessThan),
        exp.GTE: (filters.GreaterThanOrEqual, filters.LessThanOrEqual),
    }
    match node:
        case exp.Paren():
            return _of(node.this, fields)
        case exp.And():
            return filters.And(_of(node.left, fields), _of(node.right, fields))
        case exp.Or():
            return filters.Or(_of(node.left, fields), _of(node.right, fields))
        case exp.Is() if isinstance(node.expression, exp.Null):
            return filters.IsNull(_field(node.this, fields).name)
        case exp.Between() if not node.args.get("symmetric"):
            field = _field(node.this, fields)
            low, high = (_value(node.args[side], field) for side in ("low", "high"))
            return filters.And(filters.GreaterThanOrEqual(field.name, low), filters.LessThanOrEqual(field.name, high))
        case exp.In() if node.expressions and not node.args.get("query"):
            field = _field(node.this, fields)
            return reduce(operator.or_, [filters.EqualTo(field.name, _value(one, field)) for one in node.expressions])
        case exp.Binary() if type(node) in comparisons:
            forward, backward = comparisons[type(node)]
            if isinstance(node.left, exp.Column):
                field = _field(node.left, fields)
                return forward(field.name, _value(node.right, field))
            field = _field(node.right, fields)
            return backward(field.name, _value(node.left, field))
    raise _Beyond


def _field(node: Any, fields: dict[str, Any]) -> Any:
    from sqlglot import exp

    field = fields.get(node.name.casefold()) if isinstance(node, exp.Column) and not node.table else None
    if field is None or "." in field.name:  # of which a filter would take the half for a struct
        raise _Beyond
    return field


def _value(node: Any, field: Any) -> Any:
    """Return a literal of the column's own type."""
    from pyiceberg import types
    from pyiceberg.expressions import literals
    from sqlglot import exp

    negative = isinstance(node, exp.Neg)
    literal = node.this if negative else node
    of_date = isinstance(literal, exp.Cast) and literal.is_type("date")
    literal = literal.this if of_date else literal
    if not isinstance(literal, exp.Literal):
        raise _Beyond
    kind = field.field_type
    if isinstance(kind, types.DateType) and literal.is_string and len(literal.this) == len("2013-01-01"):
        return literals.literal(literal.this).to(kind)
    if isinstance(kind, types.StringType) and literal.is_string and not of_date:
        return literal.this
    if isinstance(kind, types.IntegerType | types.LongType) and literal.is_int and not of_date:
        number = -int(literal.this) if negative else int(literal.this)
        if abs(number) < 2 ** (31 if isinstance(kind, types.IntegerType) else 63):
            return number
    raise _Beyond
