"""Checks that compare several columns of one row: two of them, or a list."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.predicates import (
    And,
    Compare,
    Holds,
    IsNull,
    Kind,
    Not,
    Or,
    Predicate,
    Scalar,
    Total,
    Value,
)
from airflow_dataops.core.values import readable
from airflow_dataops.core.vocabulary.arguments import (
    CONDITION,
    MOSTLY,
    Parameter,
    flag,
    kind_of,
    names,
    number,
    one_of,
    text,
    value_set,
)
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Need, Term
from airflow_dataops.core.vocabulary.rows import COMPARABLE, LIST_IGNORES, among, compile_rowwise, considered

Pairs = tuple[tuple[Scalar | None, Scalar | None], ...]


def _pairs(value: Any) -> Pairs:
    """A list of pairs of values; null is a value here, as a row's missing value may be asked for."""
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise SuiteError(f"expected a list of pairs of values, got {value!r}")
    items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
    for item in items:
        if isinstance(item, str) or not isinstance(item, list | tuple) or len(item) != 2:
            raise SuiteError(f"expected pairs of values such as [1, 'a'], got {item!r}")
    for side in (0, 1):
        value_set([item[side] for item in items])  # one kind each
    return tuple(dict.fromkeys((left, right) for left, right in items))


def _pair(
    check: Check,
    arguments: dict[str, Any],
    *,
    broken: Predicate,
    needs: tuple[Need, Need],
    wanted: str,
    breaks: str = "do not comply",
) -> CompiledCheck:
    left, right = arguments["column_A"], arguments["column_B"]
    ignores: dict[str, Predicate | None] = {
        "both_values_are_missing": Or((Not(IsNull(left)), Not(IsNull(right)))),
        "either_value_is_missing": And((Not(IsNull(left)), Not(IsNull(right)))),
        "neither": None,
    }
    return compile_rowwise(
        check,
        arguments,
        needs=needs,
        looked_at=ignores[arguments["ignore_row_if"]],
        broken=broken,
        wanted=wanted,
        breaks=breaks,
        noun="rows",
    )


def _compared(check: Check, arguments: dict[str, Any], *, operator: str, words: str) -> CompiledCheck:
    left, right = arguments["column_A"], arguments["column_B"]
    if arguments.get("or_equal"):
        operator, words = ">=", f"{words} or equal to"
    # A comparison with a null does not hold, so a row with one null of the two breaks the check, as in GX on pandas.
    broken = Not(Holds(Compare(Value(left), operator, Value(right))))
    needs = (Need(column=left), Need(column=right, like=left))
    return _pair(check, arguments, broken=broken, needs=needs, wanted=f"{left} {words} {right}")


def _in_set(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    """Return the check that a row's two values are one of the pairs; nulls are equal to a pair's null, as on pandas."""
    left, right = arguments["column_A"], arguments["column_B"]
    pairs: Pairs = arguments["value_pairs_set"]
    partners: dict[Scalar | None, list[Scalar | None]] = {}
    for one, other in pairs:
        partners.setdefault(one, []).append(other)
    found = tuple(And((_equal(left, one), _any_of(right, others))) for one, others in partners.items())
    listed = readable([f"({readable(one)}, {readable(other)})" for one, other in pairs]).replace('"', "")
    return _pair(
        check,
        arguments,
        broken=Not(Holds(found[0] if len(found) == 1 else Or(found))) if found else _every_row(left),
        needs=(_need(left, [one for one, _ in pairs]), _need(right, [other for _, other in pairs])),
        wanted=f"({left}, {right}) in {listed}",
        breaks="are not in the set",
    )


def _equal(column: str, value: Scalar | None) -> Predicate:
    return IsNull(column) if value is None else Compare(Value(column), "=", value)


def _any_of(column: str, values: list[Scalar | None]) -> Predicate:
    known = tuple(value for value in values if value is not None)
    terms = ((IsNull(column),) if None in values else ()) + ((among(column, known),) if known else ())
    return terms[0] if len(terms) == 1 else Or(terms)


def _every_row(column: str) -> Predicate:
    return Or((IsNull(column), Not(IsNull(column))))


def _need(column: str, values: list[Scalar | None]) -> Need:
    kind = next((kind_of(value) for value in values if value is not None), None)
    return Need(column=column, kinds=None if kind is None else COMPARABLE[kind])


def _list(
    check: Check, arguments: dict[str, Any], *, broken: Predicate, needs: tuple[Need, ...], wanted: str, breaks: str
) -> CompiledCheck:
    return compile_rowwise(
        check,
        arguments,
        needs=needs,
        looked_at=considered(arguments["column_list"], arguments["ignore_row_if"]),
        broken=broken,
        wanted=wanted,
        breaks=breaks,
        noun="rows",
    )


def _several(arguments: dict[str, Any]) -> tuple[str, ...]:
    columns: tuple[str, ...] = arguments["column_list"]
    if len(columns) < 2:
        raise SuiteError("argument 'column_list': expected at least two names")
    return columns


def _same(one: str, other: str) -> Predicate:
    return Or((Holds(Compare(Value(one), "=", Value(other))), And((IsNull(one), IsNull(other)))))


def _all_different(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    columns = _several(arguments)
    same = tuple(_same(one, other) for index, one in enumerate(columns) for other in columns[index + 1 :])
    return _list(
        check,
        arguments,
        broken=same[0] if len(same) == 1 else Or(same),
        needs=tuple(Need(column=column) for column in columns),
        wanted="all different within the row",
        breaks="hold a value twice",
    )


def _all_equal(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    """Return the check that each row's values are one; a null equals a null and nothing else, as everywhere in GX."""
    first, *others = _several(arguments)
    same = tuple(_same(first, other) for other in others)
    return _list(
        check,
        arguments,
        broken=Not(same[0] if len(same) == 1 else And(same)),
        needs=(Need(column=first), *(Need(column=other, like=first) for other in others)),
        wanted="all equal within the row",
        breaks="hold different values",
    )


def _sum(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    """Return the check of each row's sum; one with a null has none and breaks it, as on pandas and SQL (not Spark)."""
    columns, total = _several(arguments), arguments["sum_total"]
    return _list(
        check,
        arguments,
        broken=Not(Holds(Compare(Total(columns), "=", total))),
        needs=tuple(Need(column=column, kinds=frozenset({Kind.NUMBER})) for column in columns),
        wanted=f"with a sum of {readable(total)}",
        breaks="have another sum",
    )


_PAIR_IGNORES = one_of("both_values_are_missing", "either_value_is_missing", "neither")
_PAIR = {
    "column_A": Parameter(text),
    "column_B": Parameter(text),
    "ignore_row_if": Parameter(_PAIR_IGNORES, "both_values_are_missing"),
    **MOSTLY,
    **CONDITION,
}
_LIST = {
    "column_list": Parameter(names),
    "ignore_row_if": Parameter(LIST_IGNORES, "all_values_are_missing"),
    **MOSTLY,
    **CONDITION,
}

TERMS = {
    "expect_column_pair_values_a_to_be_greater_than_b": Term(
        {**_PAIR, "or_equal": Parameter(flag, False)}, partial(_compared, operator=">", words="greater than")
    ),
    "expect_column_pair_values_to_be_equal": Term(_PAIR, partial(_compared, operator="=", words="equal to")),
    "expect_column_pair_values_to_be_in_set": Term({**_PAIR, "value_pairs_set": Parameter(_pairs)}, _in_set),
    "expect_select_column_values_to_be_unique_within_record": Term(_LIST, _all_different),
    "expect_multicolumn_values_to_be_equal": Term(_LIST, _all_equal),
    "expect_multicolumn_sum_to_equal": Term({**_LIST, "sum_total": Parameter(number)}, _sum),
}
