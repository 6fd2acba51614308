"""How right a reader of SQL is on the corpus: of what it says, and of what there is to say."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import openlineage_sql
import sqlparse

from airflow_dataops.core.usage import Lineage, Touch
from airflow_dataops.lineage.sql import lineage_of
from tests.lineage.corpus import CORPUS, Case, Expected

_OPENLINEAGE = {"tsql": "mssql", "trino": "generic"}
Item = tuple[str, ...]


@dataclass
class Score:
    """Counts of what is expected, of what is told, and of what is both."""

    expected: int = 0
    told: int = 0
    right: int = 0

    def add(self, expected: set[Item], told: set[Item]) -> None:
        self.expected += len(expected)
        self.told += len(told)
        self.right += len(expected & told)

    @property
    def precision(self) -> float:
        return self.right / self.told if self.told else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0


@dataclass
class Figures:
    """Of one reader on some cases."""

    tables: Score = field(default_factory=Score)
    columns: Score = field(default_factory=Score)
    texts: int = 0
    statements: int = 0
    unparsed: int = 0
    untold: int = 0  # tables without a word about their columns
    errors: int = 0
    silent: int = 0  # nothing told, no error, and there was something


def words(columns: str) -> list[str]:
    """Return the columns of the corpus's notation."""
    return [each for each in (columns.split(",") if "," in columns else columns.split()) if each]


def expected_tables(case: Case) -> set[Item]:
    return {("read", name) for name in case.reads} | {("written", name) for name in case.writes}


def expected_columns(case: Case) -> set[Item]:
    sides = {"read": case.reads, "written": case.writes}
    return {
        (side, name, column) for side, found in sides.items() for name, columns in found.items()
        for column in words(columns or "")
    }  # fmt: skip


def _touches(lineage: Lineage) -> Iterable[tuple[str, Touch]]:
    yield from (("read", touch) for touch in lineage.reads)
    yield from (("written", touch) for touch in lineage.writes)


def told_tables(lineage: Lineage) -> set[Item]:
    return {(side, touch.relation) for side, touch in _touches(lineage)}


def told_columns(lineage: Lineage) -> set[Item]:
    return {(side, touch.relation, column) for side, touch in _touches(lineage) for column in touch.columns or ()}


def untold(lineage: Lineage) -> set[Item]:
    return {(side, touch.relation) for side, touch in _touches(lineage) if touch.columns is None}


def read(case: Case) -> Lineage:
    return lineage_of([(case.sql, case.dialect)])


def ours(cases: Iterable[Case]) -> Figures:
    figures = Figures()
    for case in cases:
        lineage = read(case)
        figures.texts += 1
        figures.statements += lineage.statements
        figures.unparsed += lineage.unparsed
        figures.untold += len(untold(lineage))
        figures.tables.add(expected_tables(case), told_tables(lineage))
        figures.columns.add(expected_columns(case), told_columns(lineage))
        there = bool(expected_tables(case)) or case.unknown > 0
        figures.silent += there and not told_tables(lineage) and not lineage.unparsed
    return figures


def openlineage(cases: Iterable[Case]) -> Figures:
    """The same of openlineage-sql, given its statements as Airflow's provider splits them.

    To it, what a statement changes is written and not read; so such a table is asked of neither side as read. A name
    that it completes by a schema is right, too.
    """
    figures = Figures()
    for case in cases:
        found = _parsed_by_openlineage(case)
        reads = {_plain(table, case.reads) for table in found.in_tables} if found else set()
        writes = {_plain(table, case.writes) for table in found.out_tables} if found else set()
        expected = expected_tables(case) - {("read", name) for name in case.writes}
        told = {("read", name) for name in reads - set(case.writes)} | {("written", name) for name in writes}
        wrong = found is None or bool(found.errors)
        figures.texts += 1
        figures.tables.add(expected, told)
        figures.errors += wrong
        figures.silent += (bool(expected) or case.unknown > 0) and not reads and not writes and not wrong
    return figures


def _parsed_by_openlineage(case: Case) -> openlineage_sql.SqlMeta | None:
    statements = [each for each in sqlparse.split(case.sql) if each.strip()]
    try:
        with _silenced():
            return openlineage_sql.parse(statements, dialect=_OPENLINEAGE.get(case.dialect, case.dialect))
    except BaseException as error:  # it panics in its own language, which is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return None


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what a panic writes to the process's standard error from the reader of the table."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _plain(table: openlineage_sql.DbTableMeta, known: Expected) -> str:
    """Return a name without its quotes, and without a schema that has been added."""
    name = table.qualified_name.translate(str.maketrans("", "", '`"[]'))
    return next((each for each in known if name.endswith(f".{each}")), name)


def seconds(runs: int = 3) -> tuple[float, float]:
    """Return the median and the 99th percentile of the time that a text of the corpus takes."""
    taken = []
    for case in CORPUS:
        best = []
        for _ in range(runs):
            start = time.perf_counter()
            read(case)
            best.append(time.perf_counter() - start)
        taken.append(statistics.median(best))
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]
