"""The sentences of row-wise findings: how many of how many, how they are wrong, what was expected."""

from __future__ import annotations

from decimal import Decimal

from airflow_dataops.core.predicates import And, Compare, Holds, InSet, IsNull, Length, Not, Or, Predicate, Value
from airflow_dataops.core.values import percent, readable
from airflow_dataops.core.vocabulary.compiled import Finding

_LONGEST_CONDITION = 100


def enough(good: int, whole: int, mostly: Decimal) -> bool:
    """Whether ``good`` rows of ``whole`` are as many as ``mostly`` asks.

    A share that a person computed, 5 / 6, is the float next to it: the rows' own share is rounded the same way.
    """
    return good >= mostly * whole or (mostly < 1 and good / whole >= float(mostly))


def asked(mostly: Decimal, wanted: str) -> str:
    """Return what a row-wise check expects: ``at least 99.9 % not null``."""
    return wanted if mostly == 1 else f"at least {(mostly * 100).normalize():f} % {wanted}"


def only_where(condition: Predicate | None) -> str:
    """Return which rows alone were looked at, to stand behind what was counted: `` where x > 5``, or nothing."""
    if condition is None:
        return ""
    words = condition_words(condition)
    return f" where {words if len(words) <= _LONGEST_CONDITION else words[: _LONGEST_CONDITION - 1] + '…'}"


def condition_words(condition: Predicate) -> str:
    """Return a ``row_condition`` as a person says it, on any engine alike."""
    match condition:
        case Compare(left, operator, right):
            return f"{_side(left)} {operator} {_side(right)}"
        case IsNull(column):
            return f"{column} is null"
        case Not(IsNull(column)):
            return f"{column} is not null"
        case InSet(column, values):
            return f"{column} in {readable(values)}"
        case Not(InSet(column, values)):
            return f"{column} not in {readable(values)}"
        case And(terms):
            return " and ".join(_bracketed(term) if isinstance(term, Or) else condition_words(term) for term in terms)
        case Or(terms):
            return " or ".join(_bracketed(term) if isinstance(term, And) else condition_words(term) for term in terms)
        case Not(term):
            return f"not {_bracketed(term)}"
        case Holds(term):
            return condition_words(term)
    return str(condition)


def _bracketed(term: Predicate) -> str:
    return f"({condition_words(term)})"


def _side(operand: object) -> str:
    match operand:
        case Value(column):
            return column
        case Length(column):
            return f"length of {column}"
    return readable(operand)


def rowwise(
    place: str,
    *,
    broken: int,
    rows: int,
    mostly: Decimal,
    wanted: str,
    breaks: str,
    noun: str = "rows",
    condition: Predicate | None = None,
) -> Finding:
    """Return the finding of a row-wise check.

    :param wanted: what each row should be (``not null``).
    :param breaks: what is wrong with those that are not (``are null``).
    :param rows: the rows that were looked at; none of them is a check that holds, as GX has it.
    :param condition: the ``row_condition``, which the message names.
    """
    holds = enough(rows - broken, rows, mostly)
    expected = asked(mostly, wanted)
    where = only_where(condition)
    if rows == 0:
        message = f"{place}: every value{where} is null, so there was none to look at; expected {expected}"
    elif broken == 0:
        message = f"{place}: all {rows:,} {noun}{where} are as expected: {wanted}"
    else:
        share = percent(broken, rows)
        message = f"{place}: {broken:,} of {rows:,} {noun}{where} ({share}) {breaks}; expected {expected}"
    return Finding(
        holds=holds,
        observed=broken,
        expected=expected,
        message=message,
        unexpected_count=broken,
        element_count=rows,
    )
