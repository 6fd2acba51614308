"""Declared consumers: those who say themselves what they read, seen or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_dataops.core.usage import Access, Usage


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What one consumer says that it reads.

    :param name: a dataset, or a table.
    :param columns: those that it reads, sorted; ``None`` where it does not say which.
    :param kind: what it is, in its author's word: ``dashboard``, ``model``, ``export``, …
    :param owner: who is to be asked.
    :param url: where it is.
    """

    consumer: str
    name: str
    columns: tuple[str, ...] | None = None
    kind: str | None = None
    owner: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What one file declares.

    :param origin: which file that is: what it declares no longer is withdrawn.
    """

    origin: str
    consumers: tuple[Declared, ...]


def as_usage(declared: Declared, at: datetime, dataset: str | None) -> Usage:
    """Return a declaration as what is known of a use: it is no read, so it counts none.

    :param at: when it was declared.
    :param dataset: the dataset that is read under its name; ``None`` where that is a table.
    """
    return Usage(
        consumer=declared.consumer,
        dag_id=None,
        relation=declared.name,
        access=Access.READ,
        source="declared",
        events=0,
        first_at=at,
        last_at=at,
        columns=declared.columns,
        dataset=dataset,
        declared=declared,
    )
