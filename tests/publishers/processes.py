"""What the tests of concurrency run in child processes: readers, racers, and switches that die half-way."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

import pytest
from warehouses import Bench, Warehouse

from airflow_dataops.core.errors import PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Column, Relation

_PRELOADED = (
    *("duckdb", "psycopg", "pymysql", "sqlite3", "sqlalchemy.dialects.sqlite.pysqlite"),
    *("airflow_dataops.stores.store", "airflow_dataops.services.releasing", "airflow_dataops.publishers.view"),
    *("airflow_dataops.engines.sqlite_functions", "airflow_dataops.engines.fingerprints"),
    *(
        "pyiceberg.catalog.sql",
        "burning",
        "airflow_dataops.engines.iceberg.session",
        "airflow_dataops.publishers.iceberg",
    ),
)


def stride(usual: int) -> int:
    """Return how many steps lie between two at which is killed: none are left out where ``DATAOPS_KILLS`` is set."""
    return 1 if "DATAOPS_KILLS" in os.environ else usual


@cache
def forked() -> Any:
    """Return the way to make child processes: forked from a server that has imported everything and opened nothing.

    That is fast, and safe for drivers. It imports from PYTHONPATH, not from this process's path.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


ROWS = 500
PAUSE = 0.005
"""Seconds between two reads: whoever is being watched needs a processor too."""


def big(release: int) -> str:
    """Return a SELECT of :data:`ROWS` rows that all say ``release``."""
    count = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    return f"{count} SELECT i, {release} AS v FROM n"


def read_until(bench: Bench, ready: Any, stop: Any, answer: Connection) -> None:
    """Read over and over and send what was seen: how often each release, and every error or mixture."""
    sql = f"SELECT min(v), max(v), count(*) FROM {bench.warehouse.sql(bench.reader)}"
    seen: Counter[int] = Counter()
    wrong: list[str] = []
    with contextlib.ExitStack() as stack:
        kept = None if bench.warehouse.dialect == "duckdb" else stack.enter_context(bench.warehouse.open())
        while not stop.wait(PAUSE):
            if len(wrong) + seen.total() == 1:
                ready.release()
            try:
                # A DuckDB file that a reader keeps open can be written by nobody: open, read, close.
                with bench.warehouse.open(read_only=True) if kept is None else contextlib.nullcontext(kept) as db:
                    low, high, count = db.execute(sql)[0]
            except Exception as error:
                wrong.append(repr(error))
                continue
            seen[low] += 1
            if low != high or count != ROWS:
                wrong.append(f"a mixture: {low} to {high} in {count} rows")
    answer.send((dict(seen), wrong))


@contextlib.contextmanager
def readers(bench: Bench, count: int) -> Iterator[list[tuple[dict[int, int], list[str]]]]:
    """Run reader processes, each reading already, during a block; afterwards the list holds what each saw."""
    ready, stop = forked().Semaphore(0), forked().Event()
    found: list[tuple[dict[int, int], list[str]]] = []
    pipes = [forked().Pipe(duplex=False) for _ in range(count)]
    children = [forked().Process(target=read_until, args=(bench, ready, stop, answer)) for _, answer in pipes]
    for child in children:
        child.start()
    try:
        for _ in children:
            assert ready.acquire(timeout=60)
        yield found
    finally:
        stop.set()
        found += [receive.recv() for receive, _ in pipes if receive.poll(60)]
        for child in children:
            child.join(60)


def race(bench: Bench, release: int, rounds: int, barrier: Any, answer: Connection, first: int = 0) -> None:
    """Try to make ``release`` live at every epoch, together with somebody else; send the epochs won."""
    won = []
    try:
        for epoch in range(first, first + rounds):
            barrier.wait(60)
            with contextlib.suppress(PublishConflict):
                bench.promote(release, epoch, op_id=f"{release}-{epoch}")
                won.append(epoch)
        answer.send(won)
    except BaseException as error:
        barrier.abort()  # the rival would wait for nobody
        answer.send(repr(error))


@dataclass(frozen=True)
class FatalWarehouse(Warehouse):
    """A connector whose sessions kill their process, unannounced, before the step ``at``."""

    at: int = -1

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Any]:
        with super().open(read_only=read_only) as db:
            yield FatalSession(db, self.at)


@dataclass(frozen=True)
class InterruptedWarehouse(Warehouse):
    """A connector whose sessions let somebody else go first, once, as soon as they have read a pointer's epoch."""

    interrupt: Callable[[], object] = lambda: None

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Any]:
        with super().open(read_only=read_only) as db:
            yield InterruptedSession(db, self.interrupt)


class InterruptedSession:
    """Runs ``interrupt`` after the first read of the pointer in a transaction."""

    def __init__(self, db: Database, interrupt: Callable[[], object]) -> None:
        self.dialect = db.dialect
        self.columns, self.cancel, self.close = db.columns, db.cancel, db.close
        self._db = db
        self._interrupt = interrupt
        self._armed = False

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        rows = self._db.execute(sql, parameters)
        if self._armed and sql.startswith("SELECT epoch"):
            self._armed = False
            self._interrupt()
        return rows

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        with self._db.transaction():
            self._armed = True
            yield


class FatalSession:
    """Counts each statement, and each begin and end of a transaction, as a step."""

    def __init__(self, db: Database, at: int) -> None:
        self.dialect = db.dialect
        self._db = db
        self._at = at
        self._steps = itertools.count()

    def _step(self) -> None:
        if next(self._steps) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._step()
        return self._db.execute(sql, parameters)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self._step()
        with self._db.transaction():
            yield
            self._step()
        self._step()

    def columns(self, relation: Relation) -> list[Column]:
        self._step()
        return self._db.columns(relation)

    def cancel(self) -> None:
        self._db.cancel()

    def close(self) -> None:
        self._db.close()


def switch_and_die(bench: Bench, release: int, expect: int, more: dict[str, Any]) -> None:
    """Make ``release`` live, unless killed on the way."""
    bench.promote(release, expect, **more)
