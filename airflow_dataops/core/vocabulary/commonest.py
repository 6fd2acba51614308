"""The most common value: which of the suite's own values it is. One that the suite does not name is never told."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Commonest, Count, Facts, MostCommon
from airflow_dataops.core.predicates import IsNull, Not, both
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, Parameter, flag, kind_of, scalars
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import COMPARABLE, needs_of


def _most_common(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, condition, values = arguments["column"], arguments["row_condition"], arguments["value_set"]
    metric = MostCommon(column, values, both(condition, Not(IsNull(column))))
    ties_okay = arguments["ties_okay"]
    expected = f"{'one of the most common values' if ties_okay else 'the most common value'} in {readable(values)}"

    def judge(facts: Facts) -> Finding:
        found: Commonest = facts[metric]
        first = None if found.first is None else values[found.first]
        return Finding(
            holds=found.known > 0 if ties_okay else found.ties == found.known == 1,
            observed=[first] if found.ties == found.known == 1 else _tally(found),
            expected=expected,
            message=f"{column}: {_told(found, first)}; expected {expected}",
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=expected,
        needs=(Need(column=column, kinds=COMPARABLE[kind_of(values[0])]), *needs_of(condition)),
        metrics=(metric,),
        rows=Count(condition),
    )


def _tally(found: Commonest) -> dict[str, int]:
    return {"rows": found.rows, "in_set": found.known, "not_in_set": found.ties - found.known}


def _told(found: Commonest, first: Any) -> str:
    if found.ties == 0:
        return "has no most common value, as every value is null"
    rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
    if found.ties == 1:
        return f"the most common value, in {rows}, is {readable(first) if found.known else 'not in the set'}"
    named = [readable(first)] if found.known else []
    more = [f"{found.known - 1:,} more of the set"] if found.known > 1 else []
    others = [f"{found.ties - found.known:,} not in the set"] if found.ties > found.known else []
    return f"{found.ties:,} values tie as the most common, in {rows} each: {' and '.join(named + more + others)}"


TERMS = {
    "expect_column_most_common_value_to_be_in_set": Term(
        {**COLUMN, "value_set": Parameter(scalars), "ties_okay": Parameter(flag, False), **CONDITION}, _most_common
    ),
}
