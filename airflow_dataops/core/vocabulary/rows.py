"""Checks that look at each row by itself: what they share, and those of one column's null, range, set and length."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.metrics import Count, Facts
from airflow_dataops.core.predicates import (
    And,
    Compare,
    InSet,
    IsNull,
    Kind,
    Length,
    Not,
    Operand,
    Or,
    Predicate,
    Scalar,
    Value,
    both,
    columns_of,
    leaves,
)
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import (
    COLUMN,
    CONDITION,
    MOSTLY,
    Parameter,
    bound,
    in_order,
    kind_of,
    number,
    one_of,
    range_of,
    value_set,
    whole,
)
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.ranges import Range
from airflow_dataops.core.vocabulary.wording import asked, rowwise

EACH = {**COLUMN, **MOSTLY, **CONDITION}
TEXT_LIKE = frozenset({Kind.TEXT, Kind.OTHER})
# Text may be compared with a column of any kind that the database itself reads from text: a time, an enum, a UUID.
COMPARABLE = {
    Kind.NUMBER: frozenset({Kind.NUMBER}),
    Kind.TEXT: frozenset({Kind.TEXT, Kind.TIME, Kind.OTHER}),
    Kind.TIME: frozenset({Kind.TIME}),
    Kind.BOOLEAN: frozenset({Kind.BOOLEAN}),
}


def needs_of(condition: Predicate | None) -> tuple[Need, ...]:
    """Return the columns that a ``row_condition`` reads, of the kinds that what it compares them with asks for."""
    needs: list[Need] = []
    for leaf in leaves(condition):
        match leaf:
            case Compare(Value(left), _, Value(right)):
                needs += [Need(column=left), Need(column=right, like=left)]
            case Compare(Value(column), _, value) if not isinstance(value, Operand):
                needs.append(Need(column=column, kinds=COMPARABLE[kind_of(value)]))
            case InSet(column, values):
                needs.append(Need(column=column, kinds=COMPARABLE[kind_of(values[0])]))
            case _:
                needs += [Need(column=column) for column in columns_of(leaf)]
    return tuple(dict.fromkeys(needs))


def compile_rowwise(
    check: Check,
    arguments: dict[str, Any],
    *,
    needs: tuple[Need, ...],
    looked_at: Predicate | None,
    broken: Predicate,
    wanted: str,
    breaks: str,
    noun: str = "values",
    null_breaks: bool = True,
) -> CompiledCheck:
    """Return a check that counts the rows that break it.

    :param looked_at: the rows that count at all: mostly those that are not null.
    :param broken: those of them that break it.
    :param null_breaks: whether ``broken`` can hold where ``looked_at`` does not, which then has to be asked too.
    """
    condition, mostly = arguments["row_condition"], arguments["mostly"]
    rows = Count(both(condition, looked_at))
    bad = Count(both(condition, looked_at if null_breaks else None, broken))
    place = ", ".join(check.columns) or "table"

    def judge(facts: Facts) -> Finding:
        return rowwise(
            place,
            broken=facts.count(bad.where),
            rows=facts.count(rows.where),
            mostly=mostly,
            wanted=wanted,
            breaks=breaks,
            noun=noun,
            condition=condition,
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, wanted),
        needs=(*needs, *needs_of(condition)),
        metrics=(rows, bad),
        rows=Count(condition),
        broken=bad.where,
    )


def _nulls(check: Check, arguments: dict[str, Any], *, null_is_wanted: bool) -> CompiledCheck:
    null = IsNull(arguments["column"])
    return compile_rowwise(
        check,
        arguments,
        needs=(Need(column=arguments["column"]),),
        looked_at=None,
        broken=Not(null) if null_is_wanted else null,
        wanted="null" if null_is_wanted else "not null",
        breaks="are not null" if null_is_wanted else "are null",
        noun="rows",
    )


def compile_values(
    check: Check,
    arguments: dict[str, Any],
    *,
    kinds: frozenset[Kind] | None,
    broken: Predicate,
    wanted: str,
    breaks: str,
) -> CompiledCheck:
    """Return a check of one column's values, those that are not null."""
    column = arguments["column"]
    return compile_rowwise(
        check,
        arguments,
        needs=(Need(column=column, kinds=kinds),),
        looked_at=Not(IsNull(column)),
        broken=broken,
        wanted=wanted,
        breaks=breaks,
        null_breaks=False,  # a comparison with null never holds
    )


def _between(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    in_order(arguments)
    limits = Range.read(arguments)
    kind = kind_of(limits.low if limits.low is not None else limits.high)
    outside = limits.outside(Value(arguments["column"]))
    return compile_values(
        check, arguments, kinds=COMPARABLE[kind], broken=outside, wanted=str(limits), breaks="are out of range"
    )


def _in_set(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    column, values = arguments["column"], arguments["value_set"]
    found = among(column, values)
    words = f"in {readable(values)}"
    return compile_values(
        check,
        arguments,
        kinds=COMPARABLE[kind_of(values[0])] if values else None,
        broken=Not(found) if wanted else found,
        wanted=words if wanted else f"not {words}",
        breaks="are not in the set" if wanted else "are in the set",
    )


def among(column: str, values: tuple[Scalar, ...]) -> Predicate:
    """Return the predicate of values that are in a set; no value is in an empty one, which SQL cannot write."""
    return InSet(column, values) if values else Compare(Value(column), "<>", Value(column))


def _lengths(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    if "value" in arguments:
        limits = Range(low=arguments["value"], high=arguments["value"])
    else:
        in_order(arguments)
        limits = Range.read(arguments)
    return compile_values(
        check,
        arguments,
        kinds=TEXT_LIKE,
        broken=limits.outside(Length(arguments["column"])),
        wanted=f"with a length {limits}",
        breaks="have another length",
    )


def considered(columns: tuple[str, ...], ignore_row_if: str) -> Predicate | None:
    """Return the rows that a check of several columns looks at."""
    there = tuple(Not(IsNull(column)) for column in columns)
    ignores: dict[str, Predicate | None] = {
        "all_values_are_missing": Or(there),
        "any_value_is_missing": And(there),
        "never": None,
    }
    return ignores[ignore_row_if]


LIST_IGNORES = one_of("all_values_are_missing", "any_value_is_missing", "never")
TERMS = {
    "expect_column_values_to_not_be_null": Term(EACH, partial(_nulls, null_is_wanted=False)),
    "expect_column_values_to_be_null": Term(EACH, partial(_nulls, null_is_wanted=True)),
    "expect_column_values_to_be_between": Term({**EACH, **range_of(bound)}, _between),
    "expect_column_values_to_be_in_set": Term(
        {**EACH, "value_set": Parameter(value_set)}, partial(_in_set, wanted=True)
    ),
    "expect_column_values_to_not_be_in_set": Term(
        {**EACH, "value_set": Parameter(value_set)}, partial(_in_set, wanted=False)
    ),
    "expect_column_value_lengths_to_equal": Term({**EACH, "value": Parameter(whole)}, _lengths),
    "expect_column_value_lengths_to_be_between": Term({**EACH, **range_of(number)}, _lengths),
}
