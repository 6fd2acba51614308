"""What a diff may not show: judged over the diff alone, before it is stored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_dataops.core.diffs import Diff, KeyCounts
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.values import counted, percent

_SHOWN = 5


class FailOn(StrEnum):
    """What can be refused by name."""

    BREAKING_SCHEMA = "breaking_schema"
    ANY_SCHEMA = "any_schema"
    FEWER_ROWS = "fewer_rows"
    ADDED_KEYS = "added_keys"
    REMOVED_KEYS = "removed_keys"
    CHANGED_KEYS = "changed_keys"
    NOT_COMPARED = "not_compared"


_OF_KEYS = (FailOn.ADDED_KEYS, FailOn.REMOVED_KEYS, FailOn.CHANGED_KEYS, FailOn.NOT_COMPARED)


@dataclass(frozen=True, kw_only=True)
class DiffPolicy:
    """What refuses a release.

    :param max_changed: the largest share of the live keys that may be added, removed or changed; without a key, of
        the live rows by which their number may differ.
    """

    fail_on: tuple[FailOn, ...] = ()
    max_changed: float | None = None

    @classmethod
    def read(cls, fail_on: object, max_changed: object, *, key: Sequence[str]) -> DiffPolicy:
        """Return the policy as a person writes it.

        :param fail_on: names of :class:`FailOn`.
        :param max_changed: a number, or its text, as Jinja renders it.
        :param key: the key by which rows will be compared.
        :raises ConfigurationError: a name that is not one of the vocabulary, one that needs a key where there is
            none, or no share between 0 and 1.
        """
        names = tuple(FailOn)
        if isinstance(fail_on, str) or not isinstance(fail_on, Sequence):
            raise ConfigurationError(f"fail_on={fail_on!r} must be a list of {', '.join(names)}.")
        for name in fail_on:
            if name not in names:
                raise ConfigurationError(f"fail_on: {name!r} is not known; expected some of {', '.join(names)}.")
        chosen = tuple(FailOn(name) for name in dict.fromkeys(fail_on))
        keyed = [str(name) for name in chosen if name in _OF_KEYS]
        if keyed and not key:
            raise ConfigurationError(
                f"fail_on={keyed} needs key=: the column, or the columns, by which rows are told apart."
            )
        return cls(fail_on=chosen, max_changed=_share(max_changed))

    @property
    def words(self) -> tuple[str, ...]:
        """What it asks, as it was written."""
        return (
            *(str(name) for name in self.fail_on),
            *([] if self.max_changed is None else [f"max_changed={self.max_changed:g}"]),
        )

    def judged(self, diff: Diff) -> Diff:
        """Return the diff with what was asked of it and what is refused."""
        return replace(diff, policy=self.words, refused=self.refusals(diff))

    def refusals(self, diff: Diff) -> tuple[str, ...]:
        """Return what it refuses, a line each; a first release changes nothing for anybody and is never refused.

        A key that was given and tells no rows apart is refused whatever the policy: nothing is known by it.
        """
        if diff.base is None:
            return ()
        lines = list(diff.obstacles)
        lines += [f"{name}: {said}" for name in self.fail_on if (said := _said(name, diff))]
        lines += self._too_much(diff)
        return tuple(lines)

    def _too_much(self, diff: Diff) -> Iterator[str]:
        if self.max_changed is None or diff.base_rows is None or diff.obstacles:
            return
        if diff.keys is not None:
            part, whole, noun = diff.keys.differing, diff.keys.live, "live key"
            how = _counts(diff.keys)
        else:
            part, whole, noun = abs(diff.rows - diff.base_rows), diff.base_rows, "live row"
            how = f"{diff.rows - diff.base_rows:+,} rows"
        # Divided: a share that a person writes, 0.29, is the float next to 29 of 100.
        if part / whole > self.max_changed if whole else part:
            share = f" ({percent(part, whole)})" if whole else ""
            yield f"max_changed={self.max_changed:g}: {part:,} against {counted(whole, noun)}{share}: {how}"


def _share(value: object) -> float | None:
    if value is None:
        return None
    try:
        share = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ConfigurationError(f"max_changed={value!r}: expected a share from 0 to 1, such as 0.05 for 5 %.")
    return share


def _said(name: FailOn, diff: Diff) -> str:
    """Return what there is of what may not be; empty if nothing."""
    if name in (FailOn.BREAKING_SCHEMA, FailOn.ANY_SCHEMA):
        changes = diff.breaking if name is FailOn.BREAKING_SCHEMA else diff.schema
        return _listed([f"{change.column} {change.event}" for change in changes])
    if name is FailOn.FEWER_ROWS:
        fewer = (diff.base_rows or 0) - diff.rows
        return f"{counted(fewer, 'row')} fewer than the {diff.base_rows:,} that are live" if fewer > 0 else ""
    if name is FailOn.NOT_COMPARED:
        return _listed([f"{column.column} ({column.reason})" for column in diff.not_compared])
    if diff.keys is None:  # obstacles are told already
        return ""
    event = name.value.removesuffix("_keys")
    count = getattr(diff.keys, event)
    return f"{counted(count, 'key')} {event}, of {diff.keys.live:,} that are live" if count else ""


def _counts(keys: KeyCounts) -> str:
    return f"{keys.added:,} added, {keys.removed:,} removed, {keys.changed:,} changed"


def _listed(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return "; ".join(parts[:_SHOWN]) + more
