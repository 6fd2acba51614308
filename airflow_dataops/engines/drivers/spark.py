"""Spark, classic or through Spark Connect: SQL runs in the cluster, and only its one row of metrics is collected."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from airflow_dataops.core.errors import DataOpsError, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers.base import Asks, Driver, Running, columns_of_no_row, family, without_values

# SQLSTATE classes: 08 the connection; 53, 57 and 58 the cluster's own trouble or somebody's intervention.
_WAITING_HELPS = ("08", "53", "57", "58")
# What has no SQLSTATE, or one of its own: a cancelled job, a statement that was interrupted, a server that is away.
_GONE = ("SPARK_JOB_CANCELLED", "OPERATION_CANCELED", "UNAVAILABLE", "Connection refused")
_STACK = re.compile(r"\n\s*(?:JVM stacktrace|at [\w.$]+\()")
_MISSING = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")


class SparkConnection:
    """A Spark session in the shape of a DB-API connection and its cursor.

    :param session: a ``SparkSession``; nothing of its settings is changed.
    :param owned: whether it is ours, to be stopped in the end.
    """

    def __init__(self, session: Any, *, owned: bool = False) -> None:
        self.session = session
        self._owned = owned
        self._tag = f"airflow-dataops-{uuid.uuid4().hex}"
        self._rows: list[Any] = []
        self.description: list[tuple[str, str]] = []

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement and collect its rows; what it is doing can be interrupted by its tag."""
        # Tags belong to a thread. Classic Spark has them on its context; its session's cancel nothing that SQL runs.
        add, remove, _ = self._tagging()
        add(self._tag)
        try:
            frame = self.session.sql(sql, args=list(parameters)) if parameters else self.session.sql(sql)
            self.description = _shape(frame)
            self._rows = frame.collect()
        finally:
            remove(self._tag)

    def fetchall(self) -> list[Any]:
        """Return the rows of the last statement."""
        return self._rows

    def interrupt(self) -> None:
        """End the running statement, from another thread."""
        self._tagging()[2](self._tag)

    def _tagging(self) -> tuple[Callable[[str], Any], Callable[[str], Any], Callable[[str], Any]]:
        """Return what adds, removes and cancels a tag."""
        context = getattr(self.session, "sparkContext", None)  # Connect has none
        if context is None:
            return self.session.addTag, self.session.removeTag, self.session.interruptTag
        return context.addJobTag, context.removeJobTag, context.cancelJobsWithTag

    def close(self) -> None:
        """Stop the session if it is ours."""
        if self._owned:
            self.session.stop()


class SparkDriver(Driver):
    """No transactions and no snapshot over several statements: each reads the state that the table then has."""

    dialect = "spark"
    label = "Spark"
    names = ("spark", "spark_connect")

    def cursor(self, connection: Any) -> AbstractContextManager[Any]:
        """Return the connection itself."""
        return nullcontext(connection)

    def shape(self, cursor: Any) -> Sequence[Any]:
        """Return names and types."""
        return list(cursor.description)

    def columns(self, db: Asks, relation: Relation) -> list[Column]:
        """Ask for no row of it."""
        return columns_of_no_row(self, db, relation, missing=_MISSING)

    def describe(self, db: Asks, query: str) -> list[Column]:
        """Let Spark analyse it: nothing is read for no rows."""
        return [Column(name=name, type=kind) for name, kind in db.described(f"SELECT * FROM ({query}\n) LIMIT 0")]

    def cancel(self, running: Running) -> None:
        """Interrupt by the statement's tag."""
        running.connection.interrupt()

    def understood(self, error: Exception) -> DataOpsError | None:
        """Read Spark's condition and SQLSTATE; a lost server has neither."""
        names = family(error, "pyspark", "py4j", "grpc")
        if not names:
            return None
        state = str(_told(error, "getSqlState"))
        text = " ".join(_STACK.split(str(error))[0].split("SQLSTATE:")[0].split())
        if state.startswith("22"):  # data exceptions quote the value
            text = without_values(text)
        waiting_helps = state[:2] in _WAITING_HELPS or any(word in text for word in _GONE)
        return MeasureError(f"Spark: {text[:600]}", retryable=waiting_helps or "Py4JNetworkError" in names)


def _shape(frame: Any) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]


def _told(error: Exception, method: str) -> Any:
    asked = getattr(error, method, None)
    return asked() if callable(asked) else None
