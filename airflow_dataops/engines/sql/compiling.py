"""Predicates and metrics as SQL expressions of one dialect."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlglot import exp

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.metrics import Aggregate, Count, Function, Schema
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    InSet,
    IsNull,
    Leaf,
    Length,
    Like,
    Matches,
    Not,
    OfKind,
    Operand,
    Or,
    Predicate,
    Scalar,
    Sql,
    Total,
    Value,
    ZScore,
)
from airflow_dataops.engines.sql.dialects import Rules, rules_of
from airflow_dataops.engines.sql.sources import one_expression

_COMPARISONS: dict[str, type[exp.Expression]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}


@dataclass(frozen=True)
class Expressions:
    """Compiles for the columns of one source."""

    dialect: str
    schema: Schema

    @property
    def rules(self) -> Rules:
        """How the dialect writes."""
        return rules_of(self.dialect)

    def sql(self, expression: exp.Expression) -> str:
        """Return the expression's text."""
        return self.rules.sql(expression)

    def stored(self, name: str) -> str:
        """Return a column's name as stored.

        :raises MeasureError: there is none of that name.
        """
        stored = self.schema.find(name)
        if stored is None:
            raise MeasureError(f"there is no column {name}")
        return stored

    def column(self, name: str) -> exp.Expression:
        """Return a column's value, with NaN as null where the type has NaN."""
        stored = self.stored(name)
        column = exp.column(exp.to_identifier(stored, quoted=True))
        return self.rules.without_nan(column, self.schema.type_of(stored))

    def key(self, name: str) -> exp.Expression:
        """Return a column's value so that it equals nothing but itself, whatever the column's collation."""
        return self.rules.exact(self.column(name), self.schema.type_of(self.stored(name)))

    def sorts_fast(self, columns: tuple[str, ...]) -> bool:
        """Whether COUNT(DISTINCT) beats GROUP BY for these columns."""
        return self.rules.sorts_fast(tuple(self.schema.kinds[self.stored(column)] for column in columns))

    def predicate(self, predicate: Predicate) -> exp.Expression:
        """Return a row's condition."""
        match predicate:
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
            case _:
                return self._leaf(predicate)

    def _leaf(self, leaf: Leaf) -> exp.Expression:
        match leaf:
            case IsNull(column):
                return exp.Is(this=self.column(column), expression=exp.Null())
            case Compare(Value(one), "=", Value(other)) if self._unlike(one, other):
                return exp.false()
            case Compare(Value(column), operator, date() as moment):
                return _COMPARISONS[operator](
                    this=self.rules.timed(self.key(column)), expression=self._compared(Value(column), moment)
                )
            case Compare(left, operator, right):
                other = self._operand(right) if isinstance(right, Operand) else self._compared(left, right)
                return _COMPARISONS[operator](this=self._operand(left), expression=other)
            case InSet(column, values):
                literals = [self._compared(Value(column), value) for value in values]
                value = self.key(column)
                if isinstance(values[0], date):
                    value = self.rules.timed(value)
                return exp.In(this=value, expressions=literals)
            case Matches(column, pattern):
                return self.rules.matched(self.column(column), pattern, self.schema.type_of(self.stored(column)))
            case Like(column, pattern):
                return self.rules.like(self.column(column), pattern)
            case Sql(text):
                return exp.Paren(this=exp.Var(this=self._written(text)))
            case OfKind(column, kinds):
                return self.rules.of_kind(self.column(column), kinds)

    def _unlike(self, one: str, other: str) -> bool:
        """Whether no value of one column equals one of the other; databases would try to read one as the other."""
        return self.schema.typed and not self.schema.comparable(self.stored(one), self.stored(other))

    def _written(self, text: str) -> str:
        try:
            return one_expression(text, self.dialect, "condition") + ("\n" if "--" in text else "")
        except ConfigurationError as error:
            raise MeasureError(str(error)) from error

    def _compared(self, left: Operand, value: Scalar) -> exp.Expression:
        """Return a value of the suite as the literal that ``left`` is compared with."""
        if isinstance(left, Value):
            return self.rules.compared(value, self.schema.type_of(self.stored(left.column)))
        return self.rules.literal(value)

    def _operand(self, operand: Operand) -> exp.Expression:
        match operand:
            case Value(column):
                return self.key(column)
            case Length(column):
                return self.rules.length(self.column(column))
            case Total(columns):
                first, *others = (self.column(column) for column in columns)
                first = self.rules.summed(first, self.schema.type_of(self.stored(columns[0])))
                return functools.reduce(lambda total, column: exp.Add(this=total, expression=column), others, first)
            case ZScore(column, mean, deviation):
                value = self.rules.as_float(self.column(column))
                distance = exp.Paren(this=exp.Sub(this=value, expression=self.rules.literal(mean)))
                return exp.Div(this=distance, expression=self.rules.literal(deviation))

    def metric(self, metric: Count | Aggregate) -> exp.Expression:
        """Return a plain aggregate, over some rows only where it says so."""
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
        return self.rules.filtered(aggregate, self.predicate(metric.where))

    def _aggregate(self, metric: Aggregate) -> exp.Expression:
        column = self.column(metric.column)
        match metric.function:
            case Function.MIN:
                return exp.Min(this=self._fetchable(metric)[0])
            case Function.MAX:
                return exp.Max(this=self._fetchable(metric)[0])
            case Function.MEAN:
                return exp.Avg(this=self.rules.averaged(column))
            case Function.SUM:
                return exp.Sum(this=column)
            case Function.MEDIAN:
                return self.rules.median(column)
            case Function.STDEV:
                return exp.StddevSamp(this=self.rules.averaged(column))

    def _fetchable(self, metric: Aggregate) -> tuple[exp.Expression, Callable[[Any], Any] | None]:
        type_name = self.schema.type_of(self.stored(metric.column))
        return self.rules.fetchable(self.column(metric.column), type_name)

    def decoder(self, metric: Count | Aggregate) -> Callable[[Any], Any]:
        """Return how the database's answer becomes the metric's value, the same on every engine."""
        if isinstance(metric, Count):
            return int
        if metric.function in (Function.MEAN, Function.MEDIAN, Function.STDEV):
            return _as_float
        fetched = self._fetchable(metric)[1] if metric.function in (Function.MIN, Function.MAX) else None
        return _as_number if fetched is None else lambda value: None if value is None else fetched(value)


def _as_float(value: Any) -> float | None:
    return None if value is None else float(value)


def _as_number(value: Any) -> Any:
    """Return an integral decimal (PostgreSQL's sum of integers) as an integer, anything else as it is."""
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return int(value)
    return value
