"""Checks of the table itself: how many rows, which columns. They are judged on empty data too."""

from __future__ import annotations

from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Count, Facts, Schema
from airflow_dataops.core.vocabulary.arguments import (
    COLUMN,
    CONDITION,
    Parameter,
    flag,
    in_order,
    names,
    range_of,
    whole,
)
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Term
from airflow_dataops.core.vocabulary.ranges import Range
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import only_where


def _limits(arguments: dict[str, Any]) -> Range:
    if "value" in arguments:
        return Range(low=arguments["value"], high=arguments["value"])
    in_order(arguments, limited=False)
    return Range.read(arguments)


def _row_count(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    limits, rows = _limits(arguments), Count(arguments["row_condition"])

    def judge(facts: Facts) -> Finding:
        count = facts.count(rows.where)
        noun = "row" if count == 1 else "rows"
        return Finding(
            holds=limits.holds(count),
            observed=count,
            expected=f"{limits} rows",
            message=f"table: {count:,} {noun}{only_where(rows.where)}; expected {limits}",
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=f"{limits} rows",
        needs=needs_of(arguments["row_condition"]),
        metrics=(rows,),
    )


def _column_count(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    limits = _limits(arguments)

    def judge(facts: Facts) -> Finding:
        count = len(facts.schema.names)
        return Finding(
            holds=limits.holds(count),
            observed=count,
            expected=f"{limits} columns",
            message=f"table: {count:,} columns; expected {limits}; it has {listed(facts.schema.names)}",
        )

    return CompiledCheck(check=check, judge=judge, expected=f"{limits} columns")


def _exists(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    column, index = arguments["column"], arguments["column_index"]
    expected = f"a column {column}" + (f" at position {index}" if index is not None else "")

    def judge(facts: Facts) -> Finding:
        stored = facts.schema.find(column)
        if stored is None:
            message = missing(column, facts.schema)
        else:
            at = facts.schema.names.index(stored)
            message = f"{column}: is there, at position {at}; expected {expected}"
        holds = stored is not None and (index is None or facts.schema.names.index(stored) == index)
        return Finding(holds=holds, observed=list(facts.schema.names), expected=expected, message=message)

    return CompiledCheck(check=check, judge=judge, expected=expected)


def _match_set(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    asked, exact = arguments["column_set"], arguments["exact_match"]
    expected = f"{'exactly' if exact else 'at least'} the columns {listed(asked)}"

    def judge(facts: Facts) -> Finding:
        found = {name: facts.schema.find(name) for name in asked}
        lacking = [name for name, stored in found.items() if stored is None]
        extra = [name for name in facts.schema.names if name not in found.values()] if exact else []
        return _columns_finding(facts.schema, expected, lacking, extra)

    return CompiledCheck(check=check, judge=judge, expected=expected)


def _match_list(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    asked = arguments["column_list"]
    expected = f"the columns {listed(asked)}, in this order"

    def judge(facts: Facts) -> Finding:
        stored = [facts.schema.find(name) for name in asked]
        lacking = [name for name, there in zip(asked, stored, strict=True) if there is None]
        extra = [name for name in facts.schema.names if name not in stored]
        in_order = stored == list(facts.schema.names)
        return _columns_finding(facts.schema, expected, lacking, extra, in_order=in_order)

    return CompiledCheck(check=check, judge=judge, expected=expected)


def _columns_finding(
    schema: Schema, expected: str, lacking: list[str], extra: list[str], *, in_order: bool = True
) -> Finding:
    wrong = []
    if lacking:
        wrong.append(f"{listed(lacking)} missing")
    if extra:
        wrong.append(f"{listed(extra)} not expected")
    if not wrong and not in_order:
        wrong.append(f"the order is {listed(schema.names)}")
    holds = not wrong
    message = f"table: it has {expected}" if holds else f"table: {'; '.join(wrong)}; expected {expected}"
    return Finding(
        holds=holds,
        observed=list(schema.names),
        expected=expected,
        message=message,
    )


def missing(column: str, schema: Schema) -> str:
    """Return the message of a column that is not there: which columns are."""
    alike = [name for name in schema.names if name.casefold() == column.casefold()]
    if len(alike) > 1:
        return f"{column}: which column is meant? {listed(alike)} differ only in case; write the name exactly"
    return f"{column}: there is no such column; the table has {listed(schema.names)}"


def listed(columns: tuple[str, ...] | list[str]) -> str:
    """Return column names as a person lists them, cut after 20."""
    more = f", … {len(columns) - 20} more" if len(columns) > 20 else ""
    return (", ".join(columns[:20]) + more) or "no columns"


TERMS = {
    "expect_table_row_count_to_be_between": Term({**range_of(whole), **CONDITION}, _row_count),
    "expect_table_row_count_to_equal": Term({"value": Parameter(whole), **CONDITION}, _row_count),
    "expect_table_column_count_to_equal": Term({"value": Parameter(whole)}, _column_count),
    "expect_table_column_count_to_be_between": Term(
        {"min_value": Parameter(whole, None), "max_value": Parameter(whole, None)}, _column_count
    ),
    "expect_table_columns_to_match_set": Term(
        {"column_set": Parameter(names), "exact_match": Parameter(flag, True)}, _match_set
    ),
    "expect_table_columns_to_match_ordered_list": Term({"column_list": Parameter(names)}, _match_list),
    "expect_column_to_exist": Term({**COLUMN, "column_index": Parameter(whole, None)}, _exists),
}
