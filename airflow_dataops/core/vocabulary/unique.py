"""Uniqueness: proved by a distinct count that equals the rows; only a miss is worth counting every repeated row."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Count, Distinct, Facts, Metric, Repeats
from airflow_dataops.core.predicates import IsNull, Not, Predicate, Repeated, both
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, MOSTLY, Parameter, names
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import LIST_IGNORES, considered, needs_of
from airflow_dataops.core.vocabulary.wording import asked, rowwise


def _unique(
    check: Check, arguments: dict[str, Any], columns: tuple[str, ...], there: Predicate | None
) -> CompiledCheck:
    condition, mostly = arguments["row_condition"], arguments["mostly"]
    where = both(condition, there)
    rows, distinct, repeats = Count(where), Distinct(columns, where), Repeats(columns, where)

    def follow_up(facts: Facts) -> tuple[Metric, ...]:
        return () if facts[distinct] == facts.count(where) else (repeats,)

    def judge(facts: Facts) -> Finding:
        broken = 0 if facts[distinct] == facts.count(where) else int(facts[repeats] or 0)
        return rowwise(
            ", ".join(columns),
            broken=broken,
            rows=facts.count(where),
            mostly=mostly,
            wanted="unique",
            breaks="are not unique",
            noun="values" if len(columns) == 1 else "rows",
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, "unique"),
        needs=(*(Need(column=column) for column in columns), *needs_of(condition)),
        metrics=(rows, distinct),
        rows=Count(condition),
        broken=Repeated(columns, where),
        follow_up=follow_up,
    )


def _column(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column = arguments["column"]
    return _unique(check, arguments, (column,), Not(IsNull(column)))


def _compound(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    columns = arguments["column_list"]
    return _unique(check, arguments, columns, considered(columns, arguments["ignore_row_if"]))


TERMS = {
    "expect_column_values_to_be_unique": Term({**COLUMN, **MOSTLY, **CONDITION}, _column),
    "expect_compound_columns_to_be_unique": Term(
        {
            "column_list": Parameter(names),
            "ignore_row_if": Parameter(LIST_IGNORES, "all_values_are_missing"),
            **MOSTLY,
            **CONDITION,
        },
        _compound,
    ),
}
