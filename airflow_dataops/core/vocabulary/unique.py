"""Uniqueness: every row that shares its key with another is counted, not only the extras."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, Facts, Repeats
from airflow_dataops.core.predicates import IsNull, Not, Predicate, Repeated, both
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, MOSTLY, Parameter, names, one_or_more
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import LIST_IGNORES, considered, needs_of
from airflow_dataops.core.vocabulary.wording import asked, rowwise


def _unique(
    check: Check, arguments: dict[str, Any], columns: tuple[str, ...], there: Predicate | None
) -> CompiledCheck:
    condition, mostly = arguments["row_condition"], arguments["mostly"]
    where = both(condition, there)
    rows, repeats = Count(where), Repeats(columns, where)

    def judge(facts: Facts) -> Finding:
        return rowwise(
            ", ".join(columns),
            broken=int(facts[repeats]),
            rows=facts.count(where),
            mostly=mostly,
            wanted="unique",
            breaks="are not unique",
            noun="values" if len(columns) == 1 else "rows",
            condition=condition,
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, "unique"),
        needs=(*(Need(column=column) for column in columns), *needs_of(condition)),
        metrics=(rows, repeats),
        rows=Count(condition),
        broken=Repeated(columns, where),
    )


def _column(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column = arguments["column"]
    return _unique(check, arguments, (column,), Not(IsNull(column)))


def _within(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, partition = arguments["column"], arguments["partition_by"]
    if column in partition:
        raise SuiteError(f"argument 'partition_by': {column} is the column itself; expected others")
    return _unique(check, arguments, (*partition, column), Not(IsNull(column)))


def _compound(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    columns = arguments["column_list"]
    return _unique(check, arguments, columns, considered(columns, arguments["ignore_row_if"]))


TERMS = {
    "expect_column_values_to_be_unique": Term({**COLUMN, **MOSTLY, **CONDITION}, _column),
    # What Great Expectations lacks: unique among the rows of one partition; rows without one are a partition too.
    "expect_column_values_to_be_unique_within_partition": Term(
        {**COLUMN, "partition_by": Parameter(one_or_more), **MOSTLY, **CONDITION}, _within
    ),
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
