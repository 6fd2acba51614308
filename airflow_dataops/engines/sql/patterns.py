"""One regular expression, Python's, on every engine: rewritten where that is faithful, refused where it is not.

Characters are ASCII in ``\\d \\w \\s \\b``, ``$`` is the very end and ``.`` is anything but a line feed, everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_dataops.core.errors import MeasureError

_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\(\?(?:P<\w+>|P=\w+\)|P>|<?[=!]|[a-zA-Z-]+[:)]|:|\#|>|\()?)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_CLASSES = {"d": "0-9", "w": "a-zA-Z0-9_", "s": r" \t\n\r\f\v"}
Flavour = Callable[[re.Match[str], str, str], str | None]
"""Rewrites one token of a pattern: the match, its kind and its text; ``None`` refuses it."""


def rewritten(pattern: str, flavour: Flavour, label: str) -> str:
    """Return ``pattern`` in an engine's flavour, meaning the same.

    :param label: the engine as a person names it.
    :raises MeasureError: it uses what that engine lacks or reads differently.
    """

    def swap(found: re.Match[str]) -> str:
        part = flavour(found, found.lastgroup or "", found[0])
        if part is None:
            raise MeasureError(
                f"the pattern {pattern} uses {found[0]}, which {label} lacks or reads differently; "
                "write the pattern without it"
            )
        return part

    return _TOKEN.sub(swap, pattern)


def _common(found: re.Match[str], kind: str, part: str) -> str | None:
    """Rewrite what all dialects without Python's engine share; ``None`` refuses."""
    if kind == "escape":
        letter = part[1]
        if letter in "dwsDWS":
            return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
        return part if not letter.isalnum() or letter in "ntrf" else None
    if kind == "set":
        return None if "[:" in part else _set(part)
    if kind == "group":
        return "(?i)" if part == "(?i)" and found.start() == 0 else "(?:" if part == "(?:" else None
    return {"\n": None}.get(part, part)


def _set(part: str) -> str | None:
    """Spell the classes inside brackets out; a negated class in there cannot be."""
    if re.search(r"\\[DWSbBAZ]|\\[xuUN0-9]", part):
        return None
    return re.sub(r"\\([dws])", lambda found: _CLASSES[found[1]], part)


def postgres(found: re.Match[str], kind: str, part: str) -> str | None:
    """PostgreSQL's advanced regular expressions."""
    if kind == "escape" and part[1] in "bBAZ":
        return {"b": r"\y", "B": r"\Y", "A": r"\A", "Z": r"\Z"}[part[1]]
    if kind == "group" and part.startswith("(?P<"):
        return "("
    if kind == "group" and part in ("(?=", "(?!"):
        return part
    if kind == "other" and part == ".":
        return r"[^\n]"
    return _common(found, kind, part)


def re2(found: re.Match[str], kind: str, part: str) -> str | None:
    """RE2, which DuckDB has."""
    if kind == "escape" and part[1] in "bBAZ":
        return r"\z" if part[1] == "Z" else part
    if kind == "group" and part.startswith("(?P<"):
        return part
    return _common(found, kind, part)


def python(found: re.Match[str], kind: str, part: str) -> str | None:
    """Python's own, with ASCII classes."""
    # Python's $ also matches before a last line feed, the others' does not.
    return r"\Z" if kind == "other" and part == "$" else part
