"""A few rows that break each check: looked for in the first rows, then in one scan for all that are rare there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airflow_dataops.core.metrics import Orphans, OutOfOrder
from airflow_dataops.core.predicates import IsNull, Not, Predicate, Repeated
from airflow_dataops.core.vocabulary.compiled import Broken
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.planning import failing_rows
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import rows_that

_FIRST_ROWS = 100_000
_MOST_AT_ONCE = 50
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Breach:
    """What is to be sampled.

    :param rows: the rows that break the check.
    :param count: how many they are.
    """

    rows: Broken
    count: int


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Fetches rows that break checks.

    :param limit: how many for each check.
    :param fetch: runs a SELECT that reads all rows so many times.
    """

    source: Source
    expressions: Expressions
    limit: int
    fetch: Callable[[str, int], Sequence[Sequence[Any]]]

    def sample(self, breaches: Mapping[int, Breach]) -> dict[int, Rows]:
        """Return rows for each check.

        What breaks often is found soon, if it does everywhere: a scan that looks for it in vain costs little. What is
        not found there is looked for in all rows, for all checks at once.

        :param breaches: by the check's number.
        """
        found: dict[int, Rows] = {}
        for rows in (f"(SELECT * FROM {self.source.sql} LIMIT {_FIRST_ROWS})", self.source.unnamed):
            missing = {
                check: breach.rows
                for check, breach in breaches.items()
                if len(found.get(check, ())) < min(self.limit, breach.count)
            }
            found |= self._among(rows, missing)
        return found

    def _among(self, rows: str, missing: Mapping[int, Broken]) -> dict[int, Rows]:
        """Return what there is among some rows or all.

        :param rows: what stands behind FROM, without an alias.
        """
        found: dict[int, Rows] = {}
        scans = int(rows == self.source.unnamed)
        alone: dict[int, Predicate] = {}
        for check, broken in missing.items():
            if isinstance(broken, Repeated):
                found[check] = self._read(self._repeated(rows, broken), 2 * scans)
            elif not isinstance(broken, Orphans | OutOfOrder):
                alone[check] = broken
            elif scans:  # the others cannot be told from the first rows alone
                found[check] = self._read(failing_rows(self.source, self.expressions, broken, self.limit), 1)
        checks = list(alone)
        for start in range(0, len(checks), _MOST_AT_ONCE):
            found |= self._together(
                rows, {check: alone[check] for check in checks[start : start + _MOST_AT_ONCE]}, scans
            )
        return found

    def _read(self, sql: str, scans: int) -> Rows:
        # What stands behind the table's own columns is left out.
        names = self.expressions.schema.names
        return [dict(zip(names, row, strict=False)) for row in self.fetch(sql, scans)]

    def _together(self, rows: str, predicates: Mapping[int, Predicate], scans: int) -> dict[int, Rows]:
        """Return rows of several checks from one scan: of each the first ones, as many as wanted, and never more."""
        numbers = range(len(predicates))
        conditions = [self.expressions.sql(self.expressions.predicate(predicate)) for predicate in predicates.values()]
        flags = ", ".join(
            f"CASE WHEN {condition} THEN 1 ELSE 0 END AS dataops_breaks{number}"
            for number, condition in zip(numbers, conditions, strict=True)
        )
        # Said as an OR, PostgreSQL would expect most rows to meet it, and read them with one process only.
        anyone = " ".join(f"WHEN {condition} THEN 1" for condition in conditions)
        broken = f"SELECT data.*, {flags} FROM {rows} AS data WHERE CASE {anyone} ELSE 0 END = 1"
        seen = ", ".join(
            f"SUM(dataops_breaks{number}) OVER (ROWS UNBOUNDED PRECEDING) AS dataops_seen{number}" for number in numbers
        )
        wanted = " OR ".join(
            f"(dataops_breaks{number} = 1 AND dataops_seen{number} <= {self.limit})" for number in numbers
        )
        counted = f"SELECT broken.*, {seen} FROM ({broken}) AS broken"
        names = self.expressions.schema.names
        found: dict[int, Rows] = {check: [] for check in predicates}
        for row in self.fetch(f"SELECT * FROM ({counted}) AS counted WHERE {wanted}", scans):
            for number, check in enumerate(predicates):
                if row[len(names) + number] and len(found[check]) < self.limit:
                    found[check].append(dict(zip(names, row, strict=False)))
        return found

    def _repeated(self, rows: str, broken: Repeated) -> str:
        """Return a SELECT of rows that share their key with others: a few such keys first, and then their rows."""
        keys = [self.expressions.sql(self.expressions.key(column)) for column in broken.columns]
        names = [f"dataops_key{number}" for number in range(len(keys))]
        named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
        where = rows_that(self.expressions, broken.where)
        groups = (
            f"SELECT {named} FROM {rows} AS data{where} GROUP BY {', '.join(keys)} HAVING COUNT(*) > 1"
            f" LIMIT {self.limit}"
        )
        # A join by plain equality can be hashed; null equals null only where a key can be null.
        same = exp.EQ if broken.where == Not(IsNull(broken.columns[0])) else exp.NullSafeEQ
        matches = " AND ".join(
            self.expressions.sql(same(this=exp.column(name, "data"), expression=exp.column(name, "repeated")))
            for name in names
        )
        members = f"SELECT data.*, {named} FROM {rows} AS data{where}"
        order = ", ".join(f"data.{name}" for name in names)
        return (
            f"SELECT data.* FROM ({members}) AS data JOIN ({groups}) AS repeated ON {matches}"
            f" ORDER BY {order} LIMIT {self.limit}"
        )
