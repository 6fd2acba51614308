"""Predicates and metrics as SQL expressions of one dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Aggregate, Count, Function, Schema
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    InSet,
    IsNull,
    Kind,
    Length,
    Matches,
    Not,
    OfKind,
    Operand,
    Or,
    Predicate,
    Scalar,
    Value,
)
from airflow_dataops.engines.sql.kinds import is_float
from airflow_dataops.engines.sql.patterns import portable

_COMPARISONS: dict[str, type[exp.Expression]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_STORED_AS = {
    Kind.NUMBER: ("integer", "real"),
    Kind.TEXT: ("text",),
    Kind.TIME: ("text",),
    Kind.BOOLEAN: ("integer",),
    Kind.OTHER: ("blob",),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Expressions:
    """Compiles for the columns of one source."""

    dialect: str
    schema: Schema

    def sql(self, expression: exp.Expression) -> str:
        """Return the expression's text."""
        return str(expression.sql(dialect=self.dialect))

    def column(self, name: str) -> exp.Expression:
        """Return a column's value, with NaN as null where the type has NaN."""
        stored = self.schema.find(name)
        if stored is None:
            raise MeasureError(f"there is no column {name}")
        column = exp.column(exp.to_identifier(stored, quoted=True))
        if self.schema.typed and is_float(self.schema.type_of(stored)):
            own = exp.DataType.build(self.schema.type_of(stored), dialect=self.dialect)
            return exp.Nullif(this=column, expression=exp.cast(exp.Literal.string("NaN"), own))
        return column

    def sorts_fast(self, columns: tuple[str, ...]) -> bool:
        """Whether COUNT(DISTINCT), which sorts, beats GROUP BY: on PostgreSQL for one column of numbers or times.

        1M rows: 0.1 to 0.3 s against 0.5 s; for text 0.8 s against 0.6 s, for two columns 2.0 s against 0.5 s. It
        counts values only, so the caller's condition must leave nulls out.
        """
        stored = self.schema.find(columns[0])
        kind = self.schema.kinds.get(stored or "")
        return self.dialect == "postgres" and len(columns) == 1 and kind in (Kind.NUMBER, Kind.TIME)

    def predicate(self, predicate: Predicate) -> exp.Expression:
        """Return a row's condition."""
        match predicate:
            case IsNull(column):
                return exp.Is(this=self.column(column), expression=exp.Null())
            case Compare(left, operator, right):
                other = self._operand(right) if isinstance(right, Value | Length) else self.literal(right)
                return _COMPARISONS[operator](this=self._operand(left), expression=other)
            case InSet(column, values):
                return exp.In(this=self.column(column), expressions=[self.literal(value) for value in values])
            case Matches(column, pattern):
                return self._matches(self.column(column), exp.Literal.string(portable(pattern, self.dialect)))
            case OfKind(column, kinds):
                return self._of_kind(column, kinds)
            case Not(IsNull(column)):
                return exp.Is(this=self.column(column), expression=exp.Not(this=exp.Null()))
            case Not(term):
                return exp.not_(self.predicate(term))
            case Holds(term):
                return exp.Coalesce(this=self.predicate(term), expressions=[exp.false()])
            case And(terms):
                return exp.and_(*(self.predicate(term) for term in terms))
            case Or(terms):
                return exp.or_(*(self.predicate(term) for term in terms))

    def _operand(self, operand: Operand) -> exp.Expression:
        column = self.column(operand.column)
        return exp.Anonymous(this="LENGTH", expressions=[column]) if isinstance(operand, Length) else column

    def _matches(self, column: exp.Expression, pattern: exp.Expression) -> exp.Expression:
        if self.dialect == "postgres":
            return exp.RegexpLike(this=column, expression=pattern)
        if self.dialect == "duckdb":
            return exp.Anonymous(this="REGEXP_MATCHES", expressions=[column, pattern])
        return exp.Anonymous(this="REGEXP", expressions=[pattern, column])

    def _of_kind(self, column: str, kinds: frozenset[Kind]) -> exp.Expression:
        stored = sorted({name for kind in kinds for name in _STORED_AS[kind]} | {"null"})
        return exp.In(
            this=exp.Anonymous(this="TYPEOF", expressions=[self.column(column)]),
            expressions=[exp.Literal.string(name) for name in stored],
        )

    def literal(self, value: Scalar) -> exp.Expression:
        """Return a value of a suite as a literal of the dialect."""
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        if isinstance(value, int | float | Decimal):
            return exp.Literal.number(f"{value:f}" if isinstance(value, Decimal) else repr(value))
        if isinstance(value, str):
            if "\0" in value:
                raise MeasureError("a text with a zero byte cannot be compared with")
            return exp.Literal.string(value)
        # SQLite keeps times as text, a blank between day and time, and compares them as text.
        text = exp.Literal.string(value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat())
        if self.dialect == "sqlite":
            return text
        if not isinstance(value, datetime):
            return exp.cast(text, "date")
        return exp.cast(text, "timestamptz" if value.tzinfo else "timestamp")

    def metric(self, metric: Count | Aggregate) -> exp.Expression:
        """Return a plain aggregate, with FILTER where it looks at some rows only."""
        match metric:
            # Counting a column's values is cheaper than a filter, and the database shares equal counts.
            case Count(Not(IsNull(column))):
                return exp.Count(this=self.column(column))
            case Count(IsNull(column)):
                values = exp.Count(this=self.column(column))
                return exp.Sub(this=exp.Count(this=exp.Star()), expression=values)
            case Count():
                aggregate: exp.Expression = exp.Count(this=exp.Star())
            case Aggregate():
                aggregate = self._aggregate(metric)
        if metric.where is None:
            return aggregate
        return exp.Filter(this=aggregate, expression=exp.Where(this=self.predicate(metric.where)))

    def _aggregate(self, metric: Aggregate) -> exp.Expression:
        column = self.column(metric.column)
        match metric.function:
            case Function.MIN | Function.MAX:
                if self._zoned(metric):  # fetching one would need pytz
                    column = exp.Anonymous(this="EPOCH_US", expressions=[column])
                return exp.Min(this=column) if metric.function is Function.MIN else exp.Max(this=column)
            case Function.MEAN:
                return exp.Avg(this=column)
            case Function.SUM:
                return exp.Sum(this=column)
            case Function.MEDIAN:
                return self._median(column)

    def _median(self, column: exp.Expression) -> exp.Expression:
        if self.dialect == "postgres":
            ordered = exp.Order(expressions=[exp.Ordered(this=column)])
            half = exp.PercentileCont(this=exp.Literal.number("0.5"))
            return exp.WithinGroup(this=half, expression=ordered)
        name = "MEDIAN" if self.dialect == "duckdb" else "DATAOPS_MEDIAN"
        return exp.Anonymous(this=name, expressions=[column])

    def _zoned(self, metric: Aggregate) -> bool:
        stored = self.schema.find(metric.column)
        return self.dialect == "duckdb" and bool(stored) and "WITH TIME ZONE" in self.schema.type_of(stored or "")

    def decoder(self, metric: Count | Aggregate) -> Callable[[Any], Any]:
        """Return how the database's answer becomes the metric's value, the same on every engine."""
        if isinstance(metric, Count):
            return int
        if metric.function in (Function.MEAN, Function.MEDIAN):
            return _as_float
        if metric.function in (Function.MIN, Function.MAX) and self._zoned(metric):
            return lambda value: None if value is None else _EPOCH + timedelta(microseconds=value)
        return _as_number


def _as_float(value: Any) -> float | None:
    return None if value is None else float(value)


def _as_number(value: Any) -> Any:
    """Return an integral decimal (PostgreSQL's sum of integers) as an integer, anything else as it is."""
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    return value
