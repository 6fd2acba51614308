"""What it means that two say the same of a check, and the smallest table on which they do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from airflow_dataops.core.results import CheckResult
from tests.agreement.asked import Asked
from tests.agreement.tables import NUMBERS, Table
from tests.agreement.theirs import Said

# Floats are summed in another order by each engine: equal to nine digits, or to nine of the largest value summed.
RELATIVE = 1e-9


def contradiction(table: Table, asked: Asked, ours: CheckResult, said: Said) -> str | None:
    """Return how our result contradicts GX's: outcome, counts or observed value; ``None`` if it does not."""
    if said.raised is not None:
        if str(ours.outcome) == "ERROR":
            return None  # neither can tell
        return f"GX raised {said.raised}"
    scale = _scale(table, asked)
    if said.counts is not None and said.counts != (ours.unexpected_count, ours.element_count):
        return f"counts {ours.unexpected_count} of {ours.element_count}, GX {said.counts[0]} of {said.counts[1]}"
    observed = said.result.get("observed_value")
    if (str(ours.outcome) == "PASS") != said.success and not _on_the_edge(asked, ours, scale):
        return f"{ours.outcome}, GX {'holds' if said.success else 'does not hold'}"
    found = sorted(ours.observed) if asked.kind == "expect_table_columns_to_match_set" else ours.observed
    if said.counts is None and "observed_value" in said.result and not alike(found, observed, scale):
        return f"observed {ours.observed!r}, GX {observed!r}"
    return None


def between_ours(table: Table, asked: Asked, one: CheckResult, other: CheckResult) -> str | None:
    """Return how the results of two of our engines differ; ``None`` if they do not."""
    scale = _scale(table, asked)
    if refused(one) and refused(other):  # each names the type in its own words
        return None if one.outcome == other.outcome else f"{one.outcome}, {other.outcome}"
    if (one.unexpected_count, one.element_count) != (other.unexpected_count, other.element_count):
        return (
            f"counts {one.unexpected_count} of {one.element_count}, {other.unexpected_count} of {other.element_count}"
        )
    if not alike(one.observed, other.observed, scale):
        return f"observed {one.observed!r}, {other.observed!r}"
    if one.outcome != other.outcome and not _on_the_edge(asked, one, scale):
        return f"{one.outcome}, {other.outcome}"
    return None


def refused(result: CheckResult) -> bool:
    """Whether the check failed as a column is missing or of the wrong type; the message names the type."""
    words = ("the column is ", "there is no such column")
    return result.unexpected_count is None and any(part in result.message for part in words)


def alike(one: Any, other: Any, scale: float) -> bool:
    """Whether two observed values are the same but for rounding and the way that a driver hands them out."""
    one, other = _plain(one), _plain(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b, scale) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key], scale) for key in one)
    numbers = int | float | Decimal
    if isinstance(one, numbers) and isinstance(other, numbers):
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(float(one), float(other), rel_tol=RELATIVE, abs_tol=RELATIVE * scale)
    return bool(one == other)


def _plain(value: Any) -> Any:
    """Return a value as plain Python: numpy's and pandas' scalars unwrapped, NaN as nothing, times aware."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    elif hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, tuple | set | frozenset):
        return sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    if value is None or (isinstance(value, float | Decimal) and value != value) or str(value) in ("NaT", "<NA>"):
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 7 else value
        except ValueError:
            return value
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def _scale(table: Table, asked: Asked) -> float:
    """Return the size of the numbers that go into the check's one: cancelling them costs digits."""
    numbers = [
        abs(float(value))
        for column in table.columns
        if column.name in asked.columns and column.type in NUMBERS
        for value in column.there
        if math.isfinite(value)
    ]
    return sum(numbers) if asked.kind in _ROUNDED else 0.0


_ROUNDED = {
    "expect_column_mean_to_be_between",
    "expect_column_sum_to_be_between",
    "expect_column_median_to_be_between",
    "expect_column_stdev_to_be_between",
    "expect_column_quantile_values_to_be_between",
}


def _on_the_edge(asked: Asked, ours: CheckResult, scale: float) -> bool:
    """Whether a rounded number lies on a bound, on whichever side: no engine is wrong there."""
    return asked.kind in _ROUNDED and any(
        alike(ours.observed, asked.kwargs[key], scale) for key in ("min_value", "max_value") if key in asked.kwargs
    )


def shrunk(table: Table, asked: Asked, differ: Callable[[Table], bool], tries: int = 60) -> Table:
    """Return a smaller table on which the two still differ: first its columns, then halves of its rows."""
    smaller = table.only(set(asked.named) & set(table.names)) if asked.named else table
    if not smaller.columns or not differ(smaller):
        smaller = table
    size = max(1, smaller.rows // 2)
    while size and tries:
        start = 0
        while start < smaller.rows and tries:
            tries -= 1
            candidate = smaller.without(start, start + size)
            if candidate.rows and differ(candidate):
                smaller = candidate
            else:
                start += size
        size //= 2
    return smaller
