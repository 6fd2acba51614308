"""Where our own engines may differ from each other on the same data: what the source itself does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_dataops.core.results import CheckResult
from tests.agreement.asked import Asked
from tests.agreement.comparing import refused
from tests.agreement.tables import NUMBERS, TIMES, Table, Type

# The engine with the exact types of each column: the others are compared with it.
REFERENCE = "duckdb"


@dataclass(frozen=True)
class Pair:
    """A check's results on the reference and on another engine."""

    table: Table
    asked: Asked
    engine: str
    reference: CheckResult
    result: CheckResult


@dataclass(frozen=True)
class Apart:
    """A difference that the source makes.

    :param title: what differs, as the documentation lists it.
    :param reason: why nothing can be done about it.
    """

    title: str
    reason: str
    applies: Callable[[Pair], bool]


def _untyped(pair: Pair) -> bool:
    return pair.engine == "sqlite" and refused(pair.reference)


def _types(pair: Pair) -> bool:
    return "type_" in pair.asked.kwargs or "type_list" in pair.asked.kwargs


def _overflow(pair: Pair) -> bool:
    return pair.engine == "sqlite" and "integer overflow" in pair.result.message


def _times_as_text(pair: Pair) -> bool:
    types = {column.type for column in pair.table.columns if column.name in pair.asked.columns}
    return pair.engine == "sqlite" and len(types & {*TIMES, Type.TEXT}) > 1


def _truth_as_number(pair: Pair) -> bool:
    types = {column.type for column in pair.table.columns if column.name in pair.asked.columns}
    compared = refused(pair.reference) or bool(types & set(NUMBERS))
    return pair.engine in ("sqlite", "mysql") and Type.BOOLEAN in types and compared


def _valueless(pair: Pair) -> bool:
    objects = (Type.DECIMAL, Type.DATE, Type.TEXT, Type.BOOLEAN)
    empty = any(
        column.type in objects and not column.there for column in pair.table.columns if column.name in pair.asked.named
    )
    return pair.engine == "pandas" and refused(pair.reference) and empty


APART: dict[str, Apart] = {
    "untyped": Apart(
        "On SQLite a check of the wrong type fails by its values, not by the column's type.",
        "SQLite's columns have no types: a column without a value can be asked anything, a boolean is a number, and a "
        "time is text.",
        _untyped,
    ),
    "times as text": Apart(
        "On SQLite columns of dates, of times and of texts are compared as texts.",
        "SQLite has no types for times; with a date or a time of the suite they are compared as what they are.",
        _times_as_text,
    ),
    "truth as number": Apart(
        "On SQLite and MySQL truth is a number, 1 or 0.",
        "They have no type for it.",
        _truth_as_number,
    ),
    "overflow": Apart(
        "On SQLite a sum of whole numbers beyond 2**63 is an ERROR.",
        "SQLite refuses to add further.",
        _overflow,
    ),
    "types": Apart(
        "A column's type is the one that the engine has for it.",
        "The same values are `INTEGER` in one and `BIGINT` in another.",
        _types,
    ),
    "valueless": Apart(
        "A pandas object column without a value can be asked anything.",
        "Nothing says what it would hold.",
        _valueless,
    ),
}
