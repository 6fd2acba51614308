"""Which source a column's name belongs to. Where SQL alone does not tell, every source that can own it says so.

A name that is ambiguous is an error to the database: so a source that is known to have it is the only one. Of sources
whose columns are unknown, a name is attributed only if there is exactly one, outer queries counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from airflow_dataops.lineage.dialects import Habits
from airflow_dataops.lineage.touching import Folding, Use

Names = frozenset[str]
Environment = dict[str, Names | None]
"""CTEs by name, with their columns; ``None`` where those are not known."""


@dataclass
class Source:
    """An item of FROM: a relation (``use``), or what a query or function makes.

    :param alias: by which columns are qualified; empty where there is none.
    :param path: a relation's whole name.
    :param use: where its reads are counted; ``None`` where it is no relation.
    :param columns: what a query makes; ``None`` where that is not known, as of every relation.
    :param made: names that stand beside a relation's own, as UNPIVOT's.
    :param renamed: its columns have got other names.
    :param hidden: conditions of joins see it, and nothing else does.
    """

    alias: str
    path: tuple[str, ...] = ()
    use: Use | None = None
    columns: Names | None = None
    made: Names = frozenset()
    renamed: bool = False
    hidden: bool = False

    def owns(self, name: str) -> bool:
        """Whether it is known to have a column that is not a relation's own."""
        return name in self.made or (self.columns is not None and name in self.columns)

    def read(self, name: str, written: str) -> None:
        """Count a read of a column."""
        if self.use is None or name in self.made:
            return
        if self.renamed:
            self.use.unknown = True
        else:
            self.use.columns.setdefault(name, written)

    def read_all(self) -> None:
        """Count a read of all columns."""
        if self.use is not None:
            self.use.all = True

    def read_perhaps(self, name: str) -> None:
        """Count a column that may be read; one that is read for certain is no news."""
        if self.use is not None and name not in self.use.columns:
            self.use.unknown = True

    def read_unknown(self) -> None:
        """Count a read of columns that are not known."""
        if self.use is not None:
            self.use.unknown = True


@dataclass
class Scope:
    """The sources of one query, inside those of the queries around it.

    :param merged: columns that USING has made one of two.
    :param later: conditions of joins, which see all sources.
    :param doubtful: outputs' names that can be meant at this place, if no source has a column of that name.
    """

    env: Environment
    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    later: list[exp.Expression] = field(default_factory=list)
    doubtful: Names = frozenset()

    def chain(self) -> Iterator[Scope]:
        """Yield it and what is around it, inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def all_sources(self) -> Iterator[Source]:
        """Yield its sources, and those around it."""
        for scope in self.chain():
            yield from scope.sources

    def qualified(self, path: tuple[str, ...]) -> tuple[Source, int] | None:
        """Return the source that the first parts of a path name, and how many parts those are."""
        for scope in self.chain():
            for length in range(len(path) - 1, 0, -1):
                for source in scope.sources:
                    if (length == 1 and source.alias == path[0]) or (
                        source.path and source.alias == source.path[-1] and source.path[-length:] == path[:length]
                    ):
                        return source, length
        return None

    def candidates(self, name: str) -> list[Source]:
        """Return the sources that can own an unqualified name; none where it is known not to be a relation's."""
        found: list[Source] = []
        for scope in self.chain():
            if name in scope.merged or any(source.owns(name) for source in scope.sources):
                # It is theirs, unless a table further inside has it.
                return [*found, Source("")] if found else []
            found += [source for source in scope.sources if source.columns is None]
        return found


def attribute(candidates: Sequence[Source], name: str, written: str) -> None:
    """Count the read of a column whose owner is one of these."""
    if len(candidates) == 1:
        candidates[0].read(name, written)
        return
    for source in candidates:
        source.read_unknown()


def resolve(parts: Sequence[exp.Expression], scope: Scope, folding: Folding, habits: Habits) -> None:
    """Count the read of the column that a name means.

    :param parts: as written, from left to right; the last may be a star.
    """
    path = folding.path(parts)
    found = scope.qualified(path)
    if found is not None:
        source, length = found
        if isinstance(parts[-1], exp.Star) and length == len(parts) - 1:
            source.read_all()
            return
        others = [each for each in scope.all_sources() if each.alias == source.alias and each is not source]
        if habits.outward and others and not source.owns(path[length]):
            for each in (source, *others):
                each.read_perhaps(path[length])
        else:
            source.read(path[length], parts[length].name)
    elif len(parts) == 1 or habits.fields:
        candidates = scope.candidates(path[0])
        doubtful = any(path[0] in each.doubtful for each in scope.chain())
        # A column of that name, or an output or a row.
        if doubtful or (habits.rows and any(each.alias == path[0] for each in scope.all_sources())):
            for source in candidates:
                source.read_perhaps(path[0])
        else:
            attribute(candidates, path[0], parts[0].name)
    else:
        for source in scope.all_sources():
            source.read_unknown()
