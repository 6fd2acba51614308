"""What a column type holds, by the words that databases use for it, and times as they cross to Python."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.predicates import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLOATS = re.compile(r"^(double precision|real|double|float(4|8|64)?)$", re.IGNORECASE)
_INTEGERS = re.compile(r"^u?(tiny|small|medium|big|huge)?int(eger)?(2|4|8|64)?\b", re.IGNORECASE)
_KINDS = (
    (
        Kind.NUMBER,
        re.compile(r"^(u?(tiny|small|big|huge)?int(eger)?(2|4|8|64)?|(big)?numeric|decimal|number)\b", re.IGNORECASE),
    ),
    (Kind.TEXT, re.compile(r"^(text|varchar|character varying|character|char|bpchar|name|string)\b", re.IGNORECASE)),
    (Kind.TIME, re.compile(r"^(date|timestamp|timestamptz|time|timetz|interval|datetime)(\b|_)", re.IGNORECASE)),
    (Kind.BOOLEAN, re.compile(r"^bool(ean)?$", re.IGNORECASE)),
    (Kind.NOTHING, re.compile(r'^"?null"?$', re.IGNORECASE)),
)


def is_whole(type_name: str) -> bool:
    """Whether the type holds integers of some width."""
    return bool(_INTEGERS.match(type_name))


def is_float(type_name: str) -> bool:
    """Whether the type can hold NaN beside numbers."""
    return bool(_FLOATS.match(type_name))


def kind_of(type_name: str) -> Kind:
    """Return what columns of the type hold; lists, enums, JSON and what is not known are OTHER."""
    if type_name.endswith("]"):
        return Kind.OTHER
    if is_float(type_name):
        return Kind.NUMBER
    return next((kind for kind, pattern in _KINDS if pattern.match(type_name)), Kind.OTHER)


def from_micros(microseconds: Any) -> datetime:
    """Return the time so many microseconds after 1970, in UTC: a number is what every driver can fetch."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def moment_of(text: str) -> date | datetime:
    """Return the date or the time that a text of a suite names, for databases that would read any text as one.

    :raises MeasureError: it names none.
    """
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise MeasureError(f"{text!r} is no date or time such as 2013-01-31 or 2013-01-31 08:00:00") from None
