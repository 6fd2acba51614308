"""Checks that look at each row by itself: null, range, set, pattern, length, one column against another."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, Facts
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    InSet,
    IsNull,
    Kind,
    Length,
    Matches,
    Not,
    Operand,
    Or,
    Predicate,
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
    flag,
    in_order,
    kind_of,
    names,
    number,
    one_of,
    pattern,
    range_of,
    scalars,
    text,
    whole,
)
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.ranges import Range
from airflow_dataops.core.vocabulary.wording import asked, rowwise

_EACH = {**COLUMN, **MOSTLY, **CONDITION}
_TEXT_LIKE = frozenset({Kind.TEXT, Kind.OTHER})
# Text may be compared with a column of any kind that the database itself reads from text: a time, an enum, a UUID.
_COMPARABLE = {
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
            case Compare(Value(column), _, value) if not isinstance(value, Operand):
                needs.append(Need(column=column, kinds=_COMPARABLE[kind_of(value)]))
            case InSet(column, values):
                needs.append(Need(column=column, kinds=_COMPARABLE[kind_of(values[0])]))
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
    place = ", ".join(check.columns)

    def judge(facts: Facts) -> Finding:
        return rowwise(
            place,
            broken=facts.count(bad.where),
            rows=facts.count(rows.where),
            mostly=mostly,
            wanted=wanted,
            breaks=breaks,
            noun=noun,
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


def _value(
    check: Check, arguments: dict[str, Any], *, kinds: frozenset[Kind], broken: Predicate, wanted: str, breaks: str
) -> CompiledCheck:
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
    return _value(
        check, arguments, kinds=_COMPARABLE[kind], broken=outside, wanted=str(limits), breaks="are out of range"
    )


def _in_set(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    values = arguments["value_set"]
    found = InSet(arguments["column"], values)
    words = f"in {readable(values)}"
    return _value(
        check,
        arguments,
        kinds=_COMPARABLE[kind_of(values[0])],
        broken=Not(found) if wanted else found,
        wanted=words if wanted else f"not {words}",
        breaks="are not in the set" if wanted else "are in the set",
    )


def _regex(check: Check, arguments: dict[str, Any], *, wanted: bool) -> CompiledCheck:
    found = Matches(arguments["column"], arguments["regex"])
    words = f"the pattern {arguments['regex']}"
    return _value(
        check,
        arguments,
        kinds=_TEXT_LIKE,
        broken=Not(found) if wanted else found,
        wanted=f"{'matching' if wanted else 'not matching'} {words}",
        breaks="do not match" if wanted else "match",
    )


def _lengths(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    if "value" in arguments:
        limits = Range(low=arguments["value"], high=arguments["value"])
    else:
        in_order(arguments)
        limits = Range.read(arguments)
    return _value(
        check,
        arguments,
        kinds=_TEXT_LIKE,
        broken=limits.outside(Length(arguments["column"])),
        wanted=f"with a length {limits}",
        breaks="have another length",
    )


def _pair(check: Check, arguments: dict[str, Any], *, operator: str, words: str) -> CompiledCheck:
    left, right = arguments["column_A"], arguments["column_B"]
    if arguments.get("or_equal"):
        operator, words = ">=", f"{words} or equal to"
    # A comparison with a null does not hold, so a row with one null of the two breaks the check, as in GX on pandas.
    broken = Not(Holds(Compare(Value(left), operator, Value(right))))
    ignores: dict[str, Predicate | None] = {
        "both_values_are_missing": Or((Not(IsNull(left)), Not(IsNull(right)))),
        "either_value_is_missing": And((Not(IsNull(left)), Not(IsNull(right)))),
        "neither": None,
    }
    return compile_rowwise(
        check,
        arguments,
        needs=(Need(column=left), Need(column=right)),
        looked_at=ignores[arguments["ignore_row_if"]],
        broken=broken,
        wanted=f"{left} {words} {right}",
        breaks="do not comply",
        noun="rows",
    )


def _unique_within_record(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    columns = arguments["column_list"]
    if len(columns) < 2:
        raise SuiteError("argument 'column_list': expected at least two names")
    same = tuple(
        Or((Holds(Compare(Value(one), "=", Value(other))), And((IsNull(one), IsNull(other)))))
        for index, one in enumerate(columns)
        for other in columns[index + 1 :]
    )
    return compile_rowwise(
        check,
        arguments,
        needs=tuple(Need(column=column) for column in columns),
        looked_at=considered(columns, arguments["ignore_row_if"]),
        broken=same[0] if len(same) == 1 else Or(same),
        wanted="all different within the row",
        breaks="hold a value twice",
        noun="rows",
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


_PAIR_IGNORES = one_of("both_values_are_missing", "either_value_is_missing", "neither")
LIST_IGNORES = one_of("all_values_are_missing", "any_value_is_missing", "never")
_PAIR = {
    "column_A": Parameter(text),
    "column_B": Parameter(text),
    "ignore_row_if": Parameter(_PAIR_IGNORES, "both_values_are_missing"),
    **MOSTLY,
    **CONDITION,
}

TERMS = {
    "expect_column_values_to_not_be_null": Term(_EACH, partial(_nulls, null_is_wanted=False)),
    "expect_column_values_to_be_null": Term(_EACH, partial(_nulls, null_is_wanted=True)),
    "expect_column_values_to_be_between": Term({**_EACH, **range_of(bound)}, _between),
    "expect_column_values_to_be_in_set": Term(
        {**_EACH, "value_set": Parameter(scalars)}, partial(_in_set, wanted=True)
    ),
    "expect_column_values_to_not_be_in_set": Term(
        {**_EACH, "value_set": Parameter(scalars)}, partial(_in_set, wanted=False)
    ),
    "expect_column_values_to_match_regex": Term({**_EACH, "regex": Parameter(pattern)}, partial(_regex, wanted=True)),
    "expect_column_values_to_not_match_regex": Term(
        {**_EACH, "regex": Parameter(pattern)}, partial(_regex, wanted=False)
    ),
    "expect_column_value_lengths_to_equal": Term({**_EACH, "value": Parameter(whole)}, _lengths),
    "expect_column_value_lengths_to_be_between": Term({**_EACH, **range_of(number)}, _lengths),
    "expect_column_pair_values_a_to_be_greater_than_b": Term(
        {**_PAIR, "or_equal": Parameter(flag, False)}, partial(_pair, operator=">", words="greater than")
    ),
    "expect_column_pair_values_to_be_equal": Term(_PAIR, partial(_pair, operator="=", words="equal to")),
    "expect_select_column_values_to_be_unique_within_record": Term(
        {
            "column_list": Parameter(names),
            "ignore_row_if": Parameter(LIST_IGNORES, "all_values_are_missing"),
            **MOSTLY,
            **CONDITION,
        },
        _unique_within_record,
    ),
}
