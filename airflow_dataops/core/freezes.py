"""Freeze windows: when no release is promoted. Written as text, and asked with the time they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from airflow_dataops.core.errors import ConfigurationError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DATED = re.compile(r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?)\s*/\s*(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?)(?:\s+(\S+))?")
_DAY = r"(mon|tue|wed|thu|fri|sat|sun)\s+(\d\d:\d\d)"
_WEEKLY = re.compile(rf"{_DAY}\s*/\s*{_DAY}(?:\s+(\S+))?", re.IGNORECASE)
_FORMS = (
    "'2026-12-20T00:00/2027-01-02T00:00' or 'Fri 18:00/Mon 06:00', each with a zone such as Europe/Berlin behind it"
)


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of time, once or every week, from its start to just before its end.

    :param text: as it is written.
    """

    text: str

    def holds(self, now: datetime) -> bool:
        """Return whether ``now`` is in it."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Dated(Window):
    """A window that is once; both ends are aware."""

    start: datetime
    end: datetime

    def holds(self, now: datetime) -> bool:
        """Return whether ``now`` is in it."""
        return self.start <= now < self.end


@dataclass(frozen=True, kw_only=True)
class Weekly(Window):
    """A window that is every week, by the clock on the wall of its zone.

    :param start: minutes since Monday, 00:00.
    :param end: the same; before ``start`` where the window goes over Sunday's end.
    """

    start: int
    end: int
    zone: tzinfo

    def holds(self, now: datetime) -> bool:
        """Return whether ``now`` is in it."""
        here = now.astimezone(self.zone)
        minute = here.weekday() * 1440 + here.hour * 60 + here.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def read_windows(text: str) -> tuple[Window, ...]:
    """Return the windows of ``text``, which are separated by semicolons or lines; none for an empty one.

    :raises ConfigurationError: a part of it is no window; names the part.
    """
    parts = (part.strip() for part in re.split(r"[;\n]", text))
    return tuple(_window(part) for part in parts if part)


def frozen(windows: Iterable[Window], now: datetime) -> Window | None:
    """Return the first window that ``now`` is in."""
    return next((window for window in windows if window.holds(now)), None)


def _window(part: str) -> Window:
    dated = _DATED.fullmatch(part)
    if dated:
        zone = _zone(part, dated[3])
        start, end = (_date(part, text).replace(tzinfo=zone) for text in (dated[1], dated[2]))
        if end <= start:
            raise _refused(part, "it ends before it begins")
        return Dated(text=part, start=start, end=end)
    weekly = _WEEKLY.fullmatch(part)
    if not weekly:
        raise _refused(part, "it is not of a form that is known")
    first, last = _minute(part, weekly[1], weekly[2]), _minute(part, weekly[3], weekly[4])
    if first == last:
        raise _refused(part, "it ends when it begins")
    return Weekly(text=part, start=first, end=last, zone=_zone(part, weekly[5]))


def _zone(part: str, name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a key, or a folder of zones
        raise _refused(part, f"there is no time zone {name!r}") from None


def _date(part: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _refused(part, f"{text} is no time: {error}") from None


def _minute(part: str, day: str, text: str) -> int:
    try:
        clock = time.fromisoformat(text)
    except ValueError as error:
        raise _refused(part, f"{text} is no time: {error}") from None
    return _DAYS.index(day.lower()) * 1440 + clock.hour * 60 + clock.minute


def _refused(part: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"freeze_windows: {part!r} is no window: {why}. Expected {_FORMS} (else UTC).")
