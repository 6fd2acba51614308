"""Who reads what: consumers and their reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_dataops.core.releases import TaskKey


@dataclass(frozen=True, kw_only=True)
class Read:
    """One read of a relation by a consumer.

    :param dataset: the dataset read; ``None`` where the relation is not a dataset (yet).
    :param release: its release; ``None`` with the dataset.
    :param relation: what was read, by name.
    :param consumer: who: ``dag.task`` for a task.
    :param source: how it is known: ``ref`` (exact) or ``sql`` (parsed from the SQL that was run).
    """

    relation: str
    consumer: str
    source: str
    at: datetime
    key: TaskKey
    dataset: str | None = None
    release: int | None = None
