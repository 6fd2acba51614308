"""Two relations of one database, row by row by their key: counted where they are, in a few scans of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.diffs import ColumnDifference, KeyCounts, SampledKey
from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.results import Statement
from airflow_dataops.core.schema_changes import pair_columns
from airflow_dataops.core.values import counted
from airflow_dataops.engines.sql.comparands import Comparand, comparand, incomparable, select_groups, supported
from airflow_dataops.engines.sql.dialects import Rules, rules_of
from airflow_dataops.engines.sql.paired import Pairs, pairs_of
from airflow_dataops.engines.sql.watching import Watch

log = logging.getLogger(__name__)

_SIDES = ("what is live", "the candidate")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was counted of two relations; see :class:`airflow_dataops.core.diffs.Diff`."""

    live: tuple[Column, ...]
    candidate: tuple[Column, ...]
    live_rows: int
    candidate_rows: int
    key: tuple[str, ...] = ()
    keys: KeyCounts | None = None
    obstacles: tuple[str, ...] = ()
    columns: tuple[ColumnDifference, ...] = ()
    samples: tuple[SampledKey, ...] = ()
    statements: tuple[Statement, ...] = ()


def compare(
    db: Database,
    live: Relation,
    candidate: Relation,
    *,
    key: Sequence[str] = (),
    samples: int = 0,
    watch: Watch | None = None,
) -> Comparison:
    """Compare two relations in the caller's snapshot.

    :param key: the columns by which rows are told apart; without, only rows are counted.
    :param samples: how many keys to fetch of those added, of those removed and of those changed.
    :param watch: runs the statements, and stops them when the task is killed.
    :raises ConfigurationError: the database is not supported, or neither relation has a column of the key.
    :raises MeasureError: there is no such relation, or the database refuses to compare.
    """
    if not supported(db.dialect):
        raise ConfigurationError(f"Releases in {rules_of(db.dialect).label} cannot be compared: no test covers it.")
    return _Comparing(db, live, candidate, watch or Watch()).run(tuple(key), samples)


class _Comparing:
    """The statements of one comparison."""

    def __init__(self, db: Database, live: Relation, candidate: Relation, watch: Watch) -> None:
        self.db = db
        self.rules: Rules = rules_of(db.dialect)
        self.watch = watch
        self.relations = (live, candidate)
        self.columns = tuple(tuple(db.columns(relation)) for relation in self.relations)
        for relation, columns in zip(self.relations, self.columns, strict=True):
            if not columns:
                raise MeasureError(f"there is no table {relation}")
        self.statements: list[Statement] = []

    def run(self, key: tuple[str, ...], samples: int) -> Comparison:
        pairs, obstacles = self._key_columns(key)
        named = tuple(pair.column for pair in pairs)
        rows: tuple[int, ...] = ()
        if pairs and not obstacles:
            uses = [self._count_keys(place, pairs) for place in (0, 1)]
            rows = tuple(use.rows for use in uses)
            obstacles = [line for use in uses for line in use.obstacles(named)]
        if not rows:
            rows = self._count_rows()
        found = Comparison(
            live=self.columns[0],
            candidate=self.columns[1],
            live_rows=rows[0],
            candidate_rows=rows[1],
            key=named or key,
            obstacles=tuple(obstacles),
        )
        return self._with_keys(found, pairs, samples if pairs and not obstacles else None)

    def _key_columns(self, key: tuple[str, ...]) -> tuple[list[Comparand], list[str]]:
        """Return the key's columns, and why they cannot be a key.

        :raises ConfigurationError: neither side has one of that name.
        """
        pairs, obstacles = [], []
        for name in key:
            before, after = (_find(columns, name) for columns in self.columns)
            if before is None and after is None:
                known = ", ".join(column.name for column in self.columns[1])
                raise ConfigurationError(f"key={name!r}: there is no such column; the candidate has {known}.")
            if before is None or after is None:
                obstacles.append(f"column {name} of the key is not in {_SIDES[0 if before is None else 1]}")
            elif why := incomparable(self.rules, before.type, after.type):
                obstacles.append(f"column {name} of the key: {why}")
            else:
                pairs.append(comparand(self.rules, before, after))
        return pairs, obstacles

    def _count_rows(self) -> tuple[int, ...]:
        live, candidate = (self.rules.relation(relation) for relation in self.relations)
        sql = f"SELECT (SELECT COUNT(*) FROM {live}) AS live, (SELECT COUNT(*) FROM {candidate}) AS candidate"
        return tuple(int(count) for count in self._ask(sql, "counting rows", scans=2)[0])

    def _count_keys(self, place: int, pairs: Sequence[Comparand]) -> _KeyUse:
        """Return how the key tells the rows of one side apart."""
        values = [(pair.live, pair.candidate)[place] for pair in pairs]
        listed = ", ".join(f"{value} AS k{number}" for number, value in enumerate(values))
        names = ", ".join(f"k{number}" for number in range(len(values)))
        empty = " OR ".join(f"k{number} IS NULL" for number in range(len(values)))
        relation = self.rules.relation(self.relations[place])
        groups = (
            f"{select_groups(self.rules, pairs)} {names}, COUNT(*) AS members"
            f" FROM (SELECT {listed} FROM {relation}) AS keyed GROUP BY {names}"
        )
        repeated = f"members > 1 AND NOT ({empty})"
        sql = (
            "SELECT COALESCE(SUM(members), 0) AS total,"
            f" COALESCE(SUM(CASE WHEN {empty} THEN members ELSE 0 END), 0) AS unkeyed,"
            f" COALESCE(SUM(CASE WHEN {repeated} THEN 1 ELSE 0 END), 0) AS repeated,"
            f" COALESCE(SUM(CASE WHEN {repeated} THEN members ELSE 0 END), 0) AS alike FROM ({groups}) AS grouped"
        )
        found = self._ask(sql, f"counting the keys of {_SIDES[place]}", scans=1)[0]
        rows, unkeyed, repeated_keys, alike = (int(count) for count in found)
        return _KeyUse(side=_SIDES[place], rows=rows, unkeyed=unkeyed, repeated=repeated_keys, alike=alike)

    def _with_keys(self, found: Comparison, key: Sequence[Comparand], samples: int | None) -> Comparison:
        """Return the comparison with what is known of keys and columns.

        :param samples: ``None`` where rows cannot be compared by the key.
        """
        fields = {**vars(found), "statements": tuple(self.statements)}
        if samples is None:
            return Comparison(**fields)
        values, differences = [], {}
        keyed = {pair.column for pair in key}
        both = [pair for pair in pair_columns(*self.columns).both if pair[1].name not in keyed]
        for before, after in both:
            why = incomparable(self.rules, before.type, after.type)
            differences[after.name] = ColumnDifference(column=after.name, changed=None, reason=why)
            if not why:
                values.append(comparand(self.rules, before, after))
        pairs = pairs_of(self.rules, self.relations, key, values)
        added, removed, matched, changed, *each = (
            int(count) for count in self._ask(pairs.counts, "comparing row by row", scans=2)[0]
        )
        for value, count in zip(values, each, strict=True):
            differences[value.column] = ColumnDifference(column=value.column, changed=count)
        keys = KeyCounts(added=added, removed=removed, changed=changed, same=matched - changed)
        fields |= {"keys": keys, "columns": tuple(differences.values()), "samples": self._sample(pairs, keys, samples)}
        return Comparison(**{**fields, "statements": tuple(self.statements)})

    def _sample(self, pairs: Pairs, keys: KeyCounts, limit: int) -> tuple[SampledKey, ...]:
        """Return the first keys, in their order, of each kind."""
        found: list[SampledKey] = []
        for event in ("added", "removed", "changed"):
            if limit and getattr(keys, event):
                for row in self._ask(pairs.sample(event, limit), f"looking for keys {event}", scans=2):
                    values, flags = row[: len(pairs.key)], row[len(pairs.key) :]
                    decoded = (
                        value if decode is None or value is None else decode(value)
                        for value, decode in zip(values, pairs.decoders, strict=True)
                    )
                    differ = (value.column for value, flag in zip(pairs.values, flags, strict=True) if flag)
                    columns = tuple(differ) if event == "changed" else ()
                    found.append(SampledKey(event=event, values=tuple(decoded), columns=columns))
        return tuple(found)

    def _ask(self, sql: str, what: str, *, scans: int) -> list[tuple[Any, ...]]:
        """Run a statement; keep what it cost."""
        started = time.perf_counter()
        label = f"{what} ({self.relations[0]} and {self.relations[1]})"
        rows = self.watch.run(self.db, lambda db: db.execute(sql), label)
        seconds = time.perf_counter() - started
        self.statements.append(Statement(sql=sql, seconds=seconds, metrics=len(rows[0]) if rows else 0, scans=scans))
        log.info("Statement %d: %s in %.2f s.", len(self.statements), label, seconds)
        return rows


@dataclass(frozen=True, kw_only=True)
class _KeyUse:
    """How a key tells one side's rows apart.

    :param unkeyed: rows in whose key there is a null.
    :param repeated: keys that several rows share.
    :param alike: the rows that share them.
    """

    side: str
    rows: int
    unkeyed: int
    repeated: int
    alike: int

    def obstacles(self, key: Sequence[str]) -> list[str]:
        """Return why rows cannot be compared by it."""
        name, lines = f"key {', '.join(key)}", []
        if self.unkeyed:
            lines.append(f"{name} is null in {self.unkeyed:,} of {counted(self.rows, 'row')} of {self.side}")
        if self.repeated:
            lines.append(
                f"{name} is not unique in {self.side}: {self.alike:,} of {self.rows:,} rows share"
                f" {counted(self.repeated, 'key')}"
            )
        return lines


def _find(columns: Sequence[Column], name: str) -> Column | None:
    """Return the column of that name, else the only one that differs in case alone."""
    alike = [column for column in columns if column.name.casefold() == name.casefold()]
    exact = [column for column in alike if column.name == name]
    return exact[0] if exact else alike[0] if len(alike) == 1 else None
