"""The functions that SQLite lacks and measuring needs, run in this process: a regex, times, a row's hash."""

from __future__ import annotations

import functools
import hashlib
import math
import re
import sqlite3
import statistics
from datetime import UTC, date, datetime
from typing import Any, cast

_STEPS = 1_000_000  # of SQLite's virtual machine: some ten milliseconds


def register(connection: sqlite3.Connection) -> None:
    """Make ``REGEXP``, ``STDDEV_SAMP`` and functions of our own, whose names say so, known to ``connection``."""
    connection.create_function("regexp", 2, _regexp, deterministic=True)
    connection.create_function("dataops_moment", 1, _moment, deterministic=True)
    connection.create_function("dataops_row_hash", -1, _row_hash, deterministic=True)
    # The stubs know only aggregates of whole numbers.
    connection.create_aggregate("dataops_sum64", 1, cast(Any, _Sum64))
    connection.create_aggregate("dataops_median", 1, cast(Any, _Median))
    connection.create_aggregate("stddev_samp", 1, cast(Any, _Deviation))
    # Python hears signals between its own instructions only, and a statement may have none for hours. What a signal's
    # handler raises in here interrupts the statement.
    connection.set_progress_handler(lambda: 0, _STEPS)


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _regexp(pattern: str, value: Any) -> int | None:
    if value is None:
        return None
    return int(_compiled(pattern).search(str(value)) is not None)


def moment_text(value: date) -> str:
    """Return a date or a time as text that sorts; what names no zone is UTC."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(" ", "microseconds")


def _moment(value: Any) -> str | None:
    """Return the time that an ISO text names, as :func:`moment_text` writes it; ``None`` of what names none."""
    try:
        return moment_text(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return None


def _row_hash(*values: Any) -> int:
    """Return 64 bits of the row's content; types count, so that 1 and '1' differ."""
    digest = hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class _Sum64:
    """A sum modulo 2**64: order does not matter, a row twice does, and nothing overflows."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, value: int, /) -> None:
        self.total += value

    def finalize(self) -> str:
        return f"{self.total % 2**64:016x}"


class _Median:
    """The interpolated median of what is not null, as pandas has it."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: Any, /) -> None:
        if isinstance(value, int | float):  # a text among the numbers is the check's failure, which is counted apart
            self.values.append(value)

    def finalize(self) -> float | None:
        return statistics.median(self.values) if self.values else None


class _Deviation:
    """The standard deviation of a sample, by Welford's running mean; null of fewer than two values.

    NaN, which infinities make of it, is null to SQLite.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0

    def step(self, value: Any, /) -> None:
        if not isinstance(value, int | float):
            return
        self.count += 1
        distance = value - self.mean
        self.mean += distance / self.count
        self.squares += distance * (value - self.mean)

    def finalize(self) -> float | None:
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None
