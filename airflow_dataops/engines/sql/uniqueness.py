"""How many rows differ, and how many are alike: each in a statement of its own, in the form that is fastest there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_dataops.core.metrics import Count, Distinct, Metric, Repeats
from airflow_dataops.core.ports import Database
from airflow_dataops.core.predicates import Kind, Predicate
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.profiles import Profile
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned, rows_that

_HASHED = frozenset({Kind.NUMBER, Kind.TEXT, Kind.TIME, Kind.BOOLEAN})
_MOST_HASHES = 30_000_000
"""Eight bytes each in this process; above it the database groups, as it can spill to its disk."""
_WORTH_NUMPY = 500_000
"""Rows from which hashes win, though numpy must be imported for them: 15 MB and more than a tenth of a second."""
_MOST_SUSPECTS = 1_000


@dataclass(frozen=True)
class Enough(Planned):
    """A cheap statement that is enough if it finds as many different keys as there are rows: then none repeats.

    :param rows: the metric that says how many rows there are.
    :param exact: what is run if it is not enough.
    """

    rows: Count = field(default_factory=Count)
    exact: Planned | None = None

    def settled(
        self, found: Mapping[Metric, Any], known: Mapping[Metric, Any]
    ) -> tuple[Mapping[Metric, Any], Planned | None]:
        """Return no repeats where that is proved, and otherwise what still is to be run."""
        (metric,) = (answer.metric for answer in self.answers)
        return ({metric: 0}, None) if found[metric] == known[self.rows] else ({}, self.exact)


@dataclass(frozen=True)
class Hashed(Planned):
    """One hash of the key for each row, sorted in this process: a hash that is there once is a key that is there once.

    1M rows of a frame, by text and time: 0.03 s against 0.11 s for GROUP BY. Equal keys have equal hashes, so that only
    rows whose hash repeats, none as a rule, are left to be grouped by their keys.

    :param rows: the metric that says how many rows there are.
    :param exact: what is run where these are too many for this process.
    :param among: what is run for the rows with one of these hashes.
    """

    rows: Count = field(default_factory=Count)
    exact: Planned | None = None
    among: Callable[[Sequence[int]], Planned] | None = None

    def suited(self, known: Mapping[Metric, Any]) -> Planned:
        """Return this statement, or the exact one for too many rows, or too few."""
        fewest = 0 if "numpy" in sys.modules else _WORTH_NUMPY
        return self if self.exact is None or fewest <= known[self.rows] <= _MOST_HASHES else self.exact

    def run(self, db: Database) -> list[tuple[Any, ...]]:
        """Return one row: the hashes that are there more than once."""
        return [(db.repeated(self.sql),)]

    def settled(
        self, found: Mapping[Metric, Any], known: Mapping[Metric, Any]
    ) -> tuple[Mapping[Metric, Any], Planned | None]:
        """Return no repeats where no hash repeats, and otherwise what still is to be run."""
        (answer,) = self.answers
        suspects = found[answer.metric]
        if not suspects:
            return {answer.metric: 0}, None
        if self.among is None or len(suspects) > _MOST_SUSPECTS:
            return {}, self.exact
        return {}, self.among(suspects)


def plan_distinct(source: Source, expressions: Expressions, metric: Distinct, profile: Profile) -> Planned:
    """Return the count of different keys, exactly."""
    if _few(expressions, metric.columns, profile):
        return Planned((Answer(metric, "COUNT(*)", int),), f"({grouped(source, expressions, *_of(metric))}) AS grouped")
    if expressions.sorts_fast(metric.columns):
        key = expressions.sql(expressions.key(metric.columns[0]))
        rows = f"(SELECT {key} AS value FROM {source.sql}{rows_that(expressions, metric.where)}) AS data"
        return Planned((Answer(metric, "COUNT(DISTINCT value)", int),), rows)
    groups = _groups(source, expressions, metric, _first_in_order(expressions, metric.columns, profile))
    return Planned((Answer(metric, "COUNT(*)", int),), f"({groups}) AS grouped")


def plan_repeats(source: Source, expressions: Expressions, metric: Repeats, profile: Profile) -> Planned:
    """Return the count of rows that are alike; first, where that is faster, a statement that can prove it to be 0."""
    exact = exactly(source, expressions, metric, profile)
    if _few(expressions, metric.columns, profile):
        return exact
    if expressions.rules.hands_over and _hashed_kinds(expressions, metric.columns):
        return _hashed(source, expressions, metric, exact)
    if not expressions.rules.proves_uniqueness_first:
        return exact
    distinct = plan_distinct(source, expressions, Distinct(metric.columns, metric.where), profile)
    rows, value = distinct.source, distinct.answers[0].sql
    if _hashable(expressions, metric.columns, profile):
        # Equal keys have equal hashes: as many hashes as rows proves as many keys. 64 bits make it likely, too.
        keys = ", ".join(expressions.sql(expressions.key(column)) for column in metric.columns)
        rows = f"(SELECT HASH_RECORD_EXTENDED(ROW({keys}), 0) AS value FROM {source.sql}"
        rows, value = f"{rows}{rows_that(expressions, metric.where)}) AS data", "COUNT(DISTINCT value)"
    return Enough((Answer(metric, value, int),), rows, rows=Count(metric.where), exact=exact)


def _hashed(source: Source, expressions: Expressions, metric: Repeats, exact: Planned) -> Planned:
    """Return a SELECT of each row's hash."""
    keys = ", ".join(expressions.sql(expressions.key(column)) for column in metric.columns)
    rows = f"{source.sql}{rows_that(expressions, metric.where)}"

    def among(suspects: Sequence[int]) -> Planned:
        hashes = ", ".join(map(str, suspects))
        wanted = f"SELECT * FROM (SELECT * FROM {rows}) AS data WHERE HASH({keys}) IN ({hashes})"
        groups = f"SELECT COUNT(*) AS members FROM ({wanted}) AS suspects GROUP BY {keys}"
        return replace(exact, source=f"({groups} HAVING COUNT(*) > 1) AS grouped")

    answer = Answer(metric, f"HASH({keys})", list)
    return Hashed((answer,), rows, rows=Count(metric.where), exact=exact, among=among)


def exactly(source: Source, expressions: Expressions, metric: Repeats, profile: Profile) -> Planned:
    """Return the count of rows that are alike, by grouping them."""
    columns = metric.columns
    first = _first_in_order(expressions, columns, profile)
    if first is None and expressions.sorts_fast(columns) and not _few(expressions, columns, profile):
        first = columns[0]
    groups = _groups(source, expressions, metric, first)
    return Planned((Answer(metric, "COALESCE(SUM(members), 0)", int),), f"({groups} HAVING COUNT(*) > 1) AS grouped")


def _groups(source: Source, expressions: Expressions, metric: Distinct | Repeats, first: str | None) -> str:
    """Return a SELECT of the groups of equal keys, each with the number of its ``members``.

    :param first: the column to sort by: what is sorted already costs a look, and needs no table of hashes. 1M rows on
        PostgreSQL, by text and time: 0.26 s against 0.52 s.
    """
    if first is None:
        return grouped(source, expressions, *_of(metric))
    columns = (first, *(column for column in metric.columns if column != first))
    names = ", ".join(f"key{index}" for index in range(len(columns)))
    keys = ", ".join(f"{expressions.sql(expressions.key(name))} AS key{index}" for index, name in enumerate(columns))
    rows = f"SELECT {keys} FROM {source.sql}{rows_that(expressions, metric.where)} ORDER BY {names}"
    return f"{expressions.rules.select_groups} COUNT(*) AS members FROM ({rows}) AS ordered GROUP BY {names}"


def grouped(source: Source, expressions: Expressions, columns: tuple[str, ...], where: Predicate | None) -> str:
    """Return a SELECT of the groups of rows that are alike in ``columns``, each with the number of its ``members``."""
    keys = ", ".join(expressions.sql(expressions.key(column)) for column in columns)
    select = expressions.rules.select_groups
    return f"{select} COUNT(*) AS members FROM {source.sql}{rows_that(expressions, where)} GROUP BY {keys}"


def _of(metric: Distinct | Repeats) -> tuple[tuple[str, ...], Predicate | None]:
    return metric.columns, metric.where


def _first_in_order(expressions: Expressions, columns: tuple[str, ...], profile: Profile) -> str | None:
    """Return the key in whose order the rows are stored."""
    return next((column for column in columns if expressions.stored(column) in profile.in_order), None)


def _few(expressions: Expressions, columns: tuple[str, ...], profile: Profile) -> bool:
    """Whether the key has few values: then groups are few, and no sort is worth it. 1M rows: 0.27 s against 0.61 s."""
    return len(columns) == 1 and expressions.stored(columns[0]) in profile.few


def _hashable(expressions: Expressions, columns: tuple[str, ...], profile: Profile) -> bool:
    """Whether hashing the keys beats grouping them (0.41 s against 0.52 s): several columns, none of them in order."""
    if len(columns) < 2 or not profile.hashes_rows or _first_in_order(expressions, columns, profile) is not None:
        return False
    return _hashed_kinds(expressions, columns)


def _hashed_kinds(expressions: Expressions, columns: tuple[str, ...]) -> bool:
    """Whether equal keys are known to have equal hashes."""
    return all(expressions.schema.kinds[expressions.stored(column)] in _HASHED for column in columns)
