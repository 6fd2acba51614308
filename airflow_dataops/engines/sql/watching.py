"""Statements that can be stopped: while one runs, this thread stays free for signals, and says that it still runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from airflow_dataops.core.errors import MeasurementStopped
from airflow_dataops.core.ports import Database

log = logging.getLogger(__name__)

STILL_RUNS_SECONDS = 30.0
"""How often a long statement says in the log that it still runs."""
_STOPPING_SECONDS = 10.0

Statement = Callable[[Database], list[tuple[Any, ...]]]
"""Runs one statement on a session and returns its rows."""


class Watch:
    """Runs statements for one measurement, and stops it from a signal's handler or another thread.

    A driver waits for its database in C, where Python's signals cannot be heard: Airflow's SIGTERM, its time-out or
    Ctrl-C would come only after the last row. So a statement runs in a thread of its own and this one waits. Whatever
    is raised in the waiting cancels the statement on the server before it goes on its way.
    """

    def __init__(self, *, still_runs_every: float = STILL_RUNS_SECONDS) -> None:
        self._every = still_runs_every
        self._stopped = False
        self._running: Database | None = None

    def stop(self) -> None:
        """Cancel what runs, now, and let nothing more be run: the task is being killed."""
        self._stopped = True
        running = self._running
        if running is not None:
            running.cancel()

    def run(self, db: Database, statement: Statement, label: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows.

        :param label: what it does, for the log: ``statement 2 of 3 over table x``.
        :raises MeasurementStopped: :meth:`stop` was called.
        """
        self._refuse_if_stopped(label)
        self._running = db
        try:
            # sqlite3 holds a connection to the thread that opened it, and has no server on which anything could stay.
            return statement(db) if db.dialect == "sqlite" else self._in_a_thread(db, statement, label)
        except Exception:
            self._refuse_if_stopped(label)  # what the database says of a cancelled statement is not the reason
            raise
        finally:
            self._running = None

    def _refuse_if_stopped(self, label: str) -> None:
        if self._stopped:
            raise MeasurementStopped(f"{label}: stopped, because the task was killed")

    def _in_a_thread(self, db: Database, statement: Statement, label: str) -> list[tuple[Any, ...]]:
        outcome = _Outcome()
        thread = threading.Thread(target=outcome.of, args=(db, statement), name="dataops-statement", daemon=True)
        started = time.monotonic()
        try:
            thread.start()  # a signal can come before this returns, when the statement runs already
            while not outcome.done.wait(self._every):
                log.info("%s still runs, after %.0f s.", label, time.monotonic() - started)
        except BaseException:
            _cancel_until_it_ends(db, outcome.done)
            raise
        if outcome.error is not None:
            raise outcome.error
        return outcome.rows


class _Outcome:
    """What came of a statement."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.rows: list[tuple[Any, ...]] = []
        self.error: BaseException | None = None

    def of(self, db: Database, statement: Statement) -> None:
        try:
            self.rows = statement(db)
        except BaseException as error:  # raised again where the statement was asked for
            self.error = error
        finally:
            self.done.set()


def _cancel_until_it_ends(db: Database, done: threading.Event) -> None:
    """Cancel the statement; again, where the first request came before the server had begun with it."""
    end = time.monotonic() + _STOPPING_SECONDS
    while not done.is_set() and time.monotonic() < end:
        try:
            db.cancel()
        except Exception as error:  # the exception that is on its way is the one to hear of
            log.warning("The running statement could not be cancelled: %s", error)
            return
        done.wait(0.2)
