"""Checks that no SQL can answer as Python does: Great Expectations itself says how many values break them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_dataops.core.checks import Check
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Count, ExpectationResult, Facts
from airflow_dataops.core.predicates import Kind
from airflow_dataops.core.vocabulary.arguments import COLUMN, CONDITION, MOSTLY, Parameter, text
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding, Need, Term
from airflow_dataops.core.vocabulary.rows import needs_of
from airflow_dataops.core.vocabulary.wording import asked, rowwise

_TEXT = frozenset({Kind.TEXT, Kind.OTHER})  # an enum's values and a JSON type's are fetched as text
_SOME_TIME = datetime(2013, 1, 31, 17, 45, 30, 123456, tzinfo=UTC)


def _ask_gx(check: Check, arguments: dict[str, Any], *, wanted: str, breaks: str, **kwargs: Any) -> CompiledCheck:
    """Return a row-wise check that Great Expectations measures.

    :param kwargs: what the expectation takes beside its column; ``mostly`` is judged here, by the counts.
    """
    column, condition, mostly = arguments["column"], arguments["row_condition"], arguments["mostly"]
    metric = ExpectationResult(check.kind, column, json.dumps(kwargs, sort_keys=True), condition)

    def judge(facts: Facts) -> Finding:
        broken, rows = _broken(facts[metric])
        return rowwise(
            column,
            broken=broken,
            rows=rows,
            mostly=mostly,
            wanted=wanted,
            breaks=breaks + _not_even_json(facts[metric]),
            noun="values",
            condition=condition,
        )

    return CompiledCheck(
        check=check,
        judge=judge,
        expected=asked(mostly, wanted),
        needs=(Need(column=column, kinds=_TEXT), *needs_of(condition)),
        metrics=(metric,),
        rows=Count(condition),
        counts_rows=True,
    )


def _not_even_json(result: Mapping[str, int]) -> str:
    """Return how many of the values that break a JSON schema are not even JSON, where there are such."""
    count = result.get("not_json", 0)
    return f", {count:,} of them {'is' if count == 1 else 'are'} not even JSON" if count else ""


def _broken(result: Mapping[str, int]) -> tuple[int, int]:
    """Return how many values break the expectation, and of how many that are not null."""
    return result["unexpected_count"], result["element_count"] - result["missing_count"]


def _dateutil(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    return _ask_gx(check, arguments, wanted="readable as a time by dateutil", breaks="are not")


def _json(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    return _ask_gx(check, arguments, wanted="valid JSON", breaks="are not")


def _json_schema(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    return _ask_gx(
        check,
        arguments,
        wanted="matching the JSON schema",
        breaks="do not match the schema",
        json_schema=arguments["json_schema"],
    )


def _strftime(check: Check, arguments: dict[str, Any]) -> CompiledCheck:
    form = arguments["strftime_format"]
    return _ask_gx(
        check,
        arguments,
        wanted=f"a time written as {form}",
        breaks="are written otherwise",
        strftime_format=form,
    )


def _time_format(value: Any) -> str:
    """A format that Python can write and read."""
    form = text(value)
    try:
        datetime.strptime(_SOME_TIME.strftime(form), form)
    except ValueError as error:
        raise SuiteError(f"{form!r} is no format that Python can both write and read: {error}") from error
    return form


def _schema(value: Any) -> dict[str, Any]:
    """A JSON schema; whether its keywords are right is looked at before the data is."""
    if not isinstance(value, Mapping):
        raise SuiteError(f"expected a JSON schema, which is a mapping, got {value!r}")
    try:
        return dict(json.loads(json.dumps(value)))
    except (TypeError, ValueError) as error:
        raise SuiteError(f"the schema is not JSON: {error}") from error


_EACH = {**COLUMN, **MOSTLY, **CONDITION}

TERMS = {
    "expect_column_values_to_be_dateutil_parseable": Term(_EACH, _dateutil),
    "expect_column_values_to_be_json_parseable": Term(_EACH, _json),
    "expect_column_values_to_match_json_schema": Term({**_EACH, "json_schema": Parameter(_schema)}, _json_schema),
    "expect_column_values_to_match_strftime_format": Term(
        {**_EACH, "strftime_format": Parameter(_time_format)}, _strftime
    ),
}
