"""One check as data, and the columns that it names, so that it can be asked again over columns with other names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One random check."""

    kind: str
    kwargs: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        """The columns that it and its condition speak of."""
        found = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return found + list(self.kwargs.get("column_list", ()))

    @property
    def condition_columns(self) -> list[str]:
        """The columns that its ``row_condition`` asks for."""
        condition = self.kwargs.get("row_condition")
        if isinstance(condition, str):
            return [found[1] or found[2] for found in _NAMED.finditer(condition)]
        return list(_names_in(condition))

    @property
    def named(self) -> list[str]:
        """All columns that it names."""
        return [*self.columns, *self.condition_columns, *self.kwargs.get("column_set", ())]

    def renamed(self, names: Mapping[str, str]) -> Asked:
        """Return the same check of columns with other names."""
        return Asked(self.kind, {key: _renamed(key, value, names) for key, value in self.kwargs.items()})


_NAMED = re.compile(r'col\("([^"]*)"\)|`([^`]*)`')
_NAMING = ("column", "column_A", "column_B", "column_list", "column_set", "name")


def writable(part: Any) -> bool:
    """Whether a name or a value can be written into a condition's text: GX's own grammar is narrow."""
    return not isinstance(part, str) or re.fullmatch("[A-Za-z0-9_]+", part) is not None


def _renamed(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if key == "row_condition" and isinstance(value, str):
        return _NAMED.sub(lambda found: found[0].replace(found[1] or found[2], names[found[1] or found[2]]), value)
    if isinstance(value, dict):
        return {inner: _renamed(inner, item, names) for inner, item in value.items()}
    if isinstance(value, list):
        return [_renamed(key, item, names) for item in value]
    return names.get(value, value) if key in _NAMING and isinstance(value, str) else value


def _names_in(condition: Any) -> Iterator[str]:
    if isinstance(condition, dict):
        if "column" in condition:
            yield condition["column"]["name"]
        for term in condition.get("conditions", ()):
            yield from _names_in(term)
