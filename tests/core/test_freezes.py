"""Freeze windows: what may be written, and when each holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.freezes import frozen, read_windows

BOTH = "2026-12-20T00:00/2027-01-02T00:00; Fri 18:00/Mon 06:00 Europe/Berlin"


def holds(text: str, now: str) -> bool:
    return frozen(read_windows(text), datetime.fromisoformat(now)) is not None


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("", "2026-12-25T12:00Z", False),
        (" ; \n", "2026-12-25T12:00Z", False),
        (BOTH, "2026-12-19T12:00Z", True),  # a Saturday
        (BOTH, "2026-12-22T12:00Z", True),  # a Tuesday, before the year's end
        (BOTH, "2027-01-05T12:00Z", False),
        ("2026-12-20/2027-01-02", "2026-12-19T23:59:59Z", False),
        ("2026-12-20/2027-01-02", "2026-12-20T00:00Z", True),
        ("2026-12-20/2027-01-02", "2027-01-01T23:59:59Z", True),
        ("2026-12-20/2027-01-02", "2027-01-02T00:00Z", False),
        ("2026-12-20 00:00/2027-01-02 00:00 America/New_York", "2026-12-20T04:59Z", False),
        ("2026-12-20 00:00/2027-01-02 00:00 America/New_York", "2026-12-20T05:00Z", True),
        ("Fri 18:00/Mon 06:00", "2026-11-27T17:59Z", False),
        ("Fri 18:00/Mon 06:00", "2026-11-27T18:00Z", True),
        ("Fri 18:00/Mon 06:00", "2026-11-29T23:59Z", True),
        ("Fri 18:00/Mon 06:00", "2026-11-30T05:59:59Z", True),
        ("Fri 18:00/Mon 06:00", "2026-11-30T06:00Z", False),
        ("fri 18:00 / mon 06:00  Europe/Berlin", "2026-11-27T17:00Z", True),  # 18:00 in Berlin, in winter
        ("Fri 18:00/Mon 06:00 Europe/Berlin", "2026-07-03T16:00Z", True),  # 18:00 in Berlin, in summer
        ("Fri 18:00/Mon 06:00 Europe/Berlin", "2026-07-03T15:59Z", False),
        ("Tue 09:00/Tue 17:00", "2026-11-24T12:00Z", True),
        ("Tue 09:00/Tue 17:00", "2026-11-25T12:00Z", False),
        ("Tue 17:00/Tue 09:00", "2026-11-24T12:00Z", False),  # all week, but for this
        ("Tue 17:00/Tue 09:00", "2026-11-25T12:00Z", True),
    ],
)
def test_when_a_window_holds(text: str, now: str, expected: bool) -> None:
    assert holds(text, now) is expected


def test_a_window_is_told_as_it_is_written() -> None:
    window = frozen(read_windows(BOTH), datetime(2026, 12, 22, tzinfo=UTC))
    assert window is not None
    assert window.text == "2026-12-20T00:00/2027-01-02T00:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Fri 18:00/Mon 06:00; nonsense", "'nonsense' is no window: it is not of a form that is known. Expected"),
        ("2026-12-20", "'2026-12-20' is no window"),
        ("2026-12-20/2026-12-20", "it ends before it begins"),
        ("2026-12-20/2026-12-19", "it ends before it begins"),
        ("2026-13-20/2027-01-02", "2026-13-20 is no time"),
        ("Fri 18:00/Fri 18:00", "it ends when it begins"),
        ("Fri 25:00/Mon 06:00", "25:00 is no time"),
        ("Friday 18:00/Mon 06:00", "not of a form"),
        ("Fri 18:00/Mon 06:00 Europe/Atlantis", "there is no time zone 'Europe/Atlantis'"),
        ("Fri 18:00/Mon 06:00 ../../etc/passwd", "there is no time zone"),
        ("Fri 18:00/Mon 06:00 Europe", "there is no time zone 'Europe'"),
    ],
)
def test_a_wrong_text_names_the_part(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match="freeze_windows") as refused:
        read_windows(text)
    assert said in str(refused.value)


WEEK = 7 * 1440


@pytest.mark.parametrize("start", range(0, WEEK, 1439))
def test_a_weekly_window_holds_for_its_length_wherever_it_lies(start: int) -> None:
    def written(minute: int) -> str:
        day, rest = divmod(minute % WEEK, 1440)
        return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[day]} {rest // 60:02}:{rest % 60:02}"

    for minutes in (1, 59, 1440, 5000, WEEK - 1):
        windows = read_windows(f"{written(start)}/{written(start + minutes)}")
        for since in (0, minutes - 1, minutes, WEEK - 1):
            now = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=start + since)  # from a Monday
            assert (frozen(windows, now) is not None) is (since < minutes)
