"""One open session over a raw DB-API connection: the port ``Database``, for every database in ``drivers``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError
from airflow_dataops.core.ports import Voucher
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.drivers import driver_of
from airflow_dataops.engines.drivers.base import Rows, Running


class DbApiSession:
    """A session whose every statement commits by itself unless a transaction is open.

    The driver is put into autocommit and transactions are plain ``BEGIN … COMMIT``: one way for all drivers.

    :param connection: a raw connection, in no transaction; :meth:`close` closes it, :meth:`release` gives it back.
    :param dialect: the database, by sqlglot's name of its SQL: ``"postgres"``, ``"mysql"``, …
    :param another: opens a second connection like it: on some databases only that can cancel a statement.
    :raises ConfigurationError: a database that is not known.
    """

    def __init__(self, connection: Any, dialect: str, *, another: Callable[[], Any] | None = None) -> None:
        self._driver = driver_of(dialect)
        self.dialect = self._driver.dialect
        self._connection = connection
        self._another = another
        self._cursor: Any | None = None
        self._open_transaction = False
        with self._driver.understanding():
            self._leave = self._driver.enter(connection)
            self._number = self._driver.number(connection)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement with ``?`` placeholders and return all its rows (none for DDL)."""
        rows: Rows = self._run(sql, parameters)[1]
        return rows

    def repeated(self, sql: str) -> list[int]:
        """Run a SELECT of one column of whole numbers and return those that are there more than once."""
        numbers: list[int] = self._run(sql, read=self._driver.repeated)[1]
        return numbers

    def described(self, sql: str) -> Sequence[Any]:
        """Run one statement and return what its cursor says of each column, in the driver's own shape."""
        return self._run(sql)[0]

    def _run(
        self, sql: str, parameters: Sequence[Any] = (), *, read: Callable[[Any], Any] | None = None
    ) -> tuple[Sequence[Any], Any]:
        """Run one statement and return its columns, in the driver's own shape, and what ``read`` makes of its cursor.

        :param read: without it, all rows are fetched.
        """
        with self._driver.understanding(), self._driver.cursor(self._connection) as cursor, self._running(cursor):
            if parameters:
                cursor.execute(self._driver.styled(sql, self._connection) + self._driver.mark, tuple(parameters))
            else:
                cursor.execute(sql + self._driver.mark)
            if not cursor.description:
                return (), []
            try:
                # fetchall, always: one row fetched leaves the result open and the table locked.
                return self._driver.shape(cursor), (read or self._driver.fetched)(cursor)
            except (ValueError, OverflowError) as error:  # psycopg2's of a time before the year 1
                raise MeasureError(
                    f"{self._driver.label}: a value is none that Python can hold, such as a time before the year 1"
                ) from error

    @contextlib.contextmanager
    def _running(self, cursor: Any) -> Iterator[None]:
        """Let :meth:`cancel` know what runs in the block."""
        self._cursor = cursor
        try:
            yield
        finally:
            self._cursor = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block in one transaction that takes the write lock at once where the engine has one."""
        with self._begun(self._driver.begin):
            yield

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run a block of reads on one state of the data; inside an open transaction, on that one's.

        Where the database has no such thing over several statements, each of them reads its own state.
        """
        if self._open_transaction or not self._driver.snapshot:
            yield
            return
        with self._begun(self._driver.snapshot):
            yield

    @contextlib.contextmanager
    def _begun(self, begin: Sequence[str]) -> Iterator[None]:
        if self._open_transaction:
            raise ConfigurationError("A transaction is open on this session: transactions do not nest.")
        for statement in begin:
            self.execute(statement)
        self._open_transaction = True
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            # A lost connection has rolled back by itself, and the first error is the one to report.
            with contextlib.suppress(DataOpsError):
                self.execute("ROLLBACK")
            raise
        finally:
            self._open_transaction = False

    def reads_only(self) -> None:
        """Let the session write nothing any more, where the database can be told so."""
        self._driver.reads_only(self)

    def columns(self, relation: Relation) -> list[Column]:
        """Return the relation's columns in order; empty where there is no such relation."""
        return self._driver.columns(self, relation)

    def vouchers(self, relation: Relation) -> tuple[Voucher, ...]:
        """Return what a relation's source knows of itself beside its constraints: here nothing."""
        return ()

    def describe(self, query: str) -> list[Column]:
        """Return the columns that a SELECT yields, without running it over the data."""
        return self._driver.describe(self, query)

    def identity(self, relation: Relation) -> str | None:
        """Return ``None``: what a database's tables hold only their rows tell."""
        return None

    def cancel(self) -> None:
        """Interrupt the running statement, from another thread."""
        running = Running(connection=self._connection, cursor=self._cursor, number=self._number, another=self._another)
        self._driver.cancel(running)

    def release(self) -> None:
        """Give the connection back as it came, without closing it: for one that a pool owns."""
        if self._open_transaction:
            self.execute("ROLLBACK")
            self._open_transaction = False
        self._leave()

    def close(self) -> None:
        """Close the session; a transaction that is open is rolled back."""
        self._driver.close(self._connection)
