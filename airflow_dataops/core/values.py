"""How values cross a border: JSON that loses nothing that a reader needs, and numbers as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def jsonable(value: Any) -> Any:
    """Return ``value`` as JSON-serialisable data: decimals as exact text, times in ISO 8601, NaN as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [jsonable(v) for v in items]
    return str(value)


def plain(text: object) -> str:
    """Return text in which nothing is Markdown, on one line and not endless."""
    line = " ".join(str(text).split())
    return _MARKUP.sub(r"\\\1", line[:300] + ("…" if len(line) > 300 else ""))


def counted(number: int, noun: str) -> str:
    """Return ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def percent(part: int, whole: int) -> str:
    """Return a share as people read it; never 100 % or 0 % for what is almost that."""
    share = 100 * part / whole
    if 0 < share < 0.001:
        return "less than 0.001 %"
    if 99.999 < share < 100:
        return "more than 99.999 %"
    return f"{share:.5g} %" if share > 99 else f"{share:.3g} %"


def readable(value: Any) -> str:
    """Return ``value`` as a person reads it: thousands grouped, six significant digits, text in quotes."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float | Decimal):
        number = float(value)
        if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
            return f"{int(number):,}"
        return f"{number:,.6g}" if abs(number) < 1e6 else f"{number:,.2f}"
    if isinstance(value, list | tuple | set | frozenset):
        items = [readable(v) for v in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
        more = f", … {len(items) - 8} more" if len(items) > 8 else ""
        return "{" + ", ".join(items[:8]) + more + "}"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return repr(value)
