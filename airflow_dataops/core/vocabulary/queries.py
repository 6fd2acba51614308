"""Checks that ask another query or another table: what one finds, and whether two find the same."""

from __future__ import annotations

import string
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, Elsewhere, Facts, QueryRows, RowSet
from airflow_dataops.core.relations import QUERY_WORDS, Relation
from airflow_dataops.core.values import counted, percent
from airflow_dataops.core.vocabulary.arguments import CONDITION, MOSTLY, Parameter, text
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Term
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import asked, enough

_BRACES = "only {batch} stands for something, and any other brace is written twice, as in {{2}}"


def _unexpected_rows(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    metric = QueryRows(arguments["unexpected_rows_query"])
    # A query need not return rows of the data, so only who writes a limit means that it does.
    limited = check.fail_above is not None or check.warn_above is not None
    described = check.meta.get("description")
    expected = f"no rows of the query{f': {described}' if described else ''}"

    def judge(facts: Facts) -> Finding:
        count = int(facts[metric])
        found = counted(count, "row") if count else "no rows"
        return Finding(
            holds=count == 0,
            observed=count,
            expected=expected,
            message=f"table: the query finds {found}; expected {expected}",
            unexpected_count=count if limited else None,
            element_count=facts.count(None) if limited else None,
        )

    metrics = (metric, Count()) if limited else (metric,)
    return CompiledCheck(check=check, judge=judge, expected=expected, metrics=metrics, counts_rows=True)


def _match_comparison(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    connection, mostly = arguments["comparison_data_source_name"], arguments["mostly"]
    ours = RowSet(arguments["base_query"])
    theirs = Elsewhere(RowSet(), arguments["comparison_query"], connection)
    expected = asked(mostly, f"in both results, here and on {connection}")

    def judge(facts: Facts) -> Finding:
        here, there = facts[ours], facts[theirs]
        both = (here & there).total()  # a row that is there twice needs a partner twice
        whole = max(here.total(), there.total())
        alone = whole - both
        told = f"{alone:,} ({percent(alone, whole)}) have no equal on the other side" if alone else "all are in both"
        return Finding(
            holds=enough(both, whole, mostly),
            observed=alone,
            expected=expected,
            unexpected_count=alone,
            element_count=whole,
            message=(
                f"table: {here.total():,} rows here, {there.total():,} on {connection}: {told}; expected {expected}"
            ),
        )

    return CompiledCheck(check=check, judge=judge, expected=expected, metrics=(ours, theirs), counts_rows=True)


def _other_table(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    other, condition = arguments["other_table_name"], arguments["row_condition"]
    ours, theirs = Count(condition), Elsewhere(Count(), Relation.parse(other))
    expected = f"as many rows as {other}"

    def judge(facts: Facts) -> Finding:
        here, there = facts.count(condition), int(facts[theirs])
        return Finding(
            holds=here == there,
            observed={"self": here, "other": there},
            expected=expected,
            message=f"table: {here:,} rows, and {there:,} in {other}; expected {expected}",
        )

    return CompiledCheck(check=check, judge=judge, expected=expected, needs=needs_of(condition), metrics=(ours, theirs))


def _select(value: Any) -> str:
    """One SELECT; more than its first word is looked at where the dialect is known."""
    query = text(value).strip().rstrip("; \t\r\n\v\f")
    words = query.split(None, 1)
    if not words or words[0].lstrip("(").upper() not in QUERY_WORDS:
        raise SuiteError(f"expected a SELECT, got {words[0] if words else 'nothing'!r}")
    return query


def _template(value: Any) -> str:
    """A SELECT in which ``{batch}`` stands for the data; as in Python's format, any other brace is written twice."""
    query = _select(value)
    try:
        fields = {(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(query)}
    except ValueError as error:
        raise SuiteError(f"{error}; {_BRACES}") from None
    for name, spec, conversion in fields:
        if name is not None and (name != "batch" or spec or conversion):
            written = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise SuiteError(f"{{{written}}} stands for nothing; {_BRACES}")
    return query


_ROWS = Term({"unexpected_rows_query": Parameter(_template)}, _unexpected_rows)

TERMS = {
    "unexpected_rows_expectation": _ROWS,
    "expect_query_results_to_match_comparison": Term(
        {
            "base_query": Parameter(_template),
            "comparison_data_source_name": Parameter(text),
            "comparison_query": Parameter(_select),
            **MOSTLY,
        },
        _match_comparison,
    ),
    "expect_table_row_count_to_equal_other_table": Term(
        {"other_table_name": Parameter(text), **CONDITION}, _other_table
    ),
}
