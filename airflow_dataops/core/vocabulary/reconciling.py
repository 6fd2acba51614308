"""Reconciliation: as many rows, or the same sum, as where the data came from, whichever connection holds that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Aggregate, Count, Elsewhere, Facts, Function
from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, Parameter, percentage, text
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import needs_of

_FLOAT_ERROR = Decimal("1e-9")


@dataclass(frozen=True)
class Tolerance:
    """How far apart two numbers may be: so much, or so many percent of the other source's."""

    amount: Decimal
    percent: bool = False

    def __str__(self) -> str:
        if not self.amount:
            return "equal to"
        return f"within {self.amount:f} {'% ' if self.percent else ''}of"

    def allows(self, ours: Any, theirs: Any) -> bool:
        """Whether the two are near enough; floats, whose sum depends on the rows' order, to nine digits more."""
        here, there = Decimal(str(ours)), Decimal(str(theirs))
        if not (here.is_finite() and there.is_finite()):
            return False  # what is infinite, or no number, is near to nothing
        allowed = abs(there) * self.amount / 100 if self.percent else self.amount
        if isinstance(ours, float) or isinstance(theirs, float):
            allowed += abs(there) * _FLOAT_ERROR
        return abs(here - there) <= allowed


def _tolerance(value: Any) -> Tolerance:
    """A number, or a percentage as text: ``0.1 %``."""
    percent = percentage(value)
    if percent is not None:
        return Tolerance(percent, percent=True)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value < math.inf:
        raise SuiteError(f"expected a number, or a percentage such as '0.1 %', got {value!r}")
    return Tolerance(Decimal(str(value)))


def _other(arguments: dict[str, Any]) -> Relation | str:
    table, query = arguments["other_table"], arguments["other_query"]
    if (table is None) == (query is None):
        raise SuiteError("one of other_table and other_query is needed")
    return str(query) if table is None else Relation.parse(table)


def _reconciled(
    check: Check,
    arguments: dict[str, Any],
    *,
    ours: Count | Aggregate,
    theirs: Count | Aggregate,
    place: str,
    what: str,
    said: str,
    needs: tuple[Need, ...] = (),
) -> CompiledCheck:
    """Return the check that a number is near the same number of another source.

    :param what: the number's name.
    :param said: the sentence that tells ours.
    """
    connection, tolerance, condition = arguments["other_conn_id"], arguments["tolerance"], arguments["row_condition"]
    source = _other(arguments)
    elsewhere = Elsewhere(theirs, source, connection)
    named = arguments["other_table"] or "the other query"
    where = f"{named} on {connection}" if connection else named
    expected = f"{tolerance} the {what} of {where}"

    def judge(facts: Facts) -> Finding:
        here, there = facts[ours] or 0, facts[elsewhere] or 0
        told = f"{said.format(readable(here))}, and {readable(there)} in {where}{_apart(here, there)}"
        return Finding(
            holds=tolerance.allows(here, there),
            observed={"here": here, "there": there},
            expected=expected,
            message=f"{place}: {told}; expected {expected}",
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=expected,
        needs=(*needs, *needs_of(condition)),
        metrics=(ours, elsewhere),
    )


def _apart(ours: Any, theirs: Any) -> str:
    """Return how far apart the two are: the difference may lie in digits that nobody reads."""
    here, there = Decimal(str(ours)), Decimal(str(theirs))
    if here == there or not (here.is_finite() and there.is_finite()):
        return ""
    return f", {readable(abs(here - there))} apart"


def _row_count(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    ours = Count(arguments["row_condition"])
    return _reconciled(
        check, arguments, ours=ours, theirs=Count(), place="table", what="number of rows", said="{} rows"
    )


def _sum(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column = arguments["column"]
    return _reconciled(
        check,
        arguments,
        ours=Aggregate(Function.SUM, column, arguments["row_condition"]),
        theirs=Aggregate(Function.SUM, arguments["other_column"] or column),
        place=column,
        what="sum",
        said="the sum is {}",
        needs=(Need(column=column, kinds=frozenset({Kind.NUMBER})),),
    )


_OTHER = {
    "other_table": Parameter(text, None),
    "other_query": Parameter(text, None),
    "other_conn_id": Parameter(text, None),
    "tolerance": Parameter(_tolerance, Tolerance(Decimal(0))),
    **CONDITION,
}

TERMS = {
    "expect_table_row_count_to_match_other_source": Term(_OTHER, _row_count),
    "expect_column_sum_to_match_other_source": Term({**COLUMN, "other_column": Parameter(text, None), **_OTHER}, _sum),
}
