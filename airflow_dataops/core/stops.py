"""Stops: why tasks of other DAGs must not read a dataset just now, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_dataops.core.errors import Stopped

STOP_FOR = timedelta(hours=24)
"""How long a stop holds, if nothing ends it before: nobody is stopped for ever by what everybody has forgotten."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A dataset or table that is not to be read.

    :param name: the dataset, or the table that is none.
    :param why: what was found: ``nyc.flights@r2 was rolled back: bad upstream``.
    :param since: when.
    :param ends: what ends it before its time: ``a new release is live``.
    :param spares: the DAGs that may read it all the same, as they mend it.
    """

    name: str
    why: str
    since: datetime
    ends: str
    spares: frozenset[str]

    @property
    def until(self) -> datetime:
        return self.since + STOP_FOR

    def refusal(self) -> Stopped:
        """Return the error of a task that was about to read it."""
        return Stopped(
            f"Stopped before it reads {self.name}: {self.why} ({_moment(self.since)}). Stopped until {self.ends}, "
            f"but no longer than {_moment(self.until)}. To read it all the same: "
            f"airflow dataops usage resume {self.name} --reason '…'; then clear this task."
        )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
