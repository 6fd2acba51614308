"""The sentences of row-wise findings: how many of how many, how they are wrong, what was expected."""

from __future__ import annotations

from decimal import Decimal

from airflow_dataops.core.vocabulary.compiled import Finding


def percent(part: int, whole: int) -> str:
    """Return a share as people read it; never 100 % or 0 % for what is almost that."""
    share = 100 * part / whole
    if 0 < share < 0.001:
        return "less than 0.001 %"
    if 99.999 < share < 100:
        return "more than 99.999 %"
    return f"{share:.5g} %" if share > 99 else f"{share:.3g} %"


def enough(good: int, whole: int, mostly: Decimal) -> bool:
    """Whether ``good`` rows of ``whole`` are as many as ``mostly`` asks, computed without rounding."""
    return good >= mostly * whole


def asked(mostly: Decimal, wanted: str) -> str:
    """Return what a row-wise check expects: ``at least 99.9 % not null``."""
    return wanted if mostly == 1 else f"at least {(mostly * 100).normalize():f} % {wanted}"


def rowwise(
    place: str, *, broken: int, rows: int, mostly: Decimal, wanted: str, breaks: str, noun: str = "rows"
) -> Finding:
    """Return the finding of a row-wise check.

    :param wanted: what each row should be (``not null``).
    :param breaks: what is wrong with those that are not (``are null``).
    :param rows: the rows that were looked at; none of them is a check that holds, as GX has it.
    """
    holds = enough(rows - broken, rows, mostly)
    expected = asked(mostly, wanted)
    if rows == 0:
        message = f"{place}: every value is null, so there was none to look at; expected {expected}"
    elif broken == 0:
        message = f"{place}: all {rows:,} {noun} are as expected: {wanted}"
    else:
        message = f"{place}: {broken:,} of {rows:,} {noun} ({percent(broken, rows)}) {breaks}; expected {expected}"
    return Finding(
        holds=holds,
        observed=broken,
        expected=expected,
        message=message,
        unexpected_count=broken,
        element_count=rows,
    )
