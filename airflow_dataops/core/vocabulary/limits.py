"""Thresholds for warn and fail apart: how many rows may break a check, and a narrower range that warns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.metrics import Facts
from airflow_dataops.core.values import counted
from airflow_dataops.core.vocabulary.arguments import percentage
from airflow_dataops.core.vocabulary.compiled import CompiledCheck, Finding

_NARROWED = frozenset({"min_value", "max_value", "strict_min", "strict_max", "max_age", "tolerance"})


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many rows, or so many percent of those looked at."""

    rows: int | None = None
    percent: Decimal = Decimal(0)

    @classmethod
    def read(cls, name: str, value: Any) -> Limit:
        """Return the limit that a suite writes: ``10`` rows, or ``0.5 %``.

        :raises SuiteError: it is neither.
        """
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return cls(rows=value)
        percent = percentage(value)
        if percent is not None and percent <= 100:
            return cls(percent=percent)
        raise SuiteError(f"{name} is {value!r}; expected a number of rows, or a percentage such as '0.5 %'")

    def __str__(self) -> str:
        if self.rows is None:
            return f"{self.percent:f} %"
        return counted(self.rows, "row")

    def reaches(self, other: Limit) -> bool:
        """Whether it is as much as the other, or more; rows and percent say nothing of each other."""
        if self.rows is None or other.rows is None:
            return self.rows is other.rows and self.percent >= other.percent
        return self.rows >= other.rows

    def exceeded(self, broken: int, rows: int) -> bool:
        """Whether more than so many of ``rows`` are broken."""
        if self.rows is None:
            return broken * 100 > self.percent * rows
        return broken > self.rows


def with_limits(compiled: CompiledCheck, recompile: Callable[[dict[str, Any]], CompiledCheck]) -> CompiledCheck:
    """Return the check with what its ``warn_above``, ``fail_above`` and ``warn_outside`` say.

    :param recompile: compiles the same check with other arguments.
    :raises SuiteError: a limit is not what it must be, or the check is none that can have it.
    """
    check = compiled.check
    if check.warn_above is not None or check.fail_above is not None:
        compiled = _above(compiled)
    if check.warn_outside is not None:
        if not check.warn_outside or set(check.warn_outside) - _NARROWED:
            raise SuiteError(f"warn_outside takes the check's own limits, of {', '.join(sorted(_NARROWED))}")
        if compiled.broken is not None or compiled.counts_rows:
            raise SuiteError("warn_outside is for one measured number; for rows write warn_above")
        _narrower(check.kwargs, check.warn_outside)
        compiled = _outside(compiled, recompile({**check.kwargs, **check.warn_outside}))
    return compiled


def _narrower(limits: Mapping[str, Any], warned: Mapping[str, Any]) -> None:
    """Refuse a range that warns and lies beyond what fails: that warning could never come."""
    for name, sign in (("min_value", 1), ("max_value", -1)):
        value, limit = warned.get(name), limits.get(name)
        if not isinstance(value, int | float) or not isinstance(limit, int | float):
            continue
        if sign * value < sign * limit:
            raise SuiteError(
                f"warn_outside has {name} {value}, beyond the check's own {limit}; expected a narrower range"
            )


def _above(compiled: CompiledCheck) -> CompiledCheck:
    check = compiled.check
    if compiled.broken is None and not compiled.counts_rows:
        raise SuiteError("warn_above and fail_above are for checks that count rows; this one does not")
    if check.fail_above is not None and check.kwargs.get("mostly") is not None:
        raise SuiteError("fail_above and mostly say the same thing twice; write one of them")
    fail = None if check.fail_above is None else Limit.read("fail_above", check.fail_above)
    warn = None if check.warn_above is None else Limit.read("warn_above", check.warn_above)
    if fail and warn and warn.reaches(fail):
        raise SuiteError(f"warn_above {warn} is not below fail_above {fail}, so nothing could only warn; write less")
    by_mostly = check.kwargs.get("mostly") is not None
    expected = compiled.expected + _allowance(fail, warn)

    def judge(facts: Facts) -> Finding:
        found = compiled.judge(facts)
        broken, rows = found.unexpected_count or 0, found.element_count or 0
        holds = found.holds if by_mostly else fail is None or not fail.exceeded(broken, rows)
        return replace(
            found,
            holds=holds,
            warns=holds and warn is not None and warn.exceeded(broken, rows),
            expected=expected,
            message=_expecting(found, expected),
        )

    return replace(compiled, judge=judge, expected=expected)


def _allowance(fail: Limit | None, warn: Limit | None) -> str:
    most = f" but for at most {fail}" if fail else ""
    return f"{most} (a warning above {warn})" if warn else most


def _outside(compiled: CompiledCheck, narrower: CompiledCheck) -> CompiledCheck:
    expected = f"{narrower.expected}, and at worst {compiled.expected}"

    def judge(facts: Facts) -> Finding:
        found, near = compiled.judge(facts), narrower.judge(facts)
        warns = found.holds and not near.holds
        return replace(found, warns=warns, expected=expected, message=_expecting(found, expected))

    return replace(
        compiled,
        judge=judge,
        expected=expected,
        metrics=tuple(dict.fromkeys((*compiled.metrics, *narrower.metrics))),
    )


def _expecting(found: Finding, expected: str) -> str:
    """Return the finding's message with the whole expectation at its end."""
    said, end, _ = found.message.rpartition("; expected ")
    return said + end + expected if end else found.message
