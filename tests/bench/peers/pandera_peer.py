"""pandera on pandas and on polars: one schema, all failures collected."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from serving import Outcomes, serve


def prepare(checks: list[dict[str, Any]], engine: str, frame: str) -> Callable[[], Outcomes]:
    """Read the frame and build the schema.

    :param frame: a Parquet file.
    :param engine: ``pandas`` or ``polars``.
    """
    if engine == "pandas":
        import pandas as pd
        import pandera.pandas as pa

        data: Any = pd.read_parquet(frame)
    else:
        import pandera.polars as pa
        import polars as pl

        data = pl.read_parquet(frame)
    from pandera.errors import SchemaErrors

    columns: dict[str, dict[str, Any]] = {}
    whole: dict[str, Any] = {"checks": []}
    # What an error of pandera names -> the check's number.
    numbers: dict[tuple[str | None, str], int] = {}
    own = _pandas_checks(pa) if engine == "pandas" else _polars_checks(pa, pl)
    for number, check in enumerate(checks):
        column, kind = check.get("column"), check["type"].removeprefix("expect_")
        options = columns.setdefault(column, {"nullable": True, "checks": []}) if column else whole
        if kind == "column_values_to_not_be_null" and "mostly" not in check:
            options["nullable"] = False
            numbers[column, "not_nullable"] = number
        elif kind == "column_values_to_be_unique":
            options["unique"] = True
            numbers[column, "field_uniqueness"] = number
        elif kind == "compound_columns_to_be_unique":
            whole["unique"] = check["column_list"]
            numbers[None, "multiple_fields_uniqueness"] = number
        else:
            options["checks"].append(own[kind](check, f"check {number}"))
            numbers[column, f"check {number}"] = number
    described = {name: pa.Column(**options) for name, options in columns.items()}
    schema = pa.DataFrameSchema(described, **whole)

    def run() -> Outcomes:
        held = dict.fromkeys(numbers.values(), True)
        try:
            schema.validate(data, lazy=True)
        except SchemaErrors as errors:
            for error in errors.schema_errors:
                held[numbers[_named(error, numbers)]] = False
        return held

    return run


def _named(error: Any, numbers: dict[tuple[str | None, str], int]) -> tuple[str | None, str]:
    name = getattr(error.check, "name", None) or str(error.check)
    column = getattr(error.schema, "name", None)
    found = (column, name) if (column, name) in numbers else (None, name.partition("(")[0])
    if found not in numbers:
        raise RuntimeError(f"pandera says what the schema does not: {error}")
    return found


def _built_in(pa: Any) -> dict[str, Callable[[dict[str, Any], str], Any]]:
    return {
        "column_values_to_be_between": lambda check, name: pa.Check.in_range(
            check["min_value"], check["max_value"], name=name
        ),
        "column_values_to_be_in_set": lambda check, name: pa.Check.isin(check["value_set"], name=name),
        "column_values_to_match_regex": lambda check, name: pa.Check.str_matches(check["regex"], name=name),
    }


def _pandas_checks(pa: Any) -> dict[str, Callable[[dict[str, Any], str], Any]]:
    """Return the checks on a series or the frame that pandera has not built in."""
    return {
        **_built_in(pa),
        "table_row_count_to_be_between": lambda check, name: pa.Check(
            lambda frame: len(frame) >= check["min_value"], name=name
        ),
        "column_values_to_not_be_null": lambda check, name: pa.Check(
            lambda values: values.notna().mean() >= check["mostly"], name=name, ignore_na=False
        ),
        "column_mean_to_be_between": lambda check, name: pa.Check(
            lambda values: check["min_value"] <= values.mean() <= check["max_value"], name=name
        ),
        "column_max_to_be_between": lambda check, name: pa.Check(
            lambda values: values.max().isoformat() >= check["min_value"], name=name
        ),
    }


def _polars_checks(pa: Any, pl: Any) -> dict[str, Callable[[dict[str, Any], str], Any]]:
    """Return the checks on a lazy frame that pandera has not built in."""
    return {
        **_built_in(pa),
        "table_row_count_to_be_between": lambda check, name: pa.Check(
            lambda data: data.lazyframe.select(pl.len() >= check["min_value"]), name=name
        ),
        "column_values_to_not_be_null": lambda check, name: pa.Check(
            lambda data: data.lazyframe.select(pl.col(data.key).is_not_null().mean() >= check["mostly"]), name=name
        ),
        "column_mean_to_be_between": lambda check, name: pa.Check(
            lambda data: data.lazyframe.select(
                pl.col(data.key).mean().is_between(check["min_value"], check["max_value"])
            ),
            name=name,
        ),
        "column_max_to_be_between": lambda check, name: pa.Check(
            lambda data: data.lazyframe.select(pl.col(data.key).max() >= pl.lit(check["min_value"]).str.to_datetime()),
            name=name,
        ),
    }


serve(version("pandera"), prepare)
