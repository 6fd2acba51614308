"""Checks of a column's type: judged by the schema alone, so that an empty table can be judged too.

Which names stand for which types is told by ``is_of_type``; frames and files have the types that DuckDB gives them.
"""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Facts
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, MOSTLY, Parameter, names, text
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.typenames import is_known, is_of_type


def _compile(check: Check, column: str, wanted: tuple[str, ...]) -> CompiledCheck:
    """Return the check that the column has one of the types ``wanted``.

    A column has one type here, a frame's object column too, whose values GX looks at one by one: so ``mostly`` and
    ``row_condition`` change nothing, as in GX on every other column.
    """
    expected = f"of type {wanted[0]}" if len(wanted) == 1 else f"of one of the types {', '.join(wanted)}"
    unknown = [name for name in wanted if not is_known(name)]
    hint = f" ({', '.join(unknown)} is compared as the database's own word)" if unknown else ""

    def judge(facts: Facts) -> Finding:
        schema = facts.schema
        stored = schema.find(column) or column
        found = schema.type_of(stored)
        told = found or "of no declared type"
        holds = any(is_of_type(schema, stored, name) for name in wanted)
        return Finding(
            holds=holds,
            observed=found,
            expected=expected,
            message=f"{column}: the column is {told}; expected {expected}{'' if holds else hint}",
        )

    return CompiledCheck(check=check, judge=judge, expected=expected, needs=(Need(column=column),))


def _one(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    return _compile(check, arguments["column"], (arguments["type_"],))


def _of_list(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    return _compile(check, arguments["column"], arguments["type_list"])


_TYPE = {**COLUMN, "type_": Parameter(text)}

TERMS = {
    "expect_column_values_to_be_of_type": Term({**_TYPE, **MOSTLY, **CONDITION}, _one),
    "expect_column_values_to_be_in_type_list": Term(
        {**COLUMN, "type_list": Parameter(names), **MOSTLY, **CONDITION}, _of_list
    ),
    "expect_column_type_to_be": Term(_TYPE, _one),
}
