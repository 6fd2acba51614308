"""What every SQL dialect has to say of itself, with the standard's answer where there is one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlglot import exp

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.predicates import Kind, Scalar
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.sql.kinds import is_float, kind_of


class Rules:
    """How one dialect writes what the planner needs; a rule is here only if a test runs it, or a golden file shows it.

    sqlglot writes the text; what it would write wrongly for a dialect without a word is said here.
    """

    name: ClassVar[str]
    """sqlglot's name of the dialect."""
    label: ClassVar[str]
    """The database as a person names it."""
    typed: ClassVar[bool] = True
    """Whether a column's type holds for each of its values."""
    has_filter: ClassVar[bool] = True
    """Whether an aggregate takes ``FILTER (WHERE …)``."""

    def sql(self, expression: exp.Expression) -> str:
        """Return the expression's text."""
        return str(expression.sql(dialect=self.name))

    def quoted(self, name: str) -> str:
        """Return a name quoted, so that it means what is stored."""
        return self.sql(exp.to_identifier(name, quoted=True))

    def relation(self, relation: Relation) -> str:
        """Return a table's or view's name for FROM."""
        parts = (relation.schema, relation.name) if relation.schema else (relation.name,)
        return ".".join(self.quoted(part) for part in parts)

    def kind_of(self, type_name: str) -> Kind:
        """Return what columns of the type hold."""
        return kind_of(type_name)

    def without_nan(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the column's value with NaN as null, where the type has NaN."""
        if not is_float(type_name):
            return column
        own = exp.DataType.build(type_name, dialect=self.name)
        return exp.Nullif(this=column, expression=exp.cast(exp.Literal.string("NaN"), own))

    def as_float(self, column: exp.Expression) -> exp.Expression:
        """Return the value as a floating point number of 64 bits."""
        return exp.cast(column, "double")

    def length(self, column: exp.Expression) -> exp.Expression:
        """Return the number of characters of a text."""
        return exp.Anonymous(this="LENGTH", expressions=[column])

    def matches(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether Python's ``pattern`` is found in the text.

        :raises MeasureError: the dialect lacks something of the pattern, or reads it differently.
        """
        raise MeasureError(f"{self.label} has no regular expressions")

    def like(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether the whole text is of the pattern, case by case."""
        return exp.Like(this=column, expression=self.literal(pattern))

    def of_kind(self, column: exp.Expression, kinds: frozenset[Kind]) -> exp.Expression:
        """Return whether this value is of one of ``kinds``: asked only where columns have no types."""
        raise NotImplementedError

    def literal(self, value: Scalar) -> exp.Expression:
        """Return a value of a suite as a literal."""
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        if isinstance(value, int | float | Decimal):
            return exp.Literal.number(f"{value:f}" if isinstance(value, Decimal) else repr(value))
        if isinstance(value, str):
            if "\0" in value:
                raise MeasureError("a text with a zero byte cannot be compared with")
            return exp.Literal.string(value)
        return self.moment(value)

    def moment(self, value: date | datetime) -> exp.Expression:
        """Return a date or a time as a literal."""
        if not isinstance(value, datetime):
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        text = exp.Literal.string(value.isoformat(sep=" "))
        return exp.cast(text, "timestamptz" if value.tzinfo else "timestamp")

    def filtered(self, aggregate: exp.Func, condition: exp.Expression) -> exp.Expression:
        """Return the aggregate over the rows that meet ``condition``."""
        if self.has_filter:
            return exp.Filter(this=aggregate, expression=exp.Where(this=condition))
        value = exp.Literal.number("1") if isinstance(aggregate.this, exp.Star) else aggregate.this
        aggregate.set("this", exp.Case(ifs=[exp.If(this=condition, true=value)]))
        return aggregate

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return the median, interpolated between the two values in the middle."""
        ordered = exp.Order(expressions=[exp.Ordered(this=column)])
        return exp.WithinGroup(this=exp.PercentileCont(this=exp.Literal.number("0.5")), expression=ordered)

    def fetchable(self, column: exp.Expression, type_name: str) -> tuple[exp.Expression, Callable[[Any], Any] | None]:
        """Return the value in a form that the driver can fetch, and what makes it the value again."""
        return column, None

    def sorts_fast(self, kinds: tuple[Kind, ...]) -> bool:
        """Whether COUNT(DISTINCT) of columns of these kinds beats GROUP BY."""
        return False
