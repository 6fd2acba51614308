"""Lengths of time as people write them and read them: ``36 hours``, ``1 day 12 h``, ``PT36H``."""

from __future__ import annotations

import re
from datetime import timedelta

from airflow_dataops.core.values import counted

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])[\s,]*", re.I
)
_ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_WORDS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def read_duration(text: str) -> timedelta | None:
    """Return the length of time that ``text`` says; ``None`` if it says none."""
    text = text.strip()
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        return timedelta(
            seconds=sum(float(n or 0) * unit for n, unit in zip(iso.groups(), _UNITS.values(), strict=True))
        )
    seconds, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end:
            return None
        seconds, end = seconds + float(part[1]) * _UNITS[part[2][0].lower()], part.end()
    return timedelta(seconds=seconds) if end and end == len(text) else None


def said(duration: timedelta) -> str:
    """Return a length of time as a person says it, in its two largest units: ``1 day 12 hours``."""
    left = round(abs(duration.total_seconds()))
    words: list[str] = []
    for unit, word in _WORDS:
        count, left = divmod(left, unit)
        if count and len(words) < 2:
            words.append(counted(count, word))
        elif words:
            break
    return " ".join(words) or "0 seconds"
