"""What has been read or written so far, by relation; and when two names are the same name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlglot import Dialect, exp
from sqlglot.dialects.dialect import NormalizationStrategy

from airflow_dataops.core.usage import ALL, Touch


class Unreadable(Exception):
    """A statement that parses, and of which it cannot be told what it touches."""


class Folding:
    """When two names of a dialect are the same; what is told is as it was first written."""

    def __init__(self, dialect: Dialect) -> None:
        strategy = dialect.normalization_strategy
        self._upper = strategy is NormalizationStrategy.UPPERCASE
        self._quotes_matter = self._upper or strategy is NormalizationStrategy.LOWERCASE
        self._tables_matter = type(dialect).__name__ in ("BigQuery", "MySQL", "ClickHouse")

    def name(self, identifier: exp.Expression) -> str:
        """Return what a column, an alias or a CTE is looked up by."""
        name = str(identifier.name)
        if not self._quotes_matter:
            return name.lower()
        if identifier.args.get("quoted"):
            return name
        return name.upper() if self._upper else name.lower()

    def path(self, parts: Iterable[exp.Expression]) -> tuple[str, ...]:
        """Return what a qualified name is looked up by."""
        return tuple(self.name(part) for part in parts)

    def relation(self, parts: Iterable[exp.Expression]) -> tuple[str, ...]:
        """Return what a relation is counted by."""
        return tuple(part.name for part in parts) if self._tables_matter else self.path(parts)


@dataclass
class Use:
    """Columns of one relation: by what they are looked up, as they were first written.

    :param key: by what the relation is counted.
    :param own: of the table that the statement changes: it is read only if a column of it is.
    """

    relation: str
    key: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    all: bool = False
    unknown: bool = False
    own: bool = False

    def add(self, other: Use) -> None:
        """Take in what another one of the same relation says."""
        self.columns = {**other.columns, **self.columns}
        self.all |= other.all
        self.unknown |= other.unknown

    def touch(self) -> Touch:
        """Return it as a value: all covers each, and one that is not known leaves the rest unknown."""
        named = None if self.unknown else tuple(sorted(set(self.columns.values())))
        return Touch(relation=self.relation, columns=ALL if self.all else named)


class Uses:
    """Relations, each once."""

    def __init__(self) -> None:
        self._uses: dict[tuple[str, ...], Use] = {}

    def of(self, use: Use) -> Use:
        """Return the use of the same relation that is counted here; it begins with its rows alone."""
        return self._uses.setdefault(use.key, Use(use.relation, use.key))

    def add(self, uses: Iterable[Use]) -> None:
        """Take in other uses."""
        for use in uses:
            self.of(use).add(use)

    def __iter__(self) -> Iterator[Use]:
        return iter(self._uses.values())

    def touches(self) -> tuple[Touch, ...]:
        """Return them as values, sorted; names that differ in their quotes alone are told together."""
        by_name: dict[str, Use] = {}
        for use in self._uses.values():
            by_name.setdefault(use.relation, Use(use.relation, ())).add(use)
        return tuple(by_name[name].touch() for name in sorted(by_name))
