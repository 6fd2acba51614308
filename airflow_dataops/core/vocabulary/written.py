"""A condition on each row that the suite's author wrote in the database's own SQL."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.predicates import Holds, Not, Sql
from airflow_dataops.core.vocabulary.arguments import CONDITION, MOSTLY, Parameter, text
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Term
from airflow_dataops.core.vocabulary.rows import compile_rowwise


def _condition(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    written = " ".join(arguments["condition"].split())
    return compile_rowwise(
        check,
        arguments,
        needs=(),
        looked_at=None,
        # What is unknown of a row, because a value is null, is not known to be good.
        broken=Not(Holds(Sql(arguments["condition"]))),
        wanted=f"with {written}",
        breaks="do not meet the condition",
        noun="rows",
    )


TERMS = {
    "expect_rows_to_meet_condition": Term({"condition": Parameter(text), **MOSTLY, **CONDITION}, _condition),
}
