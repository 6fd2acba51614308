"""The diff of a release against what is live: what its promotion would change for those who read the dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.core.results import COMPACT_BYTES, Statement
from airflow_dataops.core.schema_changes import ColumnChange
from airflow_dataops.core.values import jsonable


@dataclass(frozen=True, kw_only=True)
class KeyCounts:
    """What became of the live rows, each known by its key.

    :param changed: keys on both sides whose rows differ in a column that was compared.
    :param same: keys on both sides whose rows do not.
    """

    added: int
    removed: int
    changed: int
    same: int

    @property
    def live(self) -> int:
        """The keys that are live."""
        return self.removed + self.changed + self.same

    @property
    def both(self) -> int:
        """The keys that are on both sides."""
        return self.changed + self.same

    @property
    def differing(self) -> int:
        """The keys that are added, removed or changed."""
        return self.added + self.removed + self.changed


@dataclass(frozen=True, kw_only=True)
class ColumnDifference:
    """A column that is on both sides, over the keys that are.

    :param changed: rows whose values differ (null equals null, NaN equals NaN); ``None`` if they were not compared.
    :param reason: why they were not.
    """

    column: str
    changed: int | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class SampledKey:
    """One key that differs: raw values, asked for.

    :param event: ``added``, ``removed`` or ``changed``.
    :param values: the key's, in the order of the key's columns.
    :param columns: of a changed one, the columns that differ.
    """

    event: str
    values: tuple[Any, ...]
    columns: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the key as JSON data."""
        return {"event": self.event, "values": jsonable(self.values), "columns": list(self.columns)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SampledKey:
        """Return the key that :meth:`to_dict` wrote."""
        return cls(event=data["event"], values=tuple(data["values"]), columns=tuple(data["columns"]))


@dataclass(frozen=True, kw_only=True)
class Diff:
    """A release against another one of its dataset, from one snapshot of both.

    :param base: the number of the release that it was compared with; ``None`` where nothing was live.
    :param fingerprint: of the release's content, in the same snapshot: the diff says nothing of any other.
    :param rows: the release's.
    :param base_rows: the base's; ``None`` where nothing was live.
    :param key: the columns by which rows are told apart, as stored; empty where none were given.
    :param keys: what became of them; ``None`` without a key, without a base, or with ``obstacles``.
    :param obstacles: why rows could not be compared by the key that was given, a line each; all are ``refused``.
    :param policy: what may not be, as it was asked; empty where nothing was.
    :param refused: what the policy refuses, a line each.
    """

    release: ReleaseName
    base: int | None
    fingerprint: str
    rows: int
    base_rows: int | None = None
    schema: tuple[ColumnChange, ...] = ()
    key: tuple[str, ...] = ()
    keys: KeyCounts | None = None
    obstacles: tuple[str, ...] = ()
    columns: tuple[ColumnDifference, ...] = ()
    samples: tuple[SampledKey, ...] = ()
    policy: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    seconds: float = 0.0

    @property
    def base_name(self) -> ReleaseName | None:
        """The release that it was compared with."""
        return None if self.base is None else ReleaseName(dataset=self.release.dataset, number=self.base)

    @property
    def outcome(self) -> str:
        """``REFUSED``, ``PASS``, or ``COMPARED`` where nothing was asked that could be refused."""
        return "REFUSED" if self.refused else "PASS" if self.policy else "COMPARED"

    @property
    def breaking(self) -> tuple[ColumnChange, ...]:
        """The changes of the schema that readers can feel."""
        return tuple(change for change in self.schema if change.breaking)

    @property
    def changed_columns(self) -> tuple[ColumnDifference, ...]:
        """The columns whose values differ somewhere, most first."""
        found = [column for column in self.columns if column.changed]
        return tuple(sorted(found, key=lambda column: -(column.changed or 0)))

    @property
    def not_compared(self) -> tuple[ColumnDifference, ...]:
        """The columns on both sides of which nothing is known."""
        return tuple(column for column in self.columns if column.changed is None)

    @property
    def unchanged(self) -> int:
        """How many columns were compared and do not differ."""
        return sum(column.changed == 0 for column in self.columns)

    def markdown(self, *, limit: int = 20, samples: bool = False) -> str:
        """Return the diff as Markdown, in which no name is markup.

        :param limit: the most lines that a list or a table in it has; what is left out is counted.
        :param samples: with the sampled keys, which are raw values: not for logs.
        """
        from airflow_dataops.core.diff_words import markdown_of

        return markdown_of(self, limit, samples=samples)

    def to_dict(self) -> dict[str, Any]:
        """Return the diff as JSON data."""
        return {
            "release": str(self.release),
            "base": self.base,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "base_rows": self.base_rows,
            "schema": [change.to_dict() for change in self.schema],
            "key": list(self.key),
            "keys": self.keys and dict(vars(self.keys)),
            "obstacles": list(self.obstacles),
            "columns": [dict(vars(column)) for column in self.columns],
            "samples": [key.to_dict() for key in self.samples],
            "policy": list(self.policy),
            "refused": list(self.refused),
            "statements": [statement.to_dict() for statement in self.statements],
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diff:
        """Return the diff that :meth:`to_dict` wrote."""
        return cls(
            **{
                **data,
                "release": ReleaseName.parse(data["release"]),
                "schema": tuple(ColumnChange.from_dict(change) for change in data["schema"]),
                "key": tuple(data["key"]),
                "keys": data["keys"] and KeyCounts(**data["keys"]),
                "obstacles": tuple(data["obstacles"]),
                "columns": tuple(ColumnDifference(**column) for column in data["columns"]),
                "samples": tuple(SampledKey.from_dict(key) for key in data["samples"]),
                "policy": tuple(data["policy"]),
                "refused": tuple(data["refused"]),
                "statements": tuple(Statement.from_dict(statement) for statement in data["statements"]),
            }
        )

    def compact(self, *, number: int) -> dict[str, Any]:
        """Return the diff for XCom: counts, refusals, what changed, in at most ``COMPACT_BYTES`` of JSON.

        Samples and SQL stay in the store; what does not fit is counted under ``left_out``.

        :param number: the diff's in the store.
        """
        head: dict[str, Any] = {
            "diff": number,
            "release": str(self.release),
            "base": str(self.base_name) if self.base_name else None,
            "fingerprint": self.fingerprint[:200],
            "rows": self.rows,
            "base_rows": self.base_rows,
            "outcome": self.outcome,
            "breaking": len(self.breaking),
            "keys": self.keys and dict(vars(self.keys)),
            "not_compared": len(self.not_compared),
            "seconds": round(self.seconds, 3),
            "refused": [],
            "schema": [],
            "columns": [],
            "left_out": 0,
        }
        entries: list[tuple[str, Any]] = [("refused", line[:400]) for line in self.refused]
        entries += [
            ("schema", {name: value[:200] if isinstance(value, str) else value for name, value in part.items()})
            for part in (change.to_dict() for change in self.schema)
        ]
        entries += [("columns", {"column": c.column[:200], "changed": c.changed}) for c in self.changed_columns]
        room = COMPACT_BYTES - len(json.dumps(head).encode()) - 16
        for place, (name, entry) in enumerate(entries):
            room -= len(json.dumps(entry).encode()) + 2
            if room < 0:
                head["left_out"] = len(entries) - place
                break
            head[name].append(entry)
        return head


def read_key(key: object) -> tuple[str, ...]:
    """Return the columns of a key that was given as one name or as a list of names.

    :raises ConfigurationError: it is neither, or a name is empty or given twice.
    """
    if key is None:
        return ()
    names = (key,) if isinstance(key, str) else tuple(key) if isinstance(key, Sequence) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        shown = repr(key)[:80] if isinstance(key, str | list | tuple) else type(key).__name__
        raise ConfigurationError(f"key={shown}: expected a column's name, or a list of names, such as ['day', 'id'].")
    if len({str(name).casefold() for name in names}) < len(names):
        raise ConfigurationError(f"key={list(names)} names a column twice.")
    return tuple(str(name) for name in names)
