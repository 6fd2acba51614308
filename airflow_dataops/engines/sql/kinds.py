"""What a column type holds, by the words that PostgreSQL and DuckDB use for it."""

from __future__ import annotations

import re

from airflow_dataops.core.predicates import Kind

_FLOATS = re.compile(r"^(double precision|real|double|float[48]?)$", re.IGNORECASE)
_KINDS = (
    (Kind.NUMBER, re.compile(r"^(u?(tiny|small|big|huge)?int(eger)?[248]?|numeric|decimal)\b", re.IGNORECASE)),
    (Kind.TEXT, re.compile(r"^(text|varchar|character varying|character|char|bpchar|name|string)\b", re.IGNORECASE)),
    (Kind.TIME, re.compile(r"^(date|timestamp|timestamptz|time|timetz|interval|datetime)(\b|_)", re.IGNORECASE)),
    (Kind.BOOLEAN, re.compile(r"^bool(ean)?$", re.IGNORECASE)),
)


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
