"""The intended differences as the documentation lists them: made of the rules, so that the two cannot part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.agreement.apart import APART
from tests.agreement.differences import RULES

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
START, END = "<!-- made by python -m tests.agreement -->", "<!-- end of the differences -->"


def rewritten(page: str) -> str:
    """Return the page with the differences as they are now."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return "\n".join((before + START, "", *_lines(), "", END + after))


def _lines() -> Iterator[str]:
    yield "| here | why, and what Great Expectations does |"
    yield "|---|---|"
    for rule in RULES.values():
        yield f"| {rule.title} | {rule.reason} |"
    yield ""
    yield "The engines say the same of the same data, but for what a source itself does not know:"
    yield ""
    yield "| here | why |"
    yield "|---|---|"
    for apart in APART.values():
        yield f"| {apart.title} | {apart.reason} |"
