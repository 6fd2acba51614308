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
_WORD = "[a-zA-Z0-9_]"
_AT_A_WORD = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_WITHIN = f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
# A quantifier, which a plus behind it makes possessive: only some engines have that.
_POSSESSIVE = re.compile(r"(?:^|[^\\])(?:\\\\)*[*+?}]$")
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
        return None if "[:" in part or re.search(r"\[[.=]", part[1:]) else _set(part)
    if kind == "other" and part == "+" and _POSSESSIVE.search(found.string[: found.start()]):
        return None
    if kind == "other" and part == "{" and found.string.startswith("{,", found.start()):
        return None  # from none on: other engines read it as text
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
    if kind == "escape" and part[1] in "bBAZ":  # \y would take letters that are not ASCII for a word's
        return {"b": _AT_A_WORD, "B": _WITHIN, "A": r"\A", "Z": r"\Z"}[part[1]]
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


_BLANKS = r" \t\n\r\f\x0b"  # \v is every kind of line end to PCRE, ICU and Java
_LOOKS = ("(?=", "(?!", "(?<=", "(?<!", "(?>")


def _like_perl(begin: str, end: str) -> Flavour:
    """Return the flavour of an engine with all that Perl has, but for characters that are ASCII.

    :param begin: what is true at the very beginning alone.
    :param end: what is true at the very end alone.
    """
    anchors = {"b": _AT_A_WORD, "B": _WITHIN, "A": begin, "Z": end}

    def flavour(found: re.Match[str], kind: str, part: str) -> str | None:
        if kind == "escape" and part[1] in anchors:
            return anchors[part[1]]
        if kind == "escape" and part[1] in "sS":
            return f"[{'^' if part[1] == 'S' else ''}{_BLANKS}]"
        if kind == "escape" and part[1] in "123456789":
            return part
        if kind == "set":
            return _set_without_sets(part)
        if kind == "group" and part.startswith("(?P<"):
            return "("
        if kind == "group" and part in _LOOKS:
            return part
        if kind == "other" and part in "^$.":
            return {"^": begin, "$": end, ".": r"[^\n]"}[part]
        return _common(found, kind, part)

    return flavour


def _set_without_sets(part: str) -> str | None:
    """Spell the classes out, where a set within a set, or ``&&`` in one, has a meaning of its own."""
    inner = part[2:-1] if part.startswith("[^") else part[1:-1]
    if "[" in inner or "&&" in inner or "--" in inner or inner.startswith("]") or r"\x" in part:
        return None
    return _set(part.replace(r"\s", _BLANKS).replace(r"\v", r"\x0b"))


java = _like_perl("^", r"\z")
"""Java's, which Spark and Databricks have; and PCRE, which Redshift has."""
joni = _like_perl(r"\A", r"\z")
"""Joni's, which Trino has."""
_pcre_and_icu = _like_perl("^", "(?!(?s:.))")
_PLAIN_IN_SETS = "$()*+.?{|}/-,:;=!@#%&~<>'\"` _"


def pcre_and_icu(found: re.Match[str], kind: str, part: str) -> str | None:
    """What PCRE, which MariaDB has, and ICU, which MySQL has, read alike.

    What a backslash is in a text, ``sql_mode`` says; so none is written where there is another way.
    """
    if kind == "escape" and part[1] in _PLAIN_IN_SETS:
        return f"[{part[1]}]"
    if kind == "other" and part == ".":
        return "[^\n]"
    return _pcre_and_icu(found, kind, part)


def snowflake(found: re.Match[str], kind: str, part: str) -> str | None:
    """Snowflake's: POSIX with Perl's classes; groups are only groups, and every match is the longest."""
    if kind == "escape" and part[1] in "bB":
        return part
    if kind == "escape" and part[1] in "AZ":
        return {"A": "^", "Z": "$"}[part[1]]
    if kind == "group" and (part == "(?:" or part.startswith("(?P<")):
        return "("
    if kind == "group" and part not in ("(", "(?i)"):
        return None
    if kind == "other" and part == "?" and found.string[: found.start()].endswith(("*", "+", "?", "}")):
        return None if not found.string[: found.start() - 1].endswith("\\") else part
    return _common(found, kind, part)


def python(found: re.Match[str], kind: str, part: str) -> str | None:
    """Python's own, with ASCII classes."""
    if kind == "group" and re.fullmatch(r"\(\?[a-zA-Z-]*[aLmux][a-zA-Z-]*[:)]", part):
        return None  # flags that give $, classes or blanks another meaning
    # Python's $ also matches before a last line feed, the others' does not.
    return r"\Z" if kind == "other" and part == "$" else part
