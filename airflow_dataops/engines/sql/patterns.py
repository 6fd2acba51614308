"""One regular expression, Python's, on every engine: rewritten where that is faithful, refused where it is not.

Characters are ASCII in ``\\d \\w \\s \\b``, ``$`` is the very end and ``.`` is anything but a line feed, everywhere.
"""

from __future__ import annotations

import re

from airflow_dataops.core.errors import MeasureError

_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\(\?(?:P<\w+>|P=\w+\)|P>|<?[=!]|[a-zA-Z-]+[:)]|:|\#|>|\()?)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_CLASSES = {"d": "0-9", "w": "a-zA-Z0-9_", "s": r" \t\n\r\f\v"}
_NAMES = {"postgres": "PostgreSQL", "duckdb": "DuckDB", "sqlite": "SQLite"}


def portable(pattern: str, dialect: str) -> str:
    """Return ``pattern`` in the dialect's flavour, meaning the same.

    :raises MeasureError: it uses what that engine lacks or reads differently.
    """
    rewrite = {"postgres": _postgres, "duckdb": _re2, "sqlite": _python}[dialect]

    def swap(found: re.Match[str]) -> str:
        rewritten = rewrite(found, found.lastgroup or "", found[0])
        if rewritten is None:
            raise MeasureError(
                f"the pattern {pattern} uses {found[0]}, which {_NAMES[dialect]} lacks or reads differently; "
                "write the pattern without it"
            )
        return rewritten

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


def _postgres(found: re.Match[str], kind: str, part: str) -> str | None:
    if kind == "escape" and part[1] in "bBAZ":
        return {"b": r"\y", "B": r"\Y", "A": r"\A", "Z": r"\Z"}[part[1]]
    if kind == "group" and part.startswith("(?P<"):
        return "("
    if kind == "group" and part in ("(?=", "(?!"):
        return part
    if kind == "other" and part == ".":
        return r"[^\n]"
    return _common(found, kind, part)


def _re2(found: re.Match[str], kind: str, part: str) -> str | None:
    if kind == "escape" and part[1] in "bBAZ":
        return r"\z" if part[1] == "Z" else part
    if kind == "group" and part.startswith("(?P<"):
        return part
    return _common(found, kind, part)


def _python(found: re.Match[str], kind: str, part: str) -> str | None:
    # Python's $ also matches before a last line feed, the others' does not.
    return r"\Z" if kind == "other" and part == "$" else part
