"""The live rows and the candidate's in pairs, by key: one full join, or one grouping of both where joins are slow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlglot import exp

from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.sql.comparands import Comparand, select_groups
from airflow_dataops.engines.sql.dialects import Rules

_EVENTS = {"added": "is_added", "removed": "is_removed", "changed": "is_changed"}


@dataclass(frozen=True)
class Pairs(ABC):
    """Statements over the pairs; keys are known to be unique and never null on either side."""

    rules: Rules
    relations: tuple[Relation, Relation]
    key: Sequence[Comparand]
    values: Sequence[Comparand]

    @abstractmethod
    def flagged(self) -> str:
        """Return a SELECT of one row for each key: ``k0``…, ``is_added``, ``is_removed``, and ``d0``… that differ."""

    @property
    def counts(self) -> str:
        """Count the keys added, removed, on both sides and changed, and of these how many differ in each value."""
        sums = ["is_added", "is_removed", "1 - is_added - is_removed", self._changed]
        sums += [f"d{number}" for number in range(len(self.values))]
        columns = ", ".join(f"COALESCE(SUM({summed}), 0) AS m{number}" for number, summed in enumerate(sums))
        return f"SELECT {columns} FROM ({self.flagged()}) AS flagged"

    def sample(self, event: str, limit: int) -> str:
        """Return a SELECT of the first keys of a kind, with the flags of the values that differ."""
        columns = [f"{shown} AS s{number}" for number, (shown, _) in enumerate(self._shown)]
        columns += [f"d{number}" for number in range(len(self.values))]
        condition = f"{self._changed} = 1" if event == "changed" else f"{_EVENTS[event]} = 1"
        order = ", ".join(f"k{number}" for number in range(len(self.key)))
        return (
            f"SELECT {', '.join(columns)} FROM ({self.flagged()}) AS flagged"
            f" WHERE {condition} ORDER BY {order} LIMIT {limit}"
        )

    @property
    def decoders(self) -> list[Callable[[Any], Any] | None]:
        """What makes each fetched part of the key its value again."""
        return [decode for _, decode in self._shown]

    @cached_property
    def _shown(self) -> list[tuple[str, Callable[[Any], Any] | None]]:
        return [self._fetchable(f"k{number}", part.type) for number, part in enumerate(self.key)]

    def _fetchable(self, name: str, type_name: str) -> tuple[str, Callable[[Any], Any] | None]:
        if self.rules.name == "mysql" and self.rules.kind_of(type_name) is Kind.TEXT:
            return f"CONVERT({name} USING utf8mb4)", None  # compared as bytes
        value, decode = self.rules.fetchable(exp.column(name), type_name)
        return self.rules.sql(value), decode

    @property
    def _changed(self) -> str:
        flags = ", ".join(f"d{number}" for number in range(len(self.values)))
        return f"CASE WHEN 1 IN ({flags}) THEN 1 ELSE 0 END" if flags else "0"


class _Joined(Pairs):
    """A full join, which these databases make by hashing: each side is read once."""

    def flagged(self) -> str:
        """Return the join of both sides."""
        keys = [f"COALESCE(candidate.k{number}, live.k{number}) AS k{number}" for number in range(len(self.key))]
        flags = [
            "CASE WHEN live.side IS NULL THEN 1 ELSE 0 END AS is_added",
            "CASE WHEN candidate.side IS NULL THEN 1 ELSE 0 END AS is_removed",
        ]
        flags += [
            f"CASE WHEN live.side = 1 AND candidate.side = 1 AND live.v{number} IS DISTINCT FROM candidate.v{number}"
            f" THEN 1 ELSE 0 END AS d{number}"
            for number in range(len(self.values))
        ]
        same = " AND ".join(f"live.k{number} = candidate.k{number}" for number in range(len(self.key)))
        sides = " FULL OUTER JOIN ".join(
            f"({self._side(relation, place)}) AS {name}"
            for place, (name, relation) in enumerate(zip(("live", "candidate"), self.relations, strict=True))
        )
        return f"SELECT {', '.join([*keys, *flags])} FROM {sides} ON {same}"

    def _side(self, relation: Relation, place: int) -> str:
        columns = [f"{(part.live, part.candidate)[place]} AS k{number}" for number, part in enumerate(self.key)]
        columns += [f"{(part.live, part.candidate)[place]} AS v{number}" for number, part in enumerate(self.values)]
        return f"SELECT 1 AS side, {', '.join(columns)} FROM {self.rules.relation(relation)}"


class _Grouped(Pairs):
    """Both sides' rows one after the other, grouped by key: these databases join by nested loops."""

    def flagged(self) -> str:
        """Return the groups; in each there is at most one row of a side, so that MAX is its value."""
        keys = ", ".join(f"k{number}" for number in range(len(self.key)))
        held = [f"MAX({side}{number}) AS {side}{number}" for number in range(len(self.values)) for side in ("v", "w")]
        counts = ["MAX(is_live) AS is_live", "MAX(is_candidate) AS is_candidate"]
        groups = (
            f"{select_groups(self.rules, self.key)} {', '.join([keys, *counts, *held])}"
            f" FROM ({self._side(0)} UNION ALL {self._side(1)}) AS sides GROUP BY {keys}"
        )
        flags = ["1 - is_live AS is_added", "1 - is_candidate AS is_removed"]
        flags += [
            f"CASE WHEN is_live = 1 AND is_candidate = 1 AND {self._differ(f'v{number}', f'w{number}')}"
            f" THEN 1 ELSE 0 END AS d{number}"
            for number in range(len(self.values))
        ]
        return f"SELECT {', '.join([keys, *flags])} FROM ({groups}) AS paired"

    def _side(self, place: int) -> str:
        """Return one side's rows; the other side's values are null, so that no type is bent to another's."""
        columns = [f"{(part.live, part.candidate)[place]} AS k{number}" for number, part in enumerate(self.key)]
        columns += [f"{1 - place} AS is_live", f"{place} AS is_candidate"]
        for number, part in enumerate(self.values):
            sides = (part.live, "NULL") if place == 0 else ("NULL", part.candidate)
            columns += [f"{value} AS {name}{number}" for name, value in zip("vw", sides, strict=True)]
        return f"SELECT {', '.join(columns)} FROM {self.rules.relation(self.relations[place])}"

    def _differ(self, one: str, other: str) -> str:
        return f"NOT ({one} <=> {other})" if self.rules.name == "mysql" else f"{one} IS NOT {other}"


_PAIRS: dict[str, type[Pairs]] = {"duckdb": _Joined, "mysql": _Grouped, "postgres": _Joined, "sqlite": _Grouped}


def pairs_of(
    rules: Rules, relations: tuple[Relation, ...], key: Sequence[Comparand], values: Sequence[Comparand]
) -> Pairs:
    """Return the pairs of two relations' rows, in the form that the database is fast in.

    :param relations: the live one and the candidate.
    """
    live, candidate = relations
    return _PAIRS[rules.name](rules, (live, candidate), key, values)
