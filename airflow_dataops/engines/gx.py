"""Great Expectations itself, for what no SQL can answer: imported only when such an expectation is measured.

It sees one column, as a list; of what it says only counts leave this module, never a value.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import ExpectationResult

log = logging.getLogger(__name__)

_JSON_SCHEMA = "expect_column_values_to_match_json_schema"
_COUNTS = ("element_count", "missing_count", "unexpected_count")
# Counts without the values that make them: COMPLETE would carry them all.
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_QUOTED = re.compile(r"""(["'])(?:(?!\1).)*\1""")


def result_of(metric: ExpectationResult, values: list[Any]) -> dict[str, int] | MeasureError:
    """Return the counts of an expectation over a column's values: elements, missing and unexpected ones.

    For a JSON schema, ``not_json`` says how many of the unexpected ones are no JSON at all: GX would stop at the first.
    An expectation that GX cannot evaluate is a value too: it is one check's misfortune, and what else the snapshot
    holds stays measured.
    """
    looked_at = _json_only(values) if metric.kind == _JSON_SCHEMA else values
    if "great_expectations" not in sys.modules:
        log.info("Importing Great Expectations, which takes some seconds, once.")
    try:
        with _quiet():
            found = _validated(metric, looked_at)
    except Exception as error:  # GX raises whatever its own libraries raise
        return _refused(str(error) or type(error).__name__)
    message = _raised(found["exception_info"])
    if message is not None:
        return _refused(message)
    counts = {name: found["result"].get(name) for name in _COUNTS}
    if None in counts.values():  # never a pass for want of an answer
        return _refused(f"{metric.kind} was not answered with counts")
    if metric.kind == _JSON_SCHEMA:
        counts["not_json"] = looked_at.count(None) - values.count(None)
        counts["missing_count"] -= counts["not_json"]
        counts["unexpected_count"] += counts["not_json"]
    return counts


def wrong_schema(metric: ExpectationResult) -> str | None:
    """Return what is wrong with the JSON schema of an expectation that has one."""
    if metric.kind != _JSON_SCHEMA:
        return None
    from jsonschema import SchemaError  # type: ignore[import-untyped]
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    schema = json.loads(metric.kwargs)["json_schema"]
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        return f"json_schema is no JSON schema: {error.json_path.replace('$', 'json_schema', 1)}: {error.message}"
    return None


def _json_only(values: list[Any]) -> list[Any]:
    """Return the values with null for those that are no JSON."""
    return [value if value is None or _is_json(value) else None for value in values]


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except Exception:  # as GX has it, whatever it is
        return False
    return True


def _validated(metric: ExpectationResult, values: list[Any]) -> dict[str, Any]:
    """Return GX's result in JSON form, from an ephemeral context of its own."""
    import great_expectations as gx
    import pandas  # type: ignore[import-untyped]
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    with _own_project():
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(),
                analytics_enabled=False,
                progress_bars={"globally": False, "metric_calculations": False},
            ),
        )
        # Left to itself pandas would make numbers of what is all null.
        frame = pandas.DataFrame({metric.column: pandas.Series(values, dtype=object)})
        asset = context.data_sources.add_pandas("column").add_dataframe_asset("values")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        expectation = ExpectationConfiguration(
            type=metric.kind, kwargs={"column": metric.column, **json.loads(metric.kwargs)}
        ).to_domain_obj()
        return dict(batch.validate(expectation, result_format=_RESULT_FORMAT).to_json_dict())


@contextlib.contextmanager
def _own_project() -> Iterator[None]:
    """Leave the context that a notebook works with as the process's current one."""
    from great_expectations.data_context.data_context.context_factory import project_manager
    from great_expectations.exceptions import DataContextError

    try:
        before = project_manager._project
    except DataContextError:  # there is none
        before = None
    try:
        yield
    finally:
        project_manager.set_project(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what GX warns and logs: its own libraries' news, and tracebacks with values in them."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown_by = warnings.showwarning
        try:
            yield
        finally:
            if warnings.showwarning is not shown_by:  # importing GX turns every warning of the process into a log line
                logging.captureWarnings(False)
            logger.setLevel(level)


def _raised(info: Mapping[str, Any]) -> str | None:
    """Return the message of what went wrong: GX says so of the expectation, or of each of its own metrics by id."""
    told = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, Mapping)]
    for one in told:
        if one.get("raised_exception"):
            return str(one.get("exception_message") or "no reason given")
    return None


def _refused(message: str) -> MeasureError:
    """Return the error, its first line with what it quotes left out: that may be a value."""
    first = _QUOTED.sub("'…'", message.strip().split("\n")[0])
    return MeasureError(f"Great Expectations: {first[:300]}")
