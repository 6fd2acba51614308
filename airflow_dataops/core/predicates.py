"""Conditions on one row, as a small tree that every engine can compile.

The meaning is SQL's, whatever the engine: a comparison with null does not hold, and neither does its opposite;
``Holds`` makes that two-valued. A float column's NaN is null. Nodes are positional, as operators are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

Scalar = bool | int | float | Decimal | str | date | datetime


class Kind(StrEnum):
    """What a column holds, as far as a check can care."""

    NUMBER = "number"
    TEXT = "text"
    TIME = "time"
    BOOLEAN = "boolean"
    OTHER = "other"
    NOTHING = "nothing"  # no value at all, and no type: it can be asked whatever any column can


@dataclass(frozen=True)
class Value:
    """The value of a column."""

    column: str


@dataclass(frozen=True)
class Length:
    """The number of characters of a text column's value."""

    column: str


@dataclass(frozen=True)
class Total:
    """The sum of several columns of the row; null if one of them is."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class ZScore:
    """How many standard deviations the column's value lies above the mean: both were measured before."""

    column: str
    mean: float
    deviation: float


Operand = Value | Length | Total | ZScore


@dataclass(frozen=True)
class IsNull:
    """The column is null, or NaN in a float column."""

    column: str


@dataclass(frozen=True)
class Compare:
    """``left operator right``, with ``operator`` one of ``= <> < <= > >=``."""

    left: Operand
    operator: str
    right: Operand | Scalar


@dataclass(frozen=True)
class InSet:
    """The column's value is one of ``values``."""

    column: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Matches:
    """The pattern, in Python's syntax, is found somewhere in the column's text."""

    column: str
    pattern: str


@dataclass(frozen=True)
class Like:
    """The column's whole text is of a LIKE pattern, case by case everywhere.

    In ``pattern`` stands ``%`` for any text, ``_`` for any character, ``!%``, ``!_`` and ``!!`` for what follows the
    ``!``, and everything else, a backslash too, for itself, whatever the engine's own habit is.
    """

    column: str
    pattern: str


@dataclass(frozen=True)
class Sql:
    """A condition that the user wrote, in the database's own SQL."""

    text: str


@dataclass(frozen=True)
class OfKind:
    """This value is of one of ``kinds``: asked only where each value has a type of its own (SQLite)."""

    column: str
    kinds: frozenset[Kind]


@dataclass(frozen=True)
class Repeated:
    """Not a predicate of one row: another row that meets ``where`` has the same ``columns``; null equals null."""

    columns: tuple[str, ...]
    where: Predicate | None = None


@dataclass(frozen=True)
class Not:
    """The opposite of ``term``; of an unknown one, unknown."""

    term: Predicate


@dataclass(frozen=True)
class Holds:
    """``term`` is true; what is unknown does not hold."""

    term: Predicate


@dataclass(frozen=True)
class And:
    """All ``terms`` hold."""

    terms: tuple[Predicate, ...]


@dataclass(frozen=True)
class Or:
    """One of ``terms`` holds."""

    terms: tuple[Predicate, ...]


Leaf = IsNull | Compare | InSet | Matches | Like | Sql | OfKind
Predicate = Leaf | Not | Holds | And | Or


def both(*terms: Predicate | None) -> Predicate | None:
    """Return the conjunction of those terms that are there; ``None``, every row, if none is."""
    there = tuple(term for term in terms if term is not None)
    if len(there) < 2:
        return there[0] if there else None
    return And(there)


def columns_of(part: Leaf | Operand) -> tuple[str, ...]:
    """Return the columns that a condition or an operand reads, as far as it names them."""
    match part:
        case Compare(left, _, right):
            return columns_of(left) + (columns_of(right) if isinstance(right, Operand) else ())
        case Total(columns):
            return columns
        case Sql():
            return ()
        case _:
            return (part.column,)


def leaves(predicate: Predicate | None) -> Iterator[Leaf]:
    """Yield the conditions that ``predicate`` is made of, in order."""
    match predicate:
        case None:
            return
        case And(terms) | Or(terms):
            for term in terms:
                yield from leaves(term)
        case Not(term) | Holds(term):
            yield from leaves(term)
        case _:
            yield predicate
