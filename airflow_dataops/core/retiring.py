"""Which releases may be retired: pure rules over what is known of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_dataops.core.durations import said
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.plans import Keep, Retire
from airflow_dataops.core.releases import Release, State

READ_WITHIN, ROLLBACK_WINDOW = 7, 7
"""Days, where nothing else is said."""

_HELD = {
    State.LIVE: "it is live",
    State.CANARY: "it is a canary, which consumers are routed to",
    State.BUILDING: "it is being built; what a killed build left, `release clean` removes",
}
_SERVED = (State.LIVE, State.SUPERSEDED, State.ROLLED_BACK)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long releases are kept; where both ``keep`` and ``older_than`` are given, either keeps a release.

    :param keep: the newest of those that readers have had, live included.
    :param older_than: since a release was last live or, if it never was, since it was staged.
    :param read_within: what was read, or pinned by a DAG run, since then is kept.
    :param rollback_window: what was live since then is kept, so that one can go back to it.
    """

    keep: int | None
    older_than: timedelta | None
    read_within: timedelta
    rollback_window: timedelta

    @classmethod
    def of(cls, *, keep: Any, older_than: Any, read_within: Any, rollback_window: Any) -> Retention:
        """Read what a person gave: a number of releases, and numbers of days; templates give text.

        :raises ConfigurationError: neither ``keep`` nor ``older_than`` is given, or one is not such a number.
        """
        kept = _number("keep", keep)
        if kept is not None and kept != int(kept):
            raise ConfigurationError(f"keep={keep!r} is no number of releases: expected a whole number, such as 3.")
        if kept is None and older_than is None:
            raise ConfigurationError(
                "Which releases may be retired is not said: give keep= (how many of the newest stay), older_than= "
                "(days), or both."
            )
        return cls(
            keep=None if kept is None else int(kept),
            older_than=None if older_than is None else days("older_than", older_than),
            read_within=days("read_within", read_within),
            rollback_window=days("rollback_window", rollback_window),
        )

    def __str__(self) -> str:
        parts = [] if self.keep is None else [f"beyond the newest {self.keep}"]
        parts += [] if self.older_than is None else [f"older than {said(self.older_than)}"]
        return " and ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of a release when it is asked whether it may go.

    :param left_at: when it was last replaced or rolled back; ``None`` if it never was live, or is.
    :param last_read: by any consumer.
    :param pinned: DAG runs that read it, ``dag_id run_id``, which are recent or still running.
    :param dependents: views that read its relation.
    """

    release: Release
    left_at: datetime | None = None
    last_read: datetime | None = None
    pinned: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()


def sorted_out(
    standings: Sequence[Standing], retention: Retention, now: datetime, *, predecessor: int | None
) -> list[Keep | Retire]:
    """Return for each release whether it is kept or retired, and why.

    :param predecessor: the release that a roll-back would go to.
    """
    served = sorted((s.release.number for s in standings if s.release.state in _SERVED), reverse=True)
    newest = served[: retention.keep] if retention.keep is not None else []
    found: list[Keep | Retire] = []
    for standing in standings:
        why = _needed(standing, retention, now, newest, predecessor)
        found.append(
            Keep(release=standing.release, why=tuple(why))
            if why
            else Retire(release=standing.release, why=_over(standing, now))
        )
    return found


def _needed(
    standing: Standing, retention: Retention, now: datetime, newest: Collection[int], predecessor: int | None
) -> list[str]:
    """Return everything that a release is needed for; nothing where it may go."""
    release = standing.release
    if release.state in _HELD:
        return [_HELD[release.state]]
    if release.number == 0:
        return ["it was there before this dataset's releases: `release unadopt` hands it back, or drop it yourself"]
    why = []
    if release.number in newest:
        why.append(f"it is one of the newest {retention.keep}")
    age = now - (standing.left_at or release.created_at)
    if release.state is State.CANDIDATE and retention.older_than is None:
        why.append("it is a candidate, which only older_than retires")
    if retention.older_than is not None and age < retention.older_than and release.state is not State.ABORTED:
        why.append(f"it is not older than {said(retention.older_than)}")
    if release.number == predecessor:
        why.append("a roll-back would go to it")
    if standing.left_at is not None and now - standing.left_at < retention.rollback_window:
        why.append(f"it was live within the last {said(retention.rollback_window)}, in which one may roll back to it")
    if standing.last_read is not None and now - standing.last_read < retention.read_within:
        why.append(f"it was read {said(now - standing.last_read)} ago")
    if standing.pinned:
        why.append(f"DAG runs are pinned to it: {_some(standing.pinned)}")
    if standing.dependents:
        why.append(f"views depend on it: {_some(standing.dependents)}")
    return why


def _over(standing: Standing, now: datetime) -> str:
    """Say since when nobody needs it."""
    if standing.left_at is not None:
        return f"not live since {said(now - standing.left_at)}"
    return f"staged {said(now - standing.release.created_at)} ago and never live"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1
    except ValueError:
        number = -1
    if not 0 <= number < 100_000:
        raise ConfigurationError(f"{name}={value!r} is no number that counts: expected 0 or more, such as 30.")
    return number


def days(name: str, value: Any) -> timedelta:
    """Read a number of days; nothing is none.

    :raises ConfigurationError: it is not such a number.
    """
    return timedelta(days=_number(name, value) or 0)
