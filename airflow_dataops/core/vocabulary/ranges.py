"""Ranges: what lies in them, in words and in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.predicates import Compare, Operand, Or, Predicate, Scalar
from airflow_dataops.core.values import readable


@dataclass(frozen=True, kw_only=True)
class Range:
    """From ``low`` to ``high``, either left open by ``None``."""

    low: Any = None
    high: Any = None
    strict_low: bool = False
    strict_high: bool = False

    @classmethod
    def read(cls, arguments: dict[str, Any]) -> Range:
        """Return the range of a check's ``min_value``, ``max_value``, ``strict_min`` and ``strict_max``."""
        return cls(
            low=arguments["min_value"],
            high=arguments["max_value"],
            strict_low=arguments.get("strict_min", False),
            strict_high=arguments.get("strict_max", False),
        )

    def __str__(self) -> str:
        return self._words(_written)

    def short(self) -> str:
        """Return a range that was computed, without the digits that nobody reads."""
        return self._words(readable)

    def _words(self, say: Callable[[Any], str]) -> str:
        low, high = say(self.low), say(self.high)
        if self.low is not None and self.low == self.high:
            return f"equal to {low}"
        if self.low is not None and self.high is not None and not (self.strict_low or self.strict_high):
            return f"between {low} and {high}"
        bounds = []
        if self.low is not None:
            bounds.append(f"{'above' if self.strict_low else 'at least'} {low}")
        if self.high is not None:
            bounds.append(f"{'below' if self.strict_high else 'at most'} {high}")
        return " and ".join(bounds) or "any"

    def told(self, value: Any) -> str:
        """Return a measured value as a person reads it; with all digits where fewer would look like a bound."""
        short = readable(value)
        alike = short in (readable(self.low), readable(self.high))
        return _written(value) if alike and value not in (self.low, self.high) else short

    def holds(self, value: Any) -> bool:
        """Whether a measured value lies in the range."""
        if self.low is not None:
            measured, low = comparable(value, self.low)
            if measured < low or (self.strict_low and measured == low):
                return False
        if self.high is not None:
            measured, high = comparable(value, self.high)
            if measured > high or (self.strict_high and measured == high):
                return False
        return True

    def outside(self, operand: Operand) -> Predicate:
        """Return the predicate of rows whose ``operand`` lies outside; a null one is nowhere."""
        terms: list[Predicate] = []
        if self.low is not None:
            terms.append(Compare(operand, "<=" if self.strict_low else "<", self.low))
        if self.high is not None:
            terms.append(Compare(operand, ">=" if self.strict_high else ">", self.high))
        return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _written(bound: Any) -> str:
    """Return a bound with all the digits that the suite's author wrote."""
    if isinstance(bound, float | Decimal) and bound % 1:
        return f"{bound:,}"
    return readable(bound)


def comparable(measured: Any, written: Scalar) -> tuple[Any, Any]:
    """Return a measured value and one written in a suite so that Python can compare them without losing digits."""
    try:
        if isinstance(measured, date) or isinstance(written, date):
            return moment_of(measured), moment_of(written)
        _ = measured < written
    except (TypeError, ValueError) as error:
        raise MeasureError(f"{written} cannot be compared with the column's values: {error}") from error
    if isinstance(measured, Decimal) and isinstance(written, float):
        return measured, Decimal(str(written))
    if isinstance(measured, float) and isinstance(written, Decimal):
        return Decimal(str(measured)), written
    return measured, written


def moment_of(value: Any) -> datetime:
    """Return a date, a time or its ISO text as an aware time; what names no zone is UTC."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)
    else:
        moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
