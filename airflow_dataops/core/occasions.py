"""What a gate knows beside the data: when it is, and the way to other databases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """When, and beside what, data is judged.

    :param now: the time, with its zone.
    :param interval_end: the end of the data interval that the run is about, where it has one.
    :param neighbours: opens a session of another connection, by its id; ``None`` where connections have no ids.
    """

    now: datetime
    interval_end: datetime | None = None
    neighbours: Callable[[str], AbstractContextManager[Database]] | None = None
