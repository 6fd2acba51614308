"""Suites as people write them, and as Great Expectations stores them.

The short form, in YAML or JSON; a check is its type, its arguments, and what is said about it::

    name: orders                   # optional; else the file's name
    checks:
      - type: expect_table_row_count_to_be_between
        min_value: 1
      - type: column_values_to_not_be_null      # the prefix expect_ may be left out
        column: amount
        mostly: 0.999
        severity: warning                       # critical (the default), warning or info
        notes: Ask the billing team.            # printed when the check does not hold
      - type: column_values_to_be_in_set
        column: status
        value_set: [open, paid]
        row_condition: col("amount") > 0
        name: status of what costs something    # tells two checks of one type on one column apart
      - type: column_values_to_not_be_null
        column: email
        warn_above: 10                          # rows that break it; more are a warning,
        fail_above: 1 %                         # and more than this are a failure (instead of mostly)
      - type: column_mean_to_be_between
        column: amount
        min_value: 10
        max_value: 90
        warn_outside: {min_value: 40, max_value: 60}

GX's stored suite, ``{"name": …, "expectations": [{"type": …, "kwargs": {…}, "meta": {…}}]}``, is read unchanged,
older ones with ``expectation_type`` and ``expectation_suite_name`` too. ``{"$PARAMETER": "low"}`` takes its value from
``parameters``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_dataops.core.checks import LIMITS, Check, Suite
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.verdicts import Severity
from airflow_dataops.core.vocabulary import VOCABULARY, compile_check

# Keys of a check that are said about it; all others are arguments of its type.
_ABOUT = frozenset({"type", "expectation_type", "kwargs", "severity", "name", "meta", "notes", *LIMITS})
# What GX stores with an expectation and no argument; its description goes with the notes.
_STORED = frozenset({"id", "ge_cloud_id", "description", "rendered_content", "expectation_context", "windows"})
_CAPITALS = re.compile(r"(?<!^)(?=[A-Z])")


def read_suite(source: Any, *, base: Path | None = None, parameters: Mapping[str, Any] | None = None) -> Suite:
    """Return the suite that ``source`` holds, every check known and its arguments right.

    :param source: a path to YAML or JSON, a list or dict of checks, a ``Suite``, or GX's own ``ExpectationSuite``.
    :param base: where a relative path starts; the working directory without.
    :param parameters: values of GX's ``$PARAMETER``.
    :raises SuiteError: one line that names the file, the check's position and what is wrong with it.
    """
    if isinstance(source, Suite):
        suite = source
    elif isinstance(source, str | Path):
        path = (base or Path()) / source
        suite = _from_data(load(path), name=path.stem, origin=str(source), parameters=parameters or {})
    elif callable(getattr(source, "to_json_dict", None)):
        suite = _from_data(source.to_json_dict(), name="suite", origin="suite", parameters=parameters or {})
    else:
        suite = _from_data(source, name="suite", origin="suite", parameters=parameters or {})
    for position, check in enumerate(suite, start=1):
        _compiles(check, f"{source if isinstance(source, str | Path) else 'suite'}: check {position}")
    return suite


def _compiles(check: Check, place: str) -> None:
    try:
        compile_check(check)
    except SuiteError as error:
        raise SuiteError(f"{place}: {error}") from None


def load(path: Path) -> Any:
    """Return the file's data; JSON is read as JSON, everything else as YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        folder = path.absolute().parent
        near = sorted(str(p) for pattern in ("*.y*ml", "*/*.y*ml") for p in folder.glob(pattern))[:3]
        known = f" There is {', '.join(near)}." if near else ""
        raise SuiteError(
            f"{path.absolute()}: there is no such suite file.{known} Paths start at the DAG file."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: cannot be read: {error}") from error
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise SuiteError(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}") from None
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SuiteError(f"{path}: {where}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise SuiteError(f"{path}: {' '.join(str(error).split())}") from None


def _from_data(data: Any, *, name: str, origin: str, parameters: Mapping[str, Any]) -> Suite:
    if isinstance(data, Mapping):
        for key in ("checks", "expectations"):
            if key in data:
                break
        else:
            if "type" not in data and "expectation_type" not in data:
                raise SuiteError(f"{origin}: no list of checks; expected the key 'checks' (or GX's 'expectations')")
            data, key = {"checks": [data]}, "checks"
        name = data.get("name") or data.get("expectation_suite_name") or name
        data = data[key]
    if not isinstance(data, list | tuple):
        raise SuiteError(f"{origin}: the checks are {_kind(data)}; expected a list")
    if not isinstance(name, str):
        raise SuiteError(f"{origin}: the name is {_kind(name)}; expected text")
    checks = tuple(
        _check(entry, f"{origin}: check {position}", parameters) for position, entry in enumerate(data, start=1)
    )
    return Suite(name=name, checks=checks)


def _check(entry: Any, place: str, parameters: Mapping[str, Any]) -> Check:
    if isinstance(entry, Check):
        return entry
    configuration = getattr(entry, "configuration", entry)
    if callable(getattr(configuration, "to_json_dict", None)):  # GX's own Expectation
        entry = configuration.to_json_dict()
    if not isinstance(entry, Mapping):
        raise SuiteError(f"{place}: is {_kind(entry)}; expected its type and arguments")
    kind = entry.get("type") or entry.get("expectation_type")
    if not isinstance(kind, str):
        raise SuiteError(f"{place}: has no 'type'")
    given = entry.get("kwargs") or {}
    if not isinstance(given, Mapping):
        raise SuiteError(f"{place}: 'kwargs' is {_kind(given)}; expected arguments by name")
    arguments = {**{key: value for key, value in entry.items() if key not in _ABOUT | _STORED}, **given}
    meta = dict(entry.get("meta") or {})
    meta |= {key: entry[key] for key in ("notes", "description") if entry.get(key)}
    return Check(
        kind=_kind_of(kind),
        kwargs=_filled(arguments, parameters),
        severity=_severity(entry.get("severity") or meta.get("severity") or Severity.CRITICAL, place),
        name=entry.get("name"),
        **{limit: _filled(entry.get(limit), parameters) for limit in LIMITS},
        meta=meta,
    )


def _kind_of(written: str) -> str:
    """Return the type that is meant: the prefix may be left out, and GX's classes write it in capitals."""
    kind = _CAPITALS.sub("_", written).lower() if written[:1].isupper() else written
    return kind if kind in VOCABULARY or f"expect_{kind}" not in VOCABULARY else f"expect_{kind}"


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return the arguments with each ``{"$PARAMETER": name}`` replaced by its value; an unknown one stays."""
    if isinstance(value, Mapping):
        if set(value) == {"$PARAMETER"}:
            return parameters.get(value["$PARAMETER"], value)
        return {key: _filled(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, parameters) for item in value]
    if callable(getattr(value, "json", None)):  # GX's own Condition
        return json.loads(value.json())
    return value


def _severity(value: Any, place: str) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise SuiteError(f"{place}: severity {value!r}; expected one of {', '.join(Severity)}") from None


def _kind(value: Any) -> str:
    return {type(None): "empty", dict: "a mapping", list: "a list", str: "text"}.get(type(value), type(value).__name__)
