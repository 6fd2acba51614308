"""How a check's arguments are read: each by a small function that returns the value or says what was expected."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from airflow_dataops.core.checks import LIMITS
from airflow_dataops.core.conditions import PARSERS, read_condition
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.predicates import Kind, Scalar

REQUIRED = object()

# What GX took away in its version 1, and what to write instead of it.
_TAKEN_AWAY = {
    "parse_strings_as_datetimes": "text is compared with a column of times as a time",
    "allow_cross_type_comparisons": "a value is compared with a column of its own kind",
    "output_strftime_format": "results show times in ISO 8601",
    "auto": "give the limits",
    "profiler_config": "give the limits",
}

# What a suite says of a check beside its arguments: a slip of the pen in one of these reads as an argument.
SAID_OF_A_CHECK = ("severity", "name", "notes", "meta", *LIMITS)
_NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

# GX's switches for how a result is shown; they change nothing of what is asked.
_PRESENTATION = frozenset({"result_format", "catch_exceptions", "include_config", "batch_id", "library_metadata"})


@dataclass(frozen=True)
class Parameter:
    """One argument of a check: how it is read, and what it is when it is not given."""

    read: Callable[[Any], Any]
    default: Any = REQUIRED


def read_arguments(parameters: Mapping[str, Parameter], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments, read and complete.

    :raises SuiteError: one is unknown, missing or not what it must be.
    """
    for name, value in kwargs.items():
        if name in _TAKEN_AWAY and name not in parameters:
            if value:
                raise SuiteError(f"Great Expectations 1 has no {name!r}; leave it out: {_TAKEN_AWAY[name]}")
        elif name not in parameters and name not in _PRESENTATION:
            close = get_close_matches(name, (*parameters, *SAID_OF_A_CHECK), n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(parameters)}"
            raise SuiteError(f"unknown argument {name!r}; {hint}")
    arguments = {}
    for name, parameter in parameters.items():
        value = kwargs.get(name)
        if value is None and parameter.default is REQUIRED:
            raise SuiteError(f"argument {name!r} is missing")
        arguments[name] = parameter.default if value is None else _read(name, parameter, value)
    return arguments


def _read(name: str, parameter: Parameter, value: Any) -> Any:
    if isinstance(value, Mapping) and "$PARAMETER" in value:
        raise SuiteError(f"parameter {value['$PARAMETER']!r} of {name!r} has no value; give it in parameters=")
    try:
        return parameter.read(value)
    except SuiteError as error:
        raise SuiteError(f"argument {name!r}: {error}") from None


def _expected(what: str, value: Any) -> SuiteError:
    return SuiteError(f"expected {what}, got {value!r}")


def text(value: Any) -> str:
    """A name."""
    if not isinstance(value, str) or not value:
        raise _expected("a name", value)
    return value


def names(value: Any) -> tuple[str, ...]:
    """A list of names."""
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset) or not value:
        raise _expected("a list of names", value)
    items = sorted(value) if isinstance(value, set | frozenset) else value
    return tuple(text(item) for item in items)


def one_or_more(value: Any) -> tuple[str, ...]:
    """A name, or a list of names."""
    return (text(value),) if isinstance(value, str) else names(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _expected("true or false", value)
    return value


def _numeral(value: Any) -> Any:
    """Return the number that a text writes, as GX reads ``"5"``; anything else as it is."""
    if not isinstance(value, str) or not _NUMERAL.fullmatch(value.strip()):
        return value
    return int(value) if value.strip().lstrip("+-").isdigit() else float(value)


def whole(value: Any) -> int:
    """A whole number; GX writes some as 3.0."""
    found = _numeral(value)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise _expected("a whole number", value)
    return found


def number(value: Any) -> int | float | Decimal:
    """A number."""
    found = _numeral(value)
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal) or not math.isfinite(found):
        raise _expected("a finite number", value)
    return found


def bound(value: Any) -> Scalar:
    """A number, a text, a date or a time; a text that writes a number is one, as in GX."""
    found = _numeral(value)
    return found if isinstance(found, str | date | datetime) else number(found)


def scalars(value: Any) -> tuple[Scalar, ...]:
    """A list of values that is not empty; nulls are left out, as no check looks at them."""
    found = value_set(value)
    if not found:
        raise _expected("a list of values that is not empty", value)
    return found


def value_set(value: Any) -> tuple[Scalar, ...]:
    """A list of values of one kind, each once, that may be empty; nulls, and NaN among them, are left out."""
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise _expected("a list of values", value)
    items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
    found = tuple(item for item in items if item is not None and item == item)
    kinds = {kind_of(item) for item in found}
    if len(kinds) > 1:
        raise SuiteError(f"values of one kind expected, got {' and '.join(sorted(kinds))}")
    return tuple(dict.fromkeys(found))


def kind_of(value: Any) -> Kind:
    """Return the kind of a value written in a suite."""
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int | float | Decimal):
        return Kind.NUMBER
    if isinstance(value, str):
        return Kind.TEXT
    if isinstance(value, date | datetime):
        return Kind.TIME
    raise _expected("a number, a text, a date or true / false", value)


def share(value: Any) -> Decimal:
    """A share from 0 to 1, kept as it is written."""
    found = _numeral(value)
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal) or not 0 <= found <= 1:
        raise _expected("a share from 0 to 1", value)
    return Decimal(str(value).strip())


def percentage(value: Any) -> Decimal | None:
    """Return the number before the sign of a text such as ``0.5 %``; ``None`` where there is no such number."""
    if not isinstance(value, str) or not value.strip().endswith("%"):
        return None
    try:
        number = Decimal(value.strip().removesuffix("%").strip())
    except ArithmeticError:
        return None
    return number if number.is_finite() and number >= 0 else None


def pattern(value: Any) -> str:
    """A regular expression in Python's syntax."""
    if not isinstance(value, str):
        raise _expected("a regular expression", value)
    try:
        re.compile(value)
    except re.error as error:
        raise SuiteError(f"{value!r} is no regular expression: {error}") from error
    return value


def parser(value: Any) -> str:
    """One of the condition parsers that can be translated."""
    if value not in PARSERS:
        raise _expected(f"one of {', '.join(PARSERS)}", value)
    return str(value)


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return the reader of a word out of ``choices``."""

    def read(value: Any) -> str:
        if value not in choices:
            raise _expected(f"one of {', '.join(choices)}", value)
        return str(value)

    return read


def in_order(arguments: Mapping[str, Any], *, limited: bool = True) -> None:
    """Refuse a range that no value can be in, or that asks for nothing.

    :param limited: whether a limit is needed; without one GX asks of some checks that there is a value at all.
    """
    low, high = arguments["min_value"], arguments["max_value"]
    if limited and low is None and high is None:
        raise SuiteError("min_value or max_value is needed")
    if low is None or high is None:
        return
    if kind_of(low) != kind_of(high):
        raise SuiteError(f"min_value is a {kind_of(low)} and max_value a {kind_of(high)}; expected one kind")
    if isinstance(low, datetime) != isinstance(high, datetime):
        low, high = _day(low), _day(high)
    if low > high:
        raise SuiteError(f"min_value {low} is above max_value {high}")


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


COLUMN = {"column": Parameter(text)}
CONDITION = {"row_condition": Parameter(read_condition, None), "condition_parser": Parameter(parser, None)}
MOSTLY = {"mostly": Parameter(share, Decimal(1))}


def range_of(read: Callable[[Any], Any]) -> dict[str, Parameter]:
    """Return the parameters of a range whose bounds ``read`` reads."""
    return {
        "min_value": Parameter(read, None),
        "max_value": Parameter(read, None),
        "strict_min": Parameter(flag, False),
        "strict_max": Parameter(flag, False),
    }
