"""What every SQL dialect has to say of itself, with the standard's answer where there is one."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlglot import exp

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Function
from airflow_dataops.core.predicates import Kind, Scalar
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.sql.kinds import is_float, is_whole, kind_of


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
    nan_equals_itself: ClassVar[bool] = True
    """Whether ``NULLIF`` finds NaN; where not, ``IS_NAN`` does."""
    truth_is_number: ClassVar[bool] = False
    """Whether it has truth values as the numbers 1 and 0 alone."""
    has_filter: ClassVar[bool] = True
    """Whether an aggregate takes ``FILTER (WHERE …)``."""
    has_median: ClassVar[bool] = True
    """Whether there is a median among its aggregates."""
    interpolates: ClassVar[bool] = False
    """Whether there is an aggregate of quantiles that interpolates in floating point numbers."""
    picks_by_array: ClassVar[bool] = False
    """Whether PERCENTILE_DISC takes an array of shares, which need not be constants."""
    sorts_alone: ClassVar[frozenset[Function]] = frozenset()
    """Aggregates that cost the others of their statement a parallel plan."""
    proves_uniqueness_first: ClassVar[bool] = False
    """Whether counting the different keys is so much cheaper than counting those that repeat that it comes first."""
    select_groups: ClassVar[str] = "SELECT"
    """How a SELECT begins that has as many groups as there may be rows."""
    hands_over: ClassVar[bool] = False
    """Whether it is in this process, so that a whole column can be had as a list, for Great Expectations itself."""

    def sql(self, expression: exp.Expression) -> str:
        """Return the expression's text."""
        return str(expression.sql(dialect=self.name))

    def quoted(self, name: str) -> str:
        """Return a name quoted, so that it means what is stored."""
        return self.sql(exp.to_identifier(name, quoted=True))

    def stored(self, name: str) -> str:
        """Return how the database stores a name that people write so, where it must be told without a look."""
        return name

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
        if not self.nan_equals_itself:
            told = exp.Not(this=exp.Anonymous(this="IS_NAN", expressions=[column]))
            return exp.Case(ifs=[exp.If(this=told, true=column.copy())])
        own = exp.DataType.build(type_name, dialect=self.name)
        return exp.Nullif(this=column, expression=exp.cast(exp.Literal.string("NaN"), own))

    def exact(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the value so that it equals nothing but itself, where a collation would take others for it."""
        return column

    def same(self, partner: str, key: str, kind: Kind) -> str:
        """Return whether a key equals another relation's column, whose type nobody has asked for.

        :param kind: what the key holds.
        """
        return f"{partner} = {key}"

    def compared(self, value: Scalar, type_name: str) -> exp.Expression:
        """Return the literal that a column of the type is compared with.

        :raises MeasureError: the database would compare the two without an error, and without a meaning.
        """
        return self.literal(value)

    def timed(self, column: exp.Expression) -> exp.Expression:
        """Return a time in the form in which it compares with a literal of :meth:`moment`."""
        return column

    def averaged(self, column: exp.Expression) -> exp.Expression:
        """Return the value as AVG and STDDEV_SAMP must have it to lose no digits."""
        return column

    def summed(self, column: exp.Expression, type_name: str) -> exp.Expression:
        """Return the value as the first of a row's sum: integers so that the sum may be wider than their type."""
        return exp.cast(column, "decimal(38, 0)") if self.typed and is_whole(type_name) else column

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

    def matched(self, column: exp.Expression, pattern: str, type_name: str) -> exp.Expression:
        """Return whether Python's ``pattern`` is found in a column of the type, in the form that is fastest.

        :raises MeasureError: the dialect lacks something of the pattern, or reads it differently.
        """
        return self.matches(column, pattern)

    def like(self, column: exp.Expression, pattern: str) -> exp.Expression:
        """Return whether the whole text is of the pattern, case by case; ``!`` escapes in it."""
        like = exp.Like(this=column, expression=self.literal(pattern))
        # Named for a backslash too, which some databases take for an escape as long as there is no other.
        return exp.Escape(this=like, expression=self.literal("!")) if {"!", "\\"} & set(pattern) else like

    def of_kind(self, column: exp.Expression, kinds: frozenset[Kind]) -> exp.Expression:
        """Return whether this value is of one of ``kinds``: asked only where columns have no types."""
        raise NotImplementedError

    def literal(self, value: Scalar) -> exp.Expression:
        """Return a value of a suite as a literal."""
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        if isinstance(value, float) and math.isinf(value):
            return self.infinity(value)
        if isinstance(value, int | float | Decimal):
            return exp.Literal.number(f"{value:f}" if isinstance(value, Decimal) else repr(value))
        if isinstance(value, str):
            if "\0" in value:
                raise MeasureError("a text with a zero byte cannot be compared with")
            return exp.Literal.string(value)
        return self.moment(value)

    def infinity(self, value: float) -> exp.Expression:
        """Return plus or minus infinity as a literal."""
        return self.as_float(exp.Literal.string("Infinity" if value > 0 else "-Infinity"))

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
        if isinstance(aggregate, exp.Anonymous):  # ``this`` is its name, and what it aggregates its first argument
            first, *others = aggregate.expressions
            aggregate.set("expressions", [exp.Case(ifs=[exp.If(this=condition, true=first)]), *others])
            return aggregate
        value = exp.Literal.number("1") if isinstance(aggregate.this, exp.Star) else aggregate.this
        aggregate.set("this", exp.Case(ifs=[exp.If(this=condition, true=value)]))
        return aggregate

    def median(self, column: exp.Expression) -> exp.Expression:
        """Return the median, interpolated between the two values in the middle."""
        ordered = exp.Order(expressions=[exp.Ordered(this=column)])
        return exp.WithinGroup(this=exp.PercentileCont(this=exp.Literal.number("0.5")), expression=ordered)

    def quantile(self, column: exp.Expression, share: float) -> exp.Expression:
        """Return the value below which ``share`` of the values lie, interpolated: asked where ``interpolates``."""
        ordered = exp.Order(expressions=[exp.Ordered(this=column)])
        return exp.WithinGroup(this=exp.PercentileCont(this=self.literal(share)), expression=ordered)

    def fetchable(self, column: exp.Expression, type_name: str) -> tuple[exp.Expression, Callable[[Any], Any] | None]:
        """Return the value in a form that the driver can fetch, and what makes it the value again."""
        return column, None

    def sorts_fast(self, kinds: tuple[Kind, ...]) -> bool:
        """Whether COUNT(DISTINCT) of columns of these kinds beats GROUP BY."""
        return False
