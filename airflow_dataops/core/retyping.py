"""What a column's new type means to those who read the column, told by the database's own words for both."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from airflow_dataops.core.vocabulary.typenames import Meaning, meanings_stored, sizes_of


class Retyping(StrEnum):
    """How a type follows another."""

    SAME = "the same"
    WIDER = "wider"
    NARROWER = "narrower"
    OTHER = "other"


_M = Meaning
# How many bits of a value's size each holds, and whether it holds negative ones.
_WHOLE: Mapping[Meaning, tuple[int, bool]] = {
    _M.INT8: (7, True),
    _M.INT16: (15, True),
    _M.INT32: (31, True),
    _M.INT64: (63, True),
    _M.INT128: (127, True),
    _M.UINT8: (8, False),
    _M.UINT16: (16, False),
    _M.UINT32: (32, False),
    _M.UINT64: (64, False),
}
_FAMILIES = (
    frozenset(_WHOLE),
    frozenset({_M.FLOAT32, _M.FLOAT64}),
    frozenset({_M.TEXT, _M.CHAR, _M.ENUM}),
    frozenset({_M.DATE, _M.TIME, _M.TIMESTAMP, _M.ZONED}),
)
_SIZED = (_M.TEXT, _M.CHAR, _M.BYTES, _M.TIME, _M.TIMESTAMP, _M.ZONED)
# MySQL's texts and bytes without a size, by how much they hold; all but the first hold any VARCHAR of a row.
_MYSQL_RANKS = {"tiny": 0, "": 1, "medium": 2, "long": 3}
_UNSIZED_DIGITS = {"mysql": 0}
"""Digits of a second that a time without a size has; elsewhere 6."""


def retyping(before: str, after: str, dialect: str, *, typed: bool = True) -> Retyping:
    """Return how ``after`` follows ``before``; what is not known to hold all that the other held is OTHER.

    A type of another family is OTHER though it may hold all values: readers get values of another kind.

    :param dialect: whose words both are in, by sqlglot's name.
    :param typed: whether a column's type holds for each of its values; where not (SQLite), only families differ.
    """
    one, other = (" ".join(words.casefold().split()) for words in (before, after))
    if one == other:
        return Retyping.SAME
    held, holding = meanings_stored(before, dialect), meanings_stored(after, dialect)
    if not typed:
        return Retyping.SAME if _alike(held, holding) else Retyping.OTHER
    if len(held) != 1 or len(holding) != 1:
        return Retyping.OTHER
    (old,), (new,) = held, holding
    if old in _WHOLE and new in _WHOLE:
        return _either(_holds_whole(new, old), _holds_whole(old, new))
    if {old, new} == {_M.FLOAT32, _M.FLOAT64}:
        return Retyping.WIDER if new is _M.FLOAT64 else Retyping.NARROWER
    if old is not new:
        return Retyping.OTHER
    if old is _M.DECIMAL:
        return _either(_holds_decimal(after, before), _holds_decimal(before, after))
    if old in _SIZED:
        return _by_size(before, after, old, dialect)
    return Retyping.OTHER


def _alike(one: frozenset[Meaning], other: frozenset[Meaning]) -> bool:
    """Whether two words of an untyped database may mean the same: an unknown one may mean whatever."""
    if not one or not other or one & other:
        return True
    return any(one & family and other & family for family in _FAMILIES)


def _either(wider: bool, narrower: bool) -> Retyping:
    if wider and narrower:
        return Retyping.SAME
    return Retyping.WIDER if wider else Retyping.NARROWER if narrower else Retyping.OTHER


def _holds_whole(one: Meaning, other: Meaning) -> bool:
    (bits, signed), (needed, negative) = _WHOLE[one], _WHOLE[other]
    return bits >= needed and (signed or not negative)


def _holds_decimal(one: str, other: str) -> bool:
    """Whether a decimal has as many digits before and behind the point as another; without sizes it has any."""
    sizes, needed = sizes_of(one), sizes_of(other)
    if not sizes or not needed:
        return not sizes
    (digits, scale), (wanted, behind) = ((*pair, 0)[:2] for pair in (sizes, needed))
    return scale >= behind and digits - scale >= wanted - behind


def _by_size(before: str, after: str, meaning: Meaning, dialect: str) -> Retyping:
    """Return how one size of texts, bytes or times follows another."""
    held, holding = _room(before, meaning, dialect), _room(after, meaning, dialect)
    if held == holding or None in (held, holding):
        return Retyping.OTHER  # other words for as much: TIMESTAMP_S and TIMESTAMP
    return _either(_fits(held, holding), _fits(holding, held))


def _fits(small: tuple[int, float] | None, large: tuple[int, float] | None) -> bool:
    return small is not None and large is not None and small <= large


def _room(words: str, meaning: Meaning, dialect: str) -> tuple[int, float] | None:
    """Return what compares as types hold more: MySQL's rank, then the size; ``None`` where a base says otherwise."""
    sizes = sizes_of(words)
    if meaning in (_M.TIME, _M.TIMESTAMP, _M.ZONED):
        return (0, sizes[0] if sizes else _UNSIZED_DIGITS.get(dialect, 6)) if "_" not in words else None
    if sizes:
        return 0, sizes[0]
    if meaning is _M.CHAR:
        return 0, 1  # CHAR is CHAR(1)
    if dialect == "mysql":
        base = words.casefold()
        rank = next((rank for name, rank in _MYSQL_RANKS.items() if base in (f"{name}text", f"{name}blob")), None)
        return None if rank in (None, 0) else (rank, 0.0)
    return 0, float("inf")
