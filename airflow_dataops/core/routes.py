"""Routes: which consumers read a canary before everybody does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_dataops.core.errors import ConfigurationError

_PLACES = 2**32


@dataclass(frozen=True, kw_only=True)
class Route:
    """Who reads a canary. A consumer is a DAG here: all tasks of a run read the same release.

    :param percent: the share of all consumers, chosen by a hash of their names: who is among them stays among them
        while the share grows.
    :param consumers: those that read it whatever the share is.
    """

    percent: float = 0
    consumers: tuple[str, ...] = ()

    @classmethod
    def of(cls, percent: Any, consumers: Any = ()) -> Route:
        """Read what a person gave.

        :raises ConfigurationError: no such share, or nobody would read it.
        """
        share = percent if isinstance(percent, int | float) and not isinstance(percent, bool) else None
        if share is None or not 0 <= share <= 100:
            raise ConfigurationError(f"percent={percent!r:.80} is no share of the consumers: expected 0 to 100.")
        listed = isinstance(consumers, Sequence) and not isinstance(consumers, str)
        if not listed or not all(isinstance(one, str) and one for one in consumers):
            raise ConfigurationError(f"consumers={consumers!r:.80} must be a list of DAG ids.")
        if not share and not consumers:
            raise ConfigurationError("Nobody would read the canary: give a share above 0, or consumers= by DAG id.")
        return cls(percent=share, consumers=tuple(consumers))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Route:
        """Read what :meth:`to_dict` gave."""
        return cls(percent=data["percent"], consumers=tuple(data["consumers"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the route as JSON data."""
        return {"percent": self.percent, "consumers": list(self.consumers)}

    def takes(self, dataset: str, dag_id: str) -> bool:
        """Return whether the consumer reads the canary of the dataset."""
        digest = hashlib.sha256(f"{dataset}\0{dag_id}".encode()).digest()
        return dag_id in self.consumers or int.from_bytes(digest[:4]) * 100 < self.percent * _PLACES

    def __str__(self) -> str:
        share = [f"{self.percent:g} % of the consumers"] if self.percent else []
        return " and ".join([*share, *self.consumers])
