"""Regular expressions so simple that comparing texts says the same: literals, and one short class at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIMPLE = re.compile(
    r"(?P<start>\^)?"
    r"(?P<literal>(?:[A-Za-z0-9 _/:;,@%&=<>!~'\"-]|\\[^A-Za-z0-9\s\x00-\x1f\x7f-\U0010ffff])*)"
    r"(?:(?P<chars>\\d|\[(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9])+\])(?:\{(?P<times>\d{1,3})\}|(?P<more>\+))?)?"
    r"(?P<end>\$|\\Z)?"
)
_MOST_CHARACTERS = 10
"""Trimming looks at each character of the class in turn: of longer ones a regular expression is as fast."""


@dataclass(frozen=True, kw_only=True)
class SimplePattern:
    """What a text must look like.

    :param literal: what it begins with, ends with, or holds.
    :param start: whether it begins with the literal.
    :param end: whether it ends with the literal, or with the characters behind it.
    :param trailing: the characters that follow the literal to the end, and nothing else does; empty for none.
    :param times: how many of these there are; ``None`` for one or more.
    """

    literal: str
    start: bool
    end: bool
    trailing: str = ""
    times: int | None = None


def simple(pattern: str) -> SimplePattern | None:
    """Return the pattern, if it is simple."""
    found = _SIMPLE.fullmatch(pattern)
    if found is None:
        return None
    literal = re.sub(r"\\(.)", r"\1", found["literal"])
    start, end = found["start"] is not None, found["end"] is not None
    if found["chars"] is None:
        return SimplePattern(literal=literal, start=start, end=end) if literal else None
    trailing = _characters(found["chars"])
    # A literal that ends with one of the characters would be trimmed with them.
    if not (start and end and trailing) or literal[-1:] in set(trailing):
        return None
    times = None if found["more"] else int(found["times"] or 1)
    return SimplePattern(literal=literal, start=True, end=True, trailing=trailing, times=times)


def _characters(chars: str) -> str:
    """Return the class spelt out; nothing if it is too long."""
    parts = re.findall(r"(.)-(.)|(.)", "0-9" if chars == r"\d" else chars[1:-1])
    codes = {code for low, high, one in parts for code in range(ord(low or one), ord(high or one) + 1)}
    return "".join(map(chr, sorted(codes))) if len(codes) <= _MOST_CHARACTERS else ""
