"""The functions that SQLite lacks and measuring needs, run in this process: a regex and a row's hash."""

from __future__ import annotations

import functools
import hashlib
import re
import sqlite3
import statistics
from typing import Any, cast


def register(connection: sqlite3.Connection) -> None:
    """Make ``REGEXP``, ``dataops_row_hash``, ``dataops_sum64`` and ``dataops_median`` known to ``connection``."""
    connection.create_function("regexp", 2, _regexp, deterministic=True)
    connection.create_function("dataops_row_hash", -1, _row_hash, deterministic=True)
    # The stubs know only aggregates of whole numbers.
    connection.create_aggregate("dataops_sum64", 1, cast(Any, _Sum64))
    connection.create_aggregate("dataops_median", 1, cast(Any, _Median))


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _regexp(pattern: str, value: Any) -> int | None:
    if value is None:
        return None
    return int(_compiled(pattern).search(str(value)) is not None)


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

    def step(self, value: float | None, /) -> None:
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        return statistics.median(self.values) if self.values else None
