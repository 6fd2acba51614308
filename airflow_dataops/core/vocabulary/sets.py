"""Checks of the set of a column's different values: counted where the data is, never fetched."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Count, Distinct, Facts, Metric, Present
from airflow_dataops.core.predicates import IsNull, Not, Predicate, Scalar, both
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, Parameter, kind_of, value_set
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import COMPARABLE, among, needs_of
from airflow_dataops.core.vocabulary.wording import only_where


class _Others:
    """The values that are not in the set: one count of their rows, and only where there are any, how many differ."""

    def __init__(self, column: str, values: tuple[Scalar, ...], condition: Predicate | None) -> None:
        self.where = both(condition, Not(IsNull(column)), Not(among(column, values)))
        self.metrics: tuple[Metric, ...] = (Count(self.where),)
        self._different = Distinct((column,), self.where)

    def follow_up(self, facts: Facts) -> tuple[Metric, ...]:
        return (self._different,) if facts.count(self.where) else ()

    def rows(self, facts: Facts) -> int:
        return facts.count(self.where)

    def different(self, facts: Facts) -> int:
        return int(facts[self._different]) if self.rows(facts) else 0


class _Lacking:
    """The wanted values that no row has; a null is no value, so that a wanted one is always missing, as in GX."""

    def __init__(self, column: str, values: tuple[Scalar, ...], condition: Predicate | None, *, null_too: bool) -> None:
        self._values = values
        self._never = [None] if null_too else []
        self._present = Present(column, values, condition)
        self.metrics: tuple[Metric, ...] = (self._present,) if values else ()

    def found(self, facts: Facts) -> list[Scalar | None]:
        present = facts[self._present] if self._values else ()
        return [*(value for place, value in enumerate(self._values) if place not in present), *self._never]


def _distinct(check: Check, arguments: dict[str, Any], *, only: bool, all_of_them: bool, words: str) -> CompiledCheck:
    """Return a check of the different values that are not null.

    :param only: whether others than those of the set are wrong.
    :param all_of_them: whether one of the set that is nowhere is wrong.
    """
    column, condition = arguments["column"], arguments["row_condition"]
    values = tuple(value for value in arguments["value_set"] if value is not None)
    others = _Others(column, values, condition) if only else None
    lacking = _Lacking(column, values, condition, null_too=None in arguments["value_set"]) if all_of_them else None
    parts = [part for part in (others, lacking) if part]
    expected = f"{words} {readable(arguments['value_set'])}"

    def judge(facts: Facts) -> Finding:
        observed: dict[str, Any] = {}
        wrong = []
        if lacking:
            observed["missing"] = lacking.found(facts)
            if observed["missing"]:
                wrong.append(f"{readable(observed['missing'])} missing")
        if others:
            observed["others"] = others.different(facts)
            if observed["others"]:
                wrong.append(_others_words(observed["others"], others.rows(facts)))
        found = "; ".join(wrong) or "the different values are as expected"
        return Finding(
            holds=not wrong,
            observed=observed,
            expected=expected,
            message=f"{column}: {found}{only_where(condition)}; expected {expected}",
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=expected,
        needs=(
            Need(column=column, kinds=COMPARABLE[kind_of(values[0])] if values else None),
            *needs_of(condition),
        ),
        metrics=tuple(metric for part in parts for metric in part.metrics),
        rows=Count(condition),
        follow_up=lambda facts: others.follow_up(facts) if others else (),
    )


def _others_words(different: int, rows: int) -> str:
    values, in_rows = ("value", "row" if rows == 1 else "rows") if different == 1 else ("values", "rows")
    return f"{different:,} other {values} in {rows:,} {in_rows}"


def _with_null(value: Any) -> tuple[Scalar | None, ...]:
    """A list of values, a null among them kept."""
    found = value_set(value)
    return (*found, None) if None in value else found


_SET = {**COLUMN, "value_set": Parameter(_with_null), **CONDITION}

TERMS = {
    "expect_column_distinct_values_to_be_in_set": Term(
        _SET, partial(_distinct, only=True, all_of_them=False, words="only values in")
    ),
    "expect_column_distinct_values_to_contain_set": Term(
        _SET, partial(_distinct, only=False, all_of_them=True, words="all values of")
    ),
    "expect_column_distinct_values_to_equal_set": Term(
        _SET, partial(_distinct, only=True, all_of_them=True, words="the values of")
    ),
}
