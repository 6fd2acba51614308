"""Values as pages show them. All is escaped; addresses are relative, so that a path prefix does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from airflow_dataops import __version__
from airflow_dataops.core.diff_words import headline_of
from airflow_dataops.core.readers import Reader
from airflow_dataops.core.results import CheckResult, Statement
from airflow_dataops.core.values import counted, readable

TONES = {
    "good": ("PASS", "LIVE", "VALIDATED", "APPROVED", "used"),
    "warn": ("WARN", "ROLLED_BACK", "unused"),
    "error": ("ERROR",),
    "bad": ("FAIL", "REJECTED", "REFUSED"),
    "open": ("INFO", "CANDIDATE", "CANARY", "BUILDING"),
}
SIGNS = {
    "PASS": "✓",
    "VALIDATED": "✓",
    "APPROVED": "✓",
    "INFO": "i",
    "WARN": "!",
    "ERROR": "?",
    "FAIL": "✕",
    "REJECTED": "✕",
    "REFUSED": "✕",
    "LIVE": "●",
}
DONE = {
    "stage": "staged",
    "canary": "routed to consumers",
    "unroute": "taken back",
    "promote": "promoted",
    "supersede": "superseded",
    "rollback": "rolled back",
    "restore": "restored",
    "abort": "aborted",
    "adopt": "adopted",
    "unadopt": "handed back",
    "retire": "retired",
    "override freeze": "freeze overridden",
}
LARGEST = 2**31
"""Above every number that the store gives: an address that names a larger one cannot be there."""
LONGEST = 400
"""Characters of a value that a page shows."""


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return the rendered template; ``root`` in it leads back to this application's first level."""
    inside = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    root = "../" * (inside.count("/") - 1)
    html = _templates().get_template(template).render(root=root, version=__version__, **values)
    return HTMLResponse(html, status_code=status)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("airflow_dataops.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        moment=moment,
        value=value,
        observed=observed,
        measured=measured,
        reading=reading,
        percent=percent,
        duration=duration,
        done=done,
        headline=headline_of,
        plural=counted,
        age=age,
        pace=pace,
    )
    environment.globals.update(badge=badge, signs=SIGNS, tone=tone)
    return environment


def badge(word: object, title: str = "") -> Markup:
    """Return an outcome, verdict or state as a coloured word with a sign: never the colour alone."""
    text = str(word)
    sign = Markup('<span class="sign" aria-hidden="true">{}</span>').format(SIGNS[text]) if text in SIGNS else ""
    tip = Markup(' title="{}"').format(title) if title else ""
    return Markup('<span class="badge {}"{}>{}{}</span>').format(tone(text), tip, sign, text.replace("_", " "))


def tone(word: object) -> str:
    """Return the CSS class that colours an outcome, verdict or state."""
    return next((tone for tone, words in TONES.items() if str(word) in words), "quiet")


def moment(at: datetime | None) -> Markup:
    """Return a time in UTC; the page's script shows it in the time zone chosen in Airflow."""
    if at is None:
        return Markup('<span class="muted">never</span>')
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(
        utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S"), utc.strftime("%Y-%m-%d %H:%M:%S")
    )


def value(any_value: Any) -> str:
    """Return a value as a person reads it, cut where it is very long."""
    text = any_value if isinstance(any_value, str) else readable(any_value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def observed(found: Any) -> str:
    """Return what a check observed, as the store keeps it: a number, a list, or a few of them by name."""
    if found is None or found == "":
        return "—"
    if isinstance(found, Mapping):
        if set(found) == {"quantiles", "values"}:
            found = dict(zip(map(readable, found["quantiles"]), found["values"], strict=True))
        return value("; ".join(f"{str(name).replace('_', ' ')}: {_part(part)}" for name, part in found.items()))
    return value(_part(found))


def _part(found: Any) -> str:
    """Return one observed value; of a list the first eight, with how many more there are."""
    if not isinstance(found, list | tuple):
        return found if isinstance(found, str) else readable(found)
    more = f", … {len(found) - 8:,} more" if len(found) > 8 else ""
    return (", ".join(map(value, found[:8])) or "none") + more


def measured(found: CheckResult, rows: int | None) -> str:
    """Return what was measured of a check that holds: of how many rows it is true, or the number that was asked for.

    :param rows: rows of the data; a check looks at fewer where some are null or its condition leaves them out.
    """
    broken, looked_at = found.unexpected_count, found.element_count
    if broken is None:
        return observed(found.observed)
    if not looked_at:
        return "no row to look at" if looked_at == 0 else f"{counted(broken, 'row')} that break it"
    if broken:
        return f"all but {broken:,} of {counted(looked_at, 'row')} ({percent(100 * broken / looked_at)})"
    return f"all {counted(looked_at, 'row')}" + ("" if looked_at == rows or rows is None else " looked at")


def reading(statement: Statement) -> str:
    """Return what a statement read: its scans, and the rows in them where their number is known."""
    if not statement.scans:
        return "no full scan"
    rows = "" if statement.rows is None else f" · {counted(statement.rows, 'row')}"
    return counted(statement.scans, "scan") + rows


def percent(share: float) -> str:
    """Return a percentage; what is more than none never reads as 0 %, what is less than all never as 100 %."""
    if 0 < share < 0.01:
        return "< 0.01 %"
    if 99.99 < share < 100:
        return "> 99.99 %"
    return f"{share:.2f}".rstrip("0").rstrip(".") + " %"


def duration(seconds: float) -> str:
    """Return seconds as milliseconds, seconds or minutes."""
    if 0 < seconds < 0.0005:
        return "< 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def age(at: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest unit of which there are two: ``36 hours``, ``3 days``."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return counted(seconds // size, noun)
    return "a minute" if seconds < 90 else "2 minutes"


def pace(reader: Reader) -> str:
    """Return how often a consumer reads, as people say it: ``12 a day``, ``2 a week``."""
    if reader.reads < 2:
        return "once" if reader.reads else "declared, not seen"
    for days, noun in ((1, "day"), (7, "week"), (31, "month")):
        if reader.per_day * days >= 0.95:
            return f"{reader.per_day * days:,.0f} a {noun}"
    return f"{reader.reads:,} in all"


def done(action: str) -> str:
    """Return an event's action as what has happened: ``promoted``."""
    return DONE.get(action, action)
