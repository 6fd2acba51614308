"""Referential integrity: each value has its row in another relation of the same database."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, Facts, Orphans
from airflow_dataops.core.predicates import And, IsNull, Not, both
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.vocabulary.arguments import CONDITION, MOSTLY, Parameter, one_or_more, text
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import asked, rowwise


def _references(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    columns, condition, mostly = arguments["column"], arguments["row_condition"], arguments["mostly"]
    other, references = arguments["other_table"], arguments["other_column"] or columns
    if len(columns) != len(references):
        raise SuiteError(f"column names {len(columns)} and other_column {len(references)} columns; expected as many")
    # As with a foreign key, a row with a null among its columns refers to nothing.
    there = tuple(Not(IsNull(column)) for column in columns)
    where = both(condition, there[0] if len(there) == 1 else And(there))
    rows, orphans = Count(where), Orphans(columns, Relation.parse(other), references, where)
    wanted = f"in {other} ({', '.join(references)})"

    def judge(facts: Facts) -> Finding:
        return rowwise(
            ", ".join(columns),
            broken=int(facts[orphans]),
            rows=facts.count(where),
            mostly=mostly,
            wanted=wanted,
            breaks=f"are not in {other}",
            noun="values" if len(columns) == 1 else "rows",
            condition=condition,
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, wanted),
        needs=(*(Need(column=column) for column in columns), *needs_of(condition)),
        metrics=(rows, orphans),
        rows=Count(condition),
        broken=orphans,
    )


TERMS = {
    "expect_column_values_to_exist_in_other_table": Term(
        {
            "column": Parameter(one_or_more),
            "other_table": Parameter(text),
            "other_column": Parameter(one_or_more, None),
            **MOSTLY,
            **CONDITION,
        },
        _references,
    ),
}
