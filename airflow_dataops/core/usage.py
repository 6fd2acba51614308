"""Who uses what: consumers, what SQL says that they read and write, and each such use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_dataops.core.releases import TaskKey

if TYPE_CHECKING:
    from airflow_dataops.core.declared import Declared


class Access(StrEnum):
    """What a consumer does with a relation."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, kw_only=True)
class Use:
    """One read or write of a relation by a consumer: a usage event.

    :param relation: what was used, by name.
    :param consumer: who: ``dag.task`` for a task.
    :param source: how it is known: ``ref`` (exact), ``sql`` (parsed from the SQL that was run), ``hook`` (reported by
        a hook), ``asset`` (declared as an inlet or outlet), or the record of the database that tells of it.
    :param columns: those that were used, sorted, or ``("*",)`` for all; ``None`` where they are not known.
    :param conn_id: the connection in which the relation is; ``None`` where it is not known.
    :param dataset: the dataset of which it is a relation; ``None`` where it is none (yet).
    :param release: its release; ``None`` with the dataset, and for what no release was built for.
    :param count: how often, where a database's record tells of several at once; ``at`` is then the last time.
    """

    relation: str
    consumer: str
    source: str
    at: datetime
    key: TaskKey
    access: Access = Access.READ
    columns: tuple[str, ...] | None = None
    conn_id: str | None = None
    dataset: str | None = None
    release: int | None = None
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What all uses of one dataset or relation by one consumer in one way add up to.

    :param dag_id: the DAG to which the consumer belongs; ``None`` outside of Airflow.
    :param relation: the one that was used last.
    :param release: the one that was used last; where usage is told per release, that one.
    :param events: how often; 0 for what is declared and was not seen.
    :param declared: what the consumer says of itself, where that is how it is known.
    """

    consumer: str
    dag_id: str | None
    relation: str
    access: Access
    source: str
    events: int
    first_at: datetime
    last_at: datetime
    columns: tuple[str, ...] | None = None
    conn_id: str | None = None
    dataset: str | None = None
    release: int | None = None
    declared: Declared | None = None

    @property
    def name(self) -> str:
        """What was used: the dataset, or the relation that is none."""
        return self.dataset or self.relation


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of what a consumer did is known.

    :param statements: those that its tasks ran, as far as Airflow has told.
    :param unparsed: those of them that could not be read.
    :param dropped: tasks at which Airflow's collector was full: what came behind is not known.
    :param lost: uses that could not be stored.
    """

    statements: int = 0
    unparsed: int = 0
    dropped: int = 0
    lost: int = 0

    @property
    def share(self) -> float | None:
        """The part of the statements that was read, from 0 to 1; ``None`` where none was run."""
        return (self.statements - self.unparsed) / self.statements if self.statements else None

    @classmethod
    def sum(cls, parts: Iterable[Coverage]) -> Coverage:
        parts = tuple(parts)
        return cls(
            statements=sum(part.statements for part in parts),
            unparsed=sum(part.unparsed for part in parts),
            dropped=sum(part.dropped for part in parts),
            lost=sum(part.lost for part in parts),
        )


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What was seen of one task's try, before anybody has looked up which datasets that were.

    :param uses: without dataset and release.
    """

    consumer: str
    at: datetime
    uses: tuple[Use, ...]
    coverage: Coverage


ALL = ("*",)
"""Columns of a :class:`Touch`: all that the relation has, by whatever names."""


@dataclass(frozen=True, kw_only=True)
class Touch:
    """One relation that SQL reads or writes, and which columns of it.

    :param relation: its name as it is written, without quotes: ``sales.orders``.
    :param columns: sorted names, as first written; :data:`ALL` for all of them (``SELECT *``, ``COPY t TO``, INSERT
        without a list); ``()`` for rows alone (``count(*)``, ``EXISTS``, DELETE); ``None`` where the SQL does not tell
        which, as with an unqualified name that several tables can own.
    """

    relation: str
    columns: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """What a sequence of SQL statements reads and writes, by name; no literal of theirs is kept.

    :param reads: sorted by relation, each once; temporary tables are not among them, what fed them is.
    :param writes: the same for what is filled, changed, emptied, made or dropped.
    :param statements: how many there were; comments are none.
    :param unparsed: how many of them could not be understood: what they touch is not in ``reads`` and ``writes``.
    """

    reads: tuple[Touch, ...]
    writes: tuple[Touch, ...]
    statements: int
    unparsed: int
