"""Which of Iceberg's types hold all values of another, by the names that the format gives them."""

from __future__ import annotations

import re

_WIDER = {("int", "long"), ("float", "double")}
_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")


def holds(type_: str, written: str) -> bool:
    """Return whether each value of the type ``written`` is the same value of ``type_``."""
    decimals = _DECIMAL.fullmatch(type_), _DECIMAL.fullmatch(written)
    if decimals[0] and decimals[1]:
        (precision, scale), (narrower, same) = (map(int, each.groups()) for each in decimals if each)
        return scale == same and precision >= narrower
    return type_ == written or (written, type_) in _WIDER
