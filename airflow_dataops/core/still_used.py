"""Still used? A verdict where the evidence allows one: that nobody was seen proves nothing where nobody looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from airflow_dataops.core.readers import Reader
from airflow_dataops.core.usage import Coverage
from airflow_dataops.core.values import counted

LEAST = 0.95
"""The part of all statements that must have been read before anything is called unused."""


class Standing(StrEnum):
    USED = "used"
    UNUSED = "unused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What was watched in a window of time.

    :param since: the window's begin; its end is now.
    :param started: when the first use of anything was logged; ``None`` before.
    :param coverage: how much of what was run then is known.
    :param records: which databases' own records were harvested, and since when each tells.
    """

    since: datetime
    now: datetime
    started: datetime | None
    coverage: Coverage
    records: tuple[str, ...] = ()

    @cached_property
    def gap(self) -> str | None:
        """Why the absence of reads proves nothing here; ``None`` where it does."""
        if self.started is None:
            return "no use of anything has been logged yet"
        if self.started > self.since:
            return f"usage is logged since {self.started:%Y-%m-%d} only"
        share = self.coverage.share
        if share is not None and share < LEAST:
            return f"a verdict needs {LEAST:.0%}"
        if self.coverage.dropped or self.coverage.lost:
            return f"{counted(self.coverage.dropped + self.coverage.lost, 'gap')} in what tasks and databases told"
        return "no SQL of a task was seen in that time" if share is None else None

    @cached_property
    def text(self) -> str:
        """The window and its coverage in words."""
        days, share = (self.now - self.since).days, self.coverage.share
        parsed = (
            "no statement was run"
            if share is None
            else f"{share:.0%} of {self.coverage.statements:,} statements parsed"
        )
        return "; ".join((f"in {days} days", parsed, *self.records))


@dataclass(frozen=True, kw_only=True)
class StillUsed:
    """Whether a dataset, one of its releases or one of its columns is still used.

    :param dataset: the dataset, or the table that is none.
    :param why: the evidence in words: reads, window, sources, coverage.
    """

    name: str
    dataset: str
    standing: Standing
    last_read: datetime | None
    consumers: tuple[str, ...]
    why: str

    @property
    def kind(self) -> str:
        """What it is: a dataset, a release or a column."""
        rest = self.name.removeprefix(self.dataset)
        return {"": "dataset", "@": "release"}.get(rest[:1], "column")


def still_used(
    name: str, readers: Iterable[Reader], watch: Watch, *, dataset: str | None = None, column: str | None = None
) -> StillUsed:
    """Judge what was read of one dataset or release.

    :param readers: those of the dataset or release that is asked about.
    :param dataset: whose release or column that is; nothing for the dataset itself.
    :param column: one of its columns, where that is asked about.
    """
    theirs = [reader for reader in readers if column is None or reader.may_read(column)]
    every = [reader for reader in theirs if reader.reads]
    said = [reader for reader in theirs if "declared" in reader.sources]
    found = [reader for reader in every if reader.last_read >= watch.since]
    sure = [reader for reader in found if column is None or reader.columns is not None]
    last = max((reader.last_read for reader in every), default=None)
    if sure:
        reads = ", ".join(sorted({source for reader in sure for source in reader.sources}))
        standing, why = (
            Standing.USED,
            f"read by {counted(len(sure), 'consumer')} {watch.text}; known from {reads}",
        )
    elif found:
        standing, why = Standing.UNKNOWN, f"{found[0].consumer} reads columns that are not known; {watch.text}"
    elif said:
        standing, why = Standing.UNKNOWN, f"0 reads {watch.text}, but {said[0].consumer} declares that it reads it"
    elif watch.gap:
        standing, why = Standing.UNKNOWN, f"0 reads {watch.text}, but {watch.gap}"
    else:
        standing, why = Standing.UNUSED, f"0 reads {watch.text}"
    return StillUsed(
        name=name,
        dataset=dataset or name,
        standing=standing,
        last_read=last,
        consumers=tuple(reader.consumer for reader in found or said),
        why=why,
    )
