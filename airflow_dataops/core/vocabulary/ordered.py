"""Values that rise or fall from row to row: in the order of other columns, or in the source's own."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Count, Facts, OutOfOrder
from airflow_dataops.core.predicates import IsNull, Kind, Not, both
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, MOSTLY, Parameter, flag, names
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import asked, rowwise

# Text has an order too, a different one in every database: there is no telling whether it rises.
_ORDERED = frozenset({Kind.NUMBER, Kind.TIME})


def _in_order(check: Check, arguments: dict[str, Any], *, descending: bool) -> CompiledCheck:
    column, condition, mostly = arguments["column"], arguments["row_condition"], arguments["mostly"]
    order_by: tuple[str, ...] = arguments["order_by"]
    there = both(condition, Not(IsNull(column)))
    wrong = OutOfOrder(column, descending, arguments["strictly"], order_by, there)
    wanted = ("strictly " if arguments["strictly"] else "") + ("decreasing" if descending else "increasing")
    if order_by:
        wanted += f" in the order of {', '.join(order_by)}"

    def judge(facts: Facts) -> Finding:
        return rowwise(
            column,
            broken=int(facts[wrong]),
            rows=facts.count(there),
            mostly=mostly,
            wanted=wanted,
            breaks="break the order",
            noun="values",
            condition=condition,
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, wanted),
        needs=(
            Need(column=column, kinds=_ORDERED),
            *(Need(column=name) for name in order_by),
            *needs_of(condition),
        ),
        metrics=(Count(there), wrong),
        rows=Count(condition),
        broken=wrong,
    )


def _columns(value: Any) -> tuple[str, ...]:
    """A column's name, or a list of them."""
    return names([value] if isinstance(value, str) else value)


# ``order_by`` is an argument of our own: Great Expectations has none, and these types on frames alone.
_ORDER = {
    **COLUMN,
    "strictly": Parameter(flag, False),
    "order_by": Parameter(_columns, ()),
    **MOSTLY,
    **CONDITION,
}

TERMS = {
    "expect_column_values_to_be_increasing": Term(_ORDER, partial(_in_order, descending=False)),
    "expect_column_values_to_be_decreasing": Term(_ORDER, partial(_in_order, descending=True)),
}
