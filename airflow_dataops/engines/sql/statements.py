"""A SELECT that measures: the columns of its one row, and how each becomes a metric's value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Metric
from airflow_dataops.core.ports import Database
from airflow_dataops.core.predicates import Predicate
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.sources import Source


@dataclass(frozen=True)
class Answer:
    """One value of a statement's row, and how it becomes the metric's."""

    metric: Metric
    sql: str
    decode: Callable[[Any], Any]

    def value(self, answered: Any) -> Any:
        """Return the metric's value; a ``MeasureError`` where a text stands in the place of a number."""
        try:
            return self.decode(answered)
        except (TypeError, ValueError) as error:
            return MeasureError(f"the column's values are not what is needed: {error}")


@dataclass(frozen=True)
class Planned:
    """A SELECT that answers its metrics with one row.

    :param source: what stands behind FROM.
    :param scans: how many times it reads the relation.
    """

    answers: tuple[Answer, ...]
    source: str
    scans: int = 1

    @property
    def sql(self) -> str:
        """The statement's text."""
        columns = ",\n  ".join(f"{answer.sql} AS m{index}" for index, answer in enumerate(self.answers))
        return f"SELECT\n  {columns}\nFROM {self.source}"

    def suited(self, known: Mapping[Metric, Any]) -> Planned:
        """Return the statement to run in its place, given what is known when its turn has come."""
        return self

    def run(self, db: Database) -> list[tuple[Any, ...]]:
        """Return what the database answers."""
        return db.execute(self.sql)

    def values(self, row: Sequence[Any]) -> dict[Metric, Any]:
        """Return the metrics' values, of the row that the database answered."""
        return {answer.metric: answer.value(value) for answer, value in zip(self.answers, row, strict=True)}

    def read(self, rows: Sequence[Sequence[Any]]) -> dict[Metric, Any]:
        """Return the metrics' values, of all rows that the database answered."""
        return self.values(rows[0])

    def settled(
        self, found: Mapping[Metric, Any], known: Mapping[Metric, Any]
    ) -> tuple[Mapping[Metric, Any], Planned | None]:
        """Return the values that are certain, and the statement that is to be run for the others.

        :param found: what this statement answered.
        :param known: what others have.
        """
        return found, None


@dataclass(frozen=True)
class Record(Planned):
    """A SELECT whose one row, whole, makes the value of its one metric.

    :param columns: what the row consists of.
    """

    columns: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The statement's text."""
        columns = ",\n  ".join(f"{column} AS m{index}" for index, column in enumerate(self.columns))
        return f"SELECT\n  {columns}\nFROM {self.source}"

    def values(self, row: Sequence[Any]) -> dict[Metric, Any]:
        """Return the metric's value, of the row that the database answered."""
        return {answer.metric: answer.value(row) for answer in self.answers}


Alone = Callable[[Source, Expressions, Any], Planned]
"""Plans one metric as a statement of its own.

Raises ``MeasureError`` where this dialect cannot measure it: the metric then is that error, and nothing is run.
"""


def rows_that(expressions: Expressions, predicate: Predicate | None) -> str:
    """Return the WHERE of a predicate, after a blank; nothing for every row."""
    return "" if predicate is None else f" WHERE {expressions.sql(expressions.predicate(predicate))}"
