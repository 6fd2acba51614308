"""What can be measured: small values that say it, so that equal metrics are measured once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.predicates import Kind, Predicate, Scalar
from airflow_dataops.core.relations import Column, Relation


class Function(StrEnum):
    """An aggregate over a column's values that are not null."""

    MIN = "min"
    MAX = "max"
    MEAN = "mean"
    SUM = "sum"
    MEDIAN = "median"  # interpolated between the two in the middle, as pandas has it
    STDEV = "standard deviation"  # of a sample: n - 1; null of fewer than two values


@dataclass(frozen=True)
class Count:
    """How many rows meet ``where``; all rows without."""

    where: Predicate | None = None


@dataclass(frozen=True)
class Aggregate:
    """``function`` over ``column`` in the rows that meet ``where``; ``None`` where there is no value."""

    function: Function
    column: str
    where: Predicate | None = None


@dataclass(frozen=True)
class Distinct:
    """How many different combinations of ``columns`` the rows that meet ``where`` hold; null is a value."""

    columns: tuple[str, ...]
    where: Predicate | None = None


@dataclass(frozen=True)
class Repeats:
    """How many rows share their combination of ``columns`` with another: every member, not only the extras."""

    columns: tuple[str, ...]
    where: Predicate | None = None


@dataclass(frozen=True)
class Quantiles:
    """The values below which ``shares`` of the column's values lie, as numpy's ``method`` of that name picks them.

    A tuple in the order of ``shares``, of ``None``s where there is no value.

    :param method: one of ``QUANTILE_METHODS``, which differ where a quantile lies between two values.
    """

    column: str
    shares: tuple[float, ...]
    method: str = "linear"
    where: Predicate | None = None


QUANTILE_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@dataclass(frozen=True)
class Present:
    """Which of ``values`` the column has in the rows that meet ``where``: their places among them, as a set."""

    column: str
    values: tuple[Scalar, ...]
    where: Predicate | None = None


@dataclass(frozen=True)
class MostCommon:
    """Which of ``values`` are the most frequent of the column in the rows that meet ``where``: a :class:`Commonest`."""

    column: str
    values: tuple[Scalar, ...]
    where: Predicate | None = None


@dataclass(frozen=True, kw_only=True)
class Commonest:
    """What is known of the most frequent values; those that were not asked for are counted and not told.

    :param rows: how many rows hold each of them.
    :param ties: how many values are in as many rows; 0 without a value.
    :param known: how many of them were asked for.
    :param first: the position, in the metric's ``values``, of the first that was asked for.
    """

    rows: int
    ties: int
    known: int
    first: int | None = None


@dataclass(frozen=True)
class Entropy:
    """Shannon's entropy, in nats, of the column's values in the rows that meet ``where``; ``None`` without a row.

    It tells how unevenly the values are spread, and none of them.
    """

    column: str
    where: Predicate | None = None


@dataclass(frozen=True)
class OutOfOrder:
    """How many rows break the order: their value is not above (below, if ``descending``) that of the row before.

    Only rows that meet ``where`` follow each other, in the order of the ``order_by`` columns; without these in the
    order that the source itself has, which only frames and files have.

    :param strictly: whether an equal value breaks it too.
    """

    column: str
    descending: bool = False
    strictly: bool = False
    order_by: tuple[str, ...] = ()
    where: Predicate | None = None


@dataclass(frozen=True)
class QueryRows:
    """How many rows a SELECT yields; in its text ``{batch}`` stands for the rows that are judged."""

    query: str


@dataclass(frozen=True)
class RowSet:
    """How often each row is there: a ``Counter`` of digests, which tell equal rows and nothing of what is in them.

    :param query: a SELECT whose rows are meant, with ``{batch}`` for those that are judged; ``None`` means these.
    """

    query: str | None = None


@dataclass(frozen=True)
class Orphans:
    """How many rows that meet ``where`` have ``columns`` that no row of ``relation`` has in its ``references``."""

    columns: tuple[str, ...]
    relation: Relation
    references: tuple[str, ...]
    where: Predicate | None = None


@dataclass(frozen=True)
class Elsewhere:
    """``metric`` measured on another relation, or on the rows of a SELECT.

    :param source: a table or view, or the text of a SELECT in the other database's own SQL.
    :param connection: the connection of another database; ``None`` is the one that holds what is judged.
    """

    metric: Count | Aggregate | RowSet
    source: Relation | str
    connection: str | None = None


@dataclass(frozen=True)
class ExpectationResult:
    """What Great Expectations itself says of an expectation that has no metric form: its result, as JSON data.

    :param kwargs: the expectation's other arguments as JSON text.
    """

    kind: str
    column: str
    kwargs: str = "{}"
    where: Predicate | None = None


@dataclass(frozen=True)
class Fingerprint:
    """A marker of the relation's whole content."""


Metric = (
    Count
    | Aggregate
    | Distinct
    | Repeats
    | Quantiles
    | Present
    | MostCommon
    | Entropy
    | OutOfOrder
    | QueryRows
    | RowSet
    | Orphans
    | Elsewhere
    | ExpectationResult
    | Fingerprint
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A metric's value that the source vouches for, so that no row need be read for it.

    :param by: who vouches, in words: ``NOT NULL constraint``, ``Parquet footers``.
    :param same_as: the value is that of another metric (a column that is never null has as many values as rows).
    """

    by: str
    value: Any = None
    same_as: Metric | None = None


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of what is measured: known before anything is counted.

    :param kinds: what each column holds; an untyped database (SQLite) knows only of each value.
    :param truth_is_number: whether the database has truth values as numbers alone (MySQL: 1 and 0).
    :param dialect: whose words the columns' types are in, by sqlglot's name.
    """

    columns: tuple[Column, ...]
    kinds: Mapping[str, Kind]
    typed: bool = True
    truth_is_number: bool = False
    dialect: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names as stored, in order."""
        return tuple(column.name for column in self.columns)

    def find(self, name: str) -> str | None:
        """Return the stored name of a column: the exact one, else the only one that differs in case alone."""
        if name in self.names:
            return name
        alike = [stored for stored in self.names if stored.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else None

    def holds(self, name: str, kinds: frozenset[Kind]) -> bool:
        """Return whether the column's type is of one of ``kinds``."""
        as_numbers = self.truth_is_number and Kind.BOOLEAN in kinds
        return self.kinds[name] in (*kinds, Kind.NOTHING) or (as_numbers and self.kinds[name] is Kind.NUMBER)

    def comparable(self, one: str, other: str) -> bool:
        """Whether two columns are of kinds that compare; of what is OTHER (an enum, a UUID) only the database knows."""
        kind = self.kinds[one]
        return (
            kind is Kind.OTHER
            or self.holds(other, frozenset({kind, Kind.OTHER}))
            or self.holds(one, frozenset({self.kinds[other]}))
        )

    def type_of(self, name: str) -> str:
        """Return the column's type in the database's own words."""
        return next(column.type for column in self.columns if column.name == name)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was measured; asking for a metric that could not be raises its error.

    :param occasion: when it was measured, for what depends on that.
    """

    schema: Schema
    values: Mapping[Metric, Any]
    occasion: Occasion | None = None

    def __getitem__(self, metric: Metric) -> Any:
        value = self.values[metric]
        if isinstance(value, MeasureError):
            raise value
        return value

    def count(self, where: Predicate | None = None) -> int:
        """Return how many rows meet ``where``."""
        return int(self[Count(where)] or 0)
