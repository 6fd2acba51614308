"""Who reads this, and is the new release used: what usage adds up to, per consumer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from airflow_dataops.core.declared import Declared
from airflow_dataops.core.usage import ALL, Access, Usage

CONFIDENCE = {
    "ref": "exact",
    "access_history": "recorded",
    "jobs": "recorded",
    "hook": "reported",
    "sql": "parsed",
    "log": "parsed",
    "pg_stat_statements": "parsed",
    "pg_stat_user_tables": "counted",
    "asset": "declared",
    "declared": "declared",
    "schedule": "declared",
}
"""How sure each source of knowledge is, the surest first."""
_RANK = {source: rank for rank, source in enumerate(CONFIDENCE)}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One consumer of one dataset or table.

    :param name: what it reads.
    :param release: the one that it read last; ``None`` where it read none.
    :param columns: those that it reads, sorted, or ``("*",)``; ``None`` where some of its reads do not tell.
    :param sources: from where that is known, the surest first.
    :param reads: how often it was seen to; 0 where it is declared alone: both times are then when it was declared.
    :param declared: what it says of itself, where it does.
    """

    consumer: str
    dag_id: str | None
    name: str
    release: int | None
    columns: tuple[str, ...] | None
    sources: tuple[str, ...]
    reads: int
    first_read: datetime
    last_read: datetime
    declared: Declared | None = None

    @property
    def owner(self) -> str | None:
        """Who is to be asked, where that is declared."""
        return self.declared.owner if self.declared else None

    @property
    def confidence(self) -> str:
        return CONFIDENCE[self.sources[0]]

    @property
    def per_day(self) -> float:
        """How often it reads: over the days between its first and its last read, at least one."""
        return self.reads / max((self.last_read - self.first_read) / timedelta(days=1), 1.0)

    def may_read(self, column: str) -> bool:
        """Return whether it reads a column, as far as is known: where its columns are not, it may."""
        return self.columns is None or self.columns == ALL or column.casefold() in map(str.casefold, self.columns)


@dataclass(frozen=True, kw_only=True)
class Adopter:
    """Which release a consumer has read last.

    :param release: its number; ``None`` where it read the table before it was a dataset.
    :param adopted: it is the one that is live.
    """

    consumer: str
    release: int | None
    last_read: datetime
    adopted: bool


def readers(usages: Iterable[Usage]) -> list[Reader]:
    """Return who reads what, most recently read first.

    One read that two sources tell of (``ref`` rendered it, and its SQL was parsed) is one.
    """

    def whose(usage: Usage) -> tuple[str, str]:
        return usage.consumer, usage.name

    reads = sorted((usage for usage in surest(usages) if usage.access is Access.READ), key=whose)
    found = [_reader(list(group)) for _, group in groupby(reads, key=whose)]
    return sorted(found, key=lambda reader: (-reader.last_read.timestamp(), reader.consumer, reader.name))


def surest(usages: Iterable[Usage]) -> list[Usage]:
    """Return usages without those of a DAG's first tasks that wait for what another of its tasks is seen to read."""
    every = list(usages)
    seen = {(usage.dag_id, usage.name) for usage in every if usage.access is Access.READ and usage.source != "schedule"}
    return [usage for usage in every if usage.source != "schedule" or (usage.dag_id, usage.name) not in seen]


def adoption(usages: Iterable[Usage], live: int | None) -> list[Adopter]:
    """Return for each consumer which release it has read last; those on an old one first."""
    last: dict[str, Usage] = {}
    for usage in surest(usages):
        before = last.get(usage.consumer)
        if usage.access is Access.READ and usage.events and (before is None or _order(usage) > _order(before)):
            last[usage.consumer] = usage
    found = [
        Adopter(
            consumer=name,
            release=usage.release,
            last_read=usage.last_at,
            adopted=live is not None and usage.release == live,
        )
        for name, usage in last.items()
    ]
    return sorted(found, key=lambda one: (one.adopted, -one.last_read.timestamp(), one.consumer))


def _order(usage: Usage) -> tuple[datetime, int]:
    return usage.last_at, usage.release or 0


def _reader(usages: list[Usage]) -> Reader:
    if len(usages) == 1:  # most consumers read a thing in one way, and there are many of them
        (usage,) = usages
        return Reader(
            consumer=usage.consumer,
            dag_id=usage.dag_id,
            name=usage.name,
            release=usage.release,
            columns=ALL if usage.columns and "*" in usage.columns else usage.columns and tuple(sorted(usage.columns)),
            sources=(usage.source,),
            reads=usage.events,
            first_read=usage.first_at,
            last_read=usage.last_at,
            declared=usage.declared,
        )
    per_source: dict[str, int] = {}
    for usage in usages:
        per_source[usage.source] = per_source.get(usage.source, 0) + usage.events
    reads = max(per_source.values())
    seen = [usage for usage in usages if usage.events] or usages
    told = [usage for usage in usages if usage.columns is not None]
    columns: set[str] = {column for usage in told for column in usage.columns or ()}
    silent = any(usage.columns is None for usage in usages if not usage.events)
    known = bool(told) and not silent and sum(usage.events for usage in told) >= reads
    return Reader(
        consumer=usages[0].consumer,
        dag_id=usages[0].dag_id,
        name=usages[0].name,
        release=max(seen, key=_order).release,
        columns=None if not known else ALL if "*" in columns else tuple(sorted(columns)),
        sources=tuple(sorted(per_source, key=_RANK.__getitem__)),
        reads=reads,
        first_read=min(usage.first_at for usage in seen),
        last_read=max(usage.last_at for usage in seen),
        declared=next((usage.declared for usage in usages if usage.declared), None),
    )
