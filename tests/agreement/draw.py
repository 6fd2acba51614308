"""Draws arguments that mean something for one table: taken from its data, so that edges are hit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from statistics import fmean
from typing import Any

from tests.agreement.asked import writable
from tests.agreement.tables import NUMBERS, TIMES, Column, Table, Type

ANY_TYPE = tuple(Type)


class Draw:
    """Draws arguments that mean something for one table."""

    def __init__(self, random: Random, table: Table) -> None:
        self.random = random
        self.table = table

    def sometimes(self, chance: float) -> bool:
        """Whether this time."""
        return self.random.random() < chance

    def column(self, types: Iterable[Type] = ANY_TYPE, *, astray: float = 0.04) -> Column:
        """Return a column of one of ``types``; now and then of another."""
        fitting = [column for column in self.table.columns if column.type in tuple(types)]
        if not fitting or self.sometimes(astray):
            return self.random.choice(self.table.columns)
        return self.random.choice(fitting)

    def columns(self, low: int, high: int) -> list[Column]:
        """Return some columns, mostly of one type, so that they can be compared."""
        first = self.random.choice(self.table.columns)
        alike = [column for column in self.table.columns if column.type == first.type and column is not first]
        others = [column for column in self.table.columns if column.type != first.type]
        self.random.shuffle(alike)
        self.random.shuffle(others)
        wanted = self.random.randint(low, high)
        return [first, *alike, *others][:wanted]

    def mostly(self) -> dict[str, Any]:
        """Return no, a plain or an edgy share."""
        rows = max(self.table.rows, 1)
        return self.random.choice(
            (
                {},
                {},
                {"mostly": self.random.choice((0, 0.5, 0.9, 1, 1.0))},
                {"mostly": self.random.randint(0, rows) / rows},
                {"mostly": round(self.random.random(), 2)},
            )
        )

    def value(self, column: Column) -> Any:
        """Return a value of the column, or one near it or far from it."""
        there = column.there or [_ANYTHING[column.type]]
        value = self.random.choice(there)
        if column.type in NUMBERS:
            finite = value if value == value and abs(value) != float("inf") else 1
            steps = (0, 0, 0, 1, -1, 100) if column.type is not Type.BIG else (0,)
            moved = finite + self.random.choice(steps)
            if column.type is Type.WHOLE and self.sometimes(0.3):
                return moved + 0.5
            return float(moved) if column.type is Type.DECIMAL and self.sometimes(0.5) else moved
        if column.type in TIMES:
            return value + timedelta(days=self.random.choice((0, 0, 0, 1, -1, 400)))
        return value

    def range_of(self, value: Callable[[], Any]) -> dict[str, Any]:
        """Return the bounds of a range, one or both, open or closed."""
        found: dict[str, Any] = {}
        low, high = sorted((value(), value()))
        low, high = (int(low), int(high)) if isinstance(low, bool) else (low, high)
        which = self.random.choice(("both", "both", "low", "high"))
        if which != "high":
            found["min_value"] = low
        if which != "low":
            found["max_value"] = high
        for key in ("strict_min", "strict_max"):
            if self.sometimes(0.3):
                found[key] = self.random.choice((True, True, False))
        return found

    def count(self, near: int) -> int:
        """Return a whole number near a count."""
        return max(0, near + self.random.choice((0, 0, 0, 1, -1, 5)))

    def values(self, column: Column) -> list[Any]:
        """Return a set of values: some of the column's, some not."""
        return [self.value(column) for _ in range(self.random.randint(1, 6))]

    def number_near(self, column: Column) -> Any:
        """Return a number such as aggregates of the column have, not on their very edge."""
        finite = [float(v) for v in column.there if not isinstance(v, str | bool) and column.type in NUMBERS]
        finite = [v for v in finite if abs(v) < 1e200] or [0.0]
        around = self.random.choice((fmean(finite), sum(finite), min(finite), max(finite), 0))
        return around + self.random.choice((-7.3, -0.77, 0.77, 7.3))

    def condition(self) -> dict[str, Any]:
        """Return a ``row_condition``, mostly none, in one of the forms that GX reads."""
        if self.sometimes(0.75):
            return {}
        form = self.random.choice(("text", "stored", "stored", "pandas"))
        compared = [self._compared() for _ in range(6)]
        fit = [one for one in compared if writable(one[0].name) and writable(one[2])]
        if form == "text" and fit:
            return {"row_condition": self._text_condition(*fit[0]), "condition_parser": "great_expectations"}
        if form == "pandas" and fit:
            terms = [f"`{column.name}` {operator} {value!r}" for column, operator, value in fit[:2]]
            joined = self.random.choice((terms[0], " and ".join(terms), " or ".join(terms)))
            return {"row_condition": joined, "condition_parser": "pandas"}
        return {"row_condition": self._stored_condition(depth=0)}

    def _compared(self) -> tuple[Column, str, Any]:
        column = self.column((Type.WHOLE, Type.REAL, Type.TEXT), astray=0)
        operator = self.random.choice(("==", "!=", "<", "<=", ">", ">=") if column.type in NUMBERS else ("==", "!="))
        return column, operator, self.value(column)

    def _text_condition(self, column: Column, operator: str, value: Any) -> str:
        if self.sometimes(0.2):
            return f'col("{column.name}").notNull()'
        written = f'"{value}"' if isinstance(value, str) else repr(value)
        return f'col("{column.name}") {operator} {written}'

    def _stored_condition(self, depth: int) -> dict[str, Any]:
        if depth == 0 and self.sometimes(0.3):
            terms = [self._stored_condition(depth + 1) for _ in range(2)]
            return {"type": self.random.choice(("and", "or")), "conditions": terms}
        column, operator, value = self._compared()
        where = {"column": {"name": column.name}}
        if self.sometimes(0.25):
            return {"type": "nullity", **where, "is_null": self.sometimes(0.3)}
        if self.sometimes(0.2):
            operator, value = self.random.choice(("IN", "NOT_IN")), [value, self.value(column)]
        return {"type": "comparison", **where, "operator": operator, "parameter": value}


_ANYTHING = {
    Type.WHOLE: 1,
    Type.BIG: 2**53,
    Type.REAL: 0.5,
    Type.DECIMAL: Decimal("1.25"),
    Type.TEXT: "a",
    Type.BOOLEAN: True,
    Type.DATE: datetime(2020, 2, 28).date(),
    Type.TIME: datetime(2020, 2, 28),
    Type.ZONED: datetime.fromisoformat("2020-02-28T00:00:00+00:00"),
}


Generator = Callable[[Draw], dict[str, Any]]
