"""Checks and suites as values: what is asked of the data, before anything is measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from airflow_dataops.core.values import jsonable, readable
from airflow_dataops.core.verdicts import Severity

_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list", "column_set")
# Where a check looks beside its columns: part of its place, as two checks of one kind may differ in nothing else.
_PLACE_KEYS = (
    "partition_by",
    "other_table",
    "other_query",
    "other_table_name",
    "condition",
    "unexpected_rows_query",
    "base_query",
)
_LONGEST = 40
CONTRACT = "dataops_contract"
"""The key of ``meta`` that says whose contract a check is of."""
LIMITS = ("warn_above", "fail_above", "warn_outside")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One expectation, in Great Expectations' own vocabulary.

    :param kind: the expectation's type, ``expect_column_values_to_not_be_null``.
    :param kwargs: its arguments as GX names them (``column``, ``min_value``, ``mostly``, ``row_condition``, …).
    :param severity: what it means when the check does not hold.
    :param name: tells two checks of one kind on one column apart; optional.
    :param warn_above: more rows than this that break it are a warning: a number of rows, or ``"0.5 %"``.
    :param fail_above: more rows than this that break it are a failure; fewer are none. Instead of ``mostly``.
    :param warn_outside: a narrower ``min_value`` / ``max_value``, outside of which a measured number is a warning.
    :param meta: free notes, kept and shown (``meta["notes"]`` is the advice a failure prints).
    """

    kind: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.CRITICAL
    name: str | None = None
    warn_above: int | str | None = None
    fail_above: int | str | None = None
    warn_outside: Mapping[str, Any] | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kwargs", MappingProxyType(dict(self.kwargs)))
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_dict(), sort_keys=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns this check speaks of, in the order written."""
        found: list[str] = []
        for key in _COLUMN_KEYS:
            value = self.kwargs.get(key)
            found += [value] if isinstance(value, str) else [str(v) for v in value or ()]
        return tuple(found)

    @property
    def contract(self) -> Mapping[str, Any] | None:
        """Whose contract it is of, ``consumer`` and ``owner``; ``None`` for a gate's own check."""
        found = self.meta.get(CONTRACT)
        return found if isinstance(found, Mapping) else None

    @property
    def id(self) -> str:
        """The check's place (kind, columns, name), not its numbers: editing a threshold keeps the history."""
        place = [self.kind, list(self.columns), self.name, str(self.kwargs.get("row_condition") or "")]
        place += [str(self.kwargs[key]) for key in _PLACE_KEYS if key in self.kwargs]
        if self.contract is not None:
            place.append(f"contract of {self.contract['consumer']}")
        return hashlib.sha256(json.dumps(place).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """The check as a person says it: ``amount: values to be between (min_value 0, max_value 10)``."""
        if self.contract is None:
            return self._label
        return f"{self._label} (contract of {self.contract['consumer']})"

    @property
    def _label(self) -> str:
        if self.name:
            return self.name
        words = self.kind.removeprefix("expect_")
        for prefix in ("column_values_", "column_pair_values_", "column_", "table_"):
            if words.startswith(prefix):
                words = words.removeprefix(prefix)
                break
        words = words.replace("_", " ")
        numbers = ", ".join(
            f"{key} {_short(readable(jsonable(value)))}"
            for key, value in self.kwargs.items()
            if key not in _COLUMN_KEYS and value is not None
        )
        where = ", ".join(self.columns) or "table"
        return f"{_short(where)}: {words}" + (f" ({numbers})" if numbers else "")

    @property
    def advice(self) -> str:
        """What to do when it does not hold, from ``meta["notes"]`` (a text, or GX's form of one); empty if unsaid."""
        notes = self.meta.get("notes") or ""
        content = notes.get("content") or "" if isinstance(notes, Mapping) else notes
        return content if isinstance(content, str) else " ".join(str(line) for line in content)

    def to_dict(self) -> dict[str, Any]:
        """Return the check in the shape GX stores it, plus ``name``."""
        data: dict[str, Any] = {
            "type": self.kind,
            "kwargs": jsonable(self.kwargs),
            "severity": str(self.severity),
        }
        if self.name:
            data["name"] = self.name
        for limit in LIMITS:
            if getattr(self, limit) is not None:
                data[limit] = jsonable(getattr(self, limit))
        if self.meta:
            data["meta"] = jsonable(self.meta)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Check:
        """Return the check that :meth:`to_dict` wrote."""
        return cls(
            kind=data["type"],
            kwargs=data.get("kwargs") or {},
            severity=Severity(data.get("severity") or Severity.CRITICAL),
            name=data.get("name"),
            **{limit: data.get(limit) for limit in LIMITS},
            meta=data.get("meta") or {},
        )


def _short(words: str) -> str:
    """Return what a label says of one argument: of a query or a long list only how it begins."""
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Named, ordered checks."""

    name: str
    checks: tuple[Check, ...]

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    @property
    def hash(self) -> str:
        """Identify the suite's content (not its name): evidence says which rules it was measured against."""
        text = json.dumps([c.to_dict() for c in self.checks], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the suite in GX's stored shape."""
        return {"name": self.name, "expectations": [c.to_dict() for c in self.checks]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Suite:
        """Return the suite that :meth:`to_dict` wrote."""
        return cls(name=data["name"], checks=tuple(Check.from_dict(c) for c in data["expectations"]))
