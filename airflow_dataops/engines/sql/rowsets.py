"""Whole results of queries, compared without being kept: each row is fetched, and only its digest stays."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Metric, RowSet
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.queries import filled, rows_of
from airflow_dataops.engines.sql.sources import Source
from airflow_dataops.engines.sql.statements import Answer, Planned

MOST_ROWS = 10_000
"""More are refused: all of them pass through this process. Great Expectations compares the first 200, whichever."""


@dataclass(frozen=True)
class Whole(Planned):
    """A SELECT all of whose rows make the value of its one metric."""

    @property
    def sql(self) -> str:
        """The statement's text."""
        return f"SELECT * FROM {self.source} LIMIT {MOST_ROWS + 1}"

    def read(self, rows: Sequence[Sequence[Any]]) -> dict[Metric, Any]:
        """Return the metric's value, of all rows that the database answered."""
        return {answer.metric: answer.decode(rows) for answer in self.answers}


def plan_row_set(source: Source, expressions: Expressions, metric: RowSet) -> Planned:
    """Return the SELECT of the query's rows, or of those that are judged."""
    if metric.query is None:
        return row_set(metric, source.sql)
    return row_set(metric, rows_of(source.dialect, filled(metric.query, source)))


def row_set(metric: Metric, rows: str) -> Whole:
    """Return the SELECT of ``rows``, as they stand behind FROM."""
    return Whole((Answer(metric, "", _digests),), rows)


def _digests(rows: Sequence[Sequence[Any]]) -> Counter[bytes]:
    if len(rows) > MOST_ROWS:
        raise MeasureError(f"the query yields more than {MOST_ROWS:,} rows; compare sums and counts of groups instead")
    return Counter(_digest(row) for row in rows)


def _digest(row: Sequence[Any]) -> bytes:
    text = json.dumps([_same_everywhere(value) for value in row], ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _same_everywhere(value: Any) -> Any:
    """Return a value as text that is the same whichever database it comes from; NaN is null.

    A true is a 1, an integral decimal or float an integer, and a time its text, as they are where a database has no
    type of their own.
    """
    if value is None or (isinstance(value, float | Decimal) and math.isnan(value)):
        return None
    if isinstance(value, bool | int | float | Decimal):
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return [_digits(exact) if exact.is_finite() else str(exact)]
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return json.dumps(value, default=str, sort_keys=True) if isinstance(value, list | dict | tuple) else str(value)


def _digits(value: Decimal) -> str:
    """Return a number's digits without the zeros that mean nothing; never rounded, as ``normalize`` would."""
    text = f"{value:f}" if value else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text
