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


def _common(found: re.Match[str], kind: str, token: str) -> str | None:
    """Rewrite what all dialects without Python's engine share; ``None`` refuses."""
    if kind == "escape":
        letter = token[1]
        if letter in "dwsDWS":
            return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
        return token if not letter.isalnum() or letter in "ntrf" else None
    if kind == "set":
        return None if "[:" in token else _set(token)
    if kind == "group":
        return "(?i)" if token == "(?i)" and found.start() == 0 else "(?:" if token == "(?:" else None
    return {"\n": None}.get(token, token)


def _set(token: str) -> str | None:
    """Spell the classes inside brackets out; a negated class in there cannot be."""
    if re.search(r"\\[DWSbBAZ]|\\[xuUN0-9]", token):
        return None
    return re.sub(r"\\([dws])", lambda found: _CLASSES[found[1]], token)


def _postgres(found: re.Match[str], kind: str, token: str) -> str | None:
    if kind == "escape" and token[1] in "bBAZ":
        return {"b": r"\y", "B": r"\Y", "A": r"\A", "Z": r"\Z"}[token[1]]
    if kind == "group" and token.startswith("(?P<"):
        return "("
    if kind == "group" and token in ("(?=", "(?!"):
        return token
    if kind == "other" and token == ".":
        return r"[^\n]"
    return _common(found, kind, token)


def _re2(found: re.Match[str], kind: str, token: str) -> str | None:
    if kind == "escape" and token[1] in "bBAZ":
        return r"\z" if token[1] == "Z" else token
    if kind == "group" and token.startswith("(?P<"):
        return token
    return _common(found, kind, token)


def _python(found: re.Match[str], kind: str, token: str) -> str | None:
    # Python's $ also matches before a last line feed, the others' does not.
    return r"\Z" if kind == "other" and token == "$" else token


