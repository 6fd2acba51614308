"""Which columns of two relations can be compared, and in what form equality means: it is the same value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlglot import exp

from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.relations import Column
from airflow_dataops.engines.sql.dialects import Rules

# Types without an equality of values: none at all, or one of texts (json), areas (box) or of nothing but the length.
_UNEQUAL = {
    "duckdb": frozenset({"json"}),
    "mysql": frozenset({"json", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"})
    | {"multipolygon", "geometrycollection"},
    "postgres": frozenset({"json", "xml", "point", "box", "circle", "path", "polygon", "lseg", "line"}),
    "sqlite": frozenset[str](),  # values are of numbers, texts and bytes, whatever a column is declared as
}
# PostgreSQL's other types whose own equality is that of the value; all the rest are compared as the text they make.
_EQUAL = frozenset({"bytea", "jsonb", "uuid"})
_DATES = frozenset({"date", "datetime", "timestamp", "timestamp without time zone"})
_SIZE = re.compile(r"\s*\([^)]*\)")


def supported(dialect: str) -> bool:
    """Whether two relations of that database can be compared."""
    return dialect in _UNEQUAL


def incomparable(rules: Rules, before: str, after: str) -> str:
    """Return why values of two types cannot be compared; empty if they can.

    :param before: a type in the database's own words.
    """
    for words in (before, after):
        if _base(words).rstrip("[]") in _UNEQUAL[rules.name]:
            return f"{words} has no equality"
    if not rules.typed or _base(before) == _base(after):
        return ""
    one, other = rules.kind_of(before), rules.kind_of(after)
    if one is other and one in (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN):
        return ""
    if one is other is Kind.TIME and {_base(before), _base(after)} <= _DATES:
        return ""
    return f"{before} cannot be compared with {after}"


def _base(type_name: str) -> str:
    return " ".join(_SIZE.sub("", type_name.casefold()).split())


@dataclass(frozen=True, kw_only=True)
class Comparand:
    """A column as it is compared.

    :param live: its value on the live side, as SQL over that relation's columns.
    :param candidate: the same on the candidate's side.
    :param type: of the candidate's column.
    """

    column: str
    live: str
    candidate: str
    type: str


def comparand(rules: Rules, before: Column, after: Column) -> Comparand:
    """Return the column in the form in which nothing but the same value is equal."""
    return Comparand(column=after.name, live=_exact(rules, before), candidate=_exact(rules, after), type=after.type)


def _exact(rules: Rules, column: Column) -> str:
    value: exp.Expression = exp.column(exp.to_identifier(column.name, quoted=True))
    if rules.name != "postgres":
        return rules.sql(rules.exact(value, column.type))
    kind = rules.kind_of(column.type)
    if kind is Kind.OTHER and _base(column.type) not in _EQUAL:
        value = exp.cast(value, "text")  # citext, enums, ranges, arrays: what a reader sees of them
    if kind is Kind.TEXT or isinstance(value, exp.Cast):
        # Bytes, whatever the column's collation takes for the same.
        value = exp.Collate(this=value, expression=exp.to_identifier("C", quoted=True))
    return rules.sql(value)


def select_groups(rules: Rules, key: Iterable[Comparand]) -> str:
    """Return how a SELECT begins that groups by a key.

    MySQL sorts by a text's first 1,024 bytes only (``max_sort_length``); in a table of groups it compares all of them.
    """
    sorts = all(rules.kind_of(part.type) in (Kind.NUMBER, Kind.TIME) for part in key)
    return rules.select_groups if sorts else "SELECT"
