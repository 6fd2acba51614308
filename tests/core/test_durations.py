"""Lengths of time, written and said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_dataops.core.durations import read_duration, said


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("36 hours", 36),
        ("36h", 36),
        ("1 day 12 h", 36),
        ("1 day, 12 hours", 36),
        ("1.5 days", 36),
        ("90 min", 1.5),
        ("2 weeks", 336),
        ("PT36H", 36),
        ("P1DT12H", 36),
        ("P1W", 168),
    ],
)
def test_what_people_write(text, hours):
    assert read_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "soon", "36", "hours", "P", "PT", "1 day ago", "1 month", "-1 hour"])
def test_what_says_no_length(text):
    assert read_duration(text) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (3_600, "1 hour"),
        (93_784, "1 day 2 hours"),
        (86_460, "1 day"),
        (-90, "1 minute 30 seconds"),
    ],
)
def test_two_units_are_enough(seconds, words):
    assert said(timedelta(seconds=seconds)) == words
