"""Outcomes of checks and the verdict of a gate: ``PASS < WARN < ERROR < FAIL``, and a gate fails closed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Severity(StrEnum):
    """What a check that does not hold means: stop (critical), tell (warning) or note (info)."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Outcome(StrEnum):
    """How one check came out."""

    PASS = "PASS"  # noqa: S105 - an outcome, not a password
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FAIL = "FAIL"


class Verdict(StrEnum):
    """What a gate says of the data."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    WARN = "WARN"
    ERROR = "ERROR"
    FAIL = "FAIL"

    @property
    def passes(self) -> bool:
        """Whether data with this verdict may be promoted."""
        return self in (Verdict.PASS, Verdict.WARN)


_RANK = {Outcome.PASS: 0, Outcome.INFO: 1, Outcome.WARN: 2, Outcome.ERROR: 3, Outcome.FAIL: 4}
_VERDICT = {0: Verdict.PASS, 1: Verdict.PASS, 2: Verdict.WARN, 3: Verdict.ERROR, 4: Verdict.FAIL}
_MISSED = {Severity.CRITICAL: Outcome.FAIL, Severity.WARNING: Outcome.WARN, Severity.INFO: Outcome.INFO}


def outcome_of(holds: bool, severity: Severity) -> Outcome:
    """Return the outcome of a measured check: PASS where it holds, else what its severity says."""
    return Outcome.PASS if holds else _MISSED[severity]


def worst(outcomes: Iterable[Outcome]) -> Verdict:
    """Return the verdict over ``outcomes``; no evaluated check at all is ERROR, never PASS."""
    ranks = [_RANK[o] for o in outcomes]
    return _VERDICT[max(ranks)] if ranks else Verdict.ERROR


def badness(outcome: Outcome) -> int:
    """Return the sort key that puts failures first."""
    return -_RANK[outcome]
