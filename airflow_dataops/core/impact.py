"""Blast radius: whom a change of a dataset reaches, through what is built from it, and who matters most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_dataops.core.readers import Reader, readers
from airflow_dataops.core.usage import Access, Usage

_RECENT = (timedelta(days=1), timedelta(days=7), timedelta(days=31), timedelta(days=92))


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A consumer that a change reaches.

    :param reader: the consumer, and what it reads.
    :param distance: 1 where it reads what changes, one more for each table between.
    :param feeds: what it builds from what it reads, and others read: it is a part of production itself.
    :param reach: how many consumers stand behind it.
    """

    reader: Reader
    distance: int
    feeds: tuple[str, ...]
    reach: int


def impact(usages: Iterable[Usage], name: str, *, now: datetime, column: str | None = None) -> list[Hit]:
    """Return whom a change of a dataset or table reaches, the most important first.

    First come those that feed others, then those that read it lately, often, and that many stand behind.

    :param column: only this one changes: consumers that are known to read others alone are left out.
    """
    graph = _Graph(usages)
    distances = graph.behind(name, column)
    reach = graph.reach([reader.consumer for reader, _ in distances])
    hits = [
        Hit(reader=reader, distance=distance, feeds=graph.feeds(reader.consumer), reach=reach[reader.consumer])
        for reader, distance in distances
    ]
    return sorted(hits, key=lambda hit: _importance(hit, now), reverse=True)


def _importance(hit: Hit, now: datetime) -> tuple[object, ...]:
    age = now - hit.reader.last_read
    recent = sum(age <= limit for limit in _RECENT) if hit.reader.reads else 0
    return bool(hit.feeds), recent, hit.reader.per_day, hit.reach, -hit.distance


class _Graph:
    """Who reads what, and what it writes."""

    def __init__(self, usages: Iterable[Usage]) -> None:
        usages = list(usages)
        self._readers: dict[str, list[Reader]] = {}
        for reader in readers(usages):
            self._readers.setdefault(reader.name, []).append(reader)
        self._written: dict[str, set[str]] = {}
        for usage in usages:
            if usage.access is Access.WRITE:
                self._written.setdefault(usage.consumer, set()).add(usage.name)

    def behind(self, name: str, column: str | None = None) -> list[tuple[Reader, int]]:
        """Return each reader of a name, and of all that is built from it, with its distance: each consumer once."""
        found: dict[str, tuple[Reader, int]] = {}
        seen, names, distance = {name}, [name], 1
        while names:
            further: list[str] = []
            for each in names:
                for reader in self._of(each):
                    if reader.consumer in found or (distance == 1 and column and not reader.may_read(column)):
                        continue
                    found[reader.consumer] = (reader, distance)
                    further += sorted(self._written.get(reader.consumer, set()) - seen)
                    seen.update(further)
            names, distance = further, distance + 1
        return list(found.values())

    def feeds(self, consumer: str) -> tuple[str, ...]:
        """Return what a consumer writes and somebody else reads."""
        return tuple(
            name
            for name in sorted(self._written.get(consumer, ()))
            if any(reader.consumer != consumer for reader in self._of(name))
        )

    def reach(self, consumers: Sequence[str]) -> dict[str, int]:
        """Return for each consumer how many others read what it writes, or what is built from that.

        :param consumers: all that a change reaches, the nearest first; others do not count.
        """
        # Sets of consumers as bits: the sets of thousands are joined at once. Only a circle needs a second round.
        bit = {consumer: 1 << number for number, consumer in enumerate(consumers)}
        behind = dict.fromkeys(consumers, 0)
        next_to = {
            consumer: bit.keys()
            & {reader.consumer for name in self._written.get(consumer, ()) for reader in self._of(name)}
            for consumer in consumers
        }
        changed = True
        while changed:
            changed = False
            for consumer in reversed(consumers):
                found = behind[consumer]
                for other in next_to[consumer]:
                    found |= behind[other] | bit[other]
                changed |= found != behind[consumer]
                behind[consumer] = found
        return {consumer: (found & ~bit[consumer]).bit_count() for consumer, found in behind.items()}

    def _of(self, name: str) -> list[Reader]:
        return self._readers.get(name, [])
