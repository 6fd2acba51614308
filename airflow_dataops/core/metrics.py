"""What can be measured: small values that say it, so that equal metrics are measured once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.predicates import Kind, Predicate
from airflow_dataops.core.relations import Column


class Function(StrEnum):
    """An aggregate over a column's values that are not null."""

    MIN = "min"
    MAX = "max"
    MEAN = "mean"
    SUM = "sum"
    MEDIAN = "median"  # interpolated between the two in the middle, as pandas has it


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
class Fingerprint:
    """A marker of the relation's whole content."""


Metric = Count | Aggregate | Distinct | Repeats | Fingerprint


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of what is measured: known before anything is counted.

    :param kinds: what each column holds; an untyped database (SQLite) knows only of each value.
    """

    columns: tuple[Column, ...]
    kinds: Mapping[str, Kind]
    typed: bool = True

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

    def type_of(self, name: str) -> str:
        """Return the column's type in the database's own words."""
        return next(column.type for column in self.columns if column.name == name)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was measured; asking for a metric that could not be raises its error."""

    schema: Schema
    values: Mapping[Metric, Any]

    def __getitem__(self, metric: Metric) -> Any:
        value = self.values[metric]
        if isinstance(value, MeasureError):
            raise value
        return value

    def count(self, where: Predicate | None = None) -> int:
        """Return how many rows meet ``where``."""
        return int(self[Count(where)] or 0)
