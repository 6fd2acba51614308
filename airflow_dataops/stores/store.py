"""The store's door: opens the database, checks its schema, and hands out its shelves."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as SqlTimeoutError
from sqlalchemy.orm import Session

from airflow_dataops.core.errors import ConfigurationError, StoreUnavailable
from airflow_dataops.stores import schema
from airflow_dataops.stores.approvals import ApprovalShelf
from airflow_dataops.stores.contracts import ContractShelf
from airflow_dataops.stores.declared import DeclaredShelf
from airflow_dataops.stores.diffs import DiffShelf
from airflow_dataops.stores.gates import GateShelf
from airflow_dataops.stores.harvests import HarvestShelf
from airflow_dataops.stores.releases import ReleaseShelf
from airflow_dataops.stores.stops import StopShelf
from airflow_dataops.stores.switches import SwitchShelf
from airflow_dataops.stores.usage import UsageShelf

SUPPORTED = ("sqlite", "postgresql")
BUSY_SECONDS = 30


class Store:
    """Datasets, releases, evidence and usage in one database.

    :param url: SQLAlchemy's URL of a SQLite file or a PostgreSQL database.
    :param patience: seconds to wait for a server that does not answer, a lock, or a file that is being written; who
        has little keeps a connection until ``close``. The usual patience and no kept connection where none is given.
    :raises ConfigurationError: another database, or one in memory only.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        self.engine = _engine(url, patience)

    @classmethod
    def open(cls, url: str, *, create: bool = False, patience: float | None = None) -> Store:
        """Open the store and check its schema.

        :param create: make the tables where there are none yet (the SQLite default does).
        :param patience: as :class:`Store` has it.
        :raises SchemaVersionError: its schema is missing, older or newer; says what to run.
        :raises StoreUnavailable: it cannot be reached.
        """
        store = cls(url, patience=patience)
        try:
            store._open(create)
        except BaseException:
            store.close()
            raise
        return store

    def _open(self, create: bool) -> None:
        file = self.file
        if create:
            self.make_file()
        elif file is not None and not file.exists():
            raise StoreUnavailable(
                f"The store {self.label} is not there: no such file. Bring it back, then retry. If it was never made: "
                "Run: airflow dataops db upgrade"
            )
        with self.translated():
            if create and schema.read_version(self.engine) is None:
                schema.upgrade(self.engine)
            schema.check(self.engine)

    def close(self) -> None:
        """Close the connection that is kept, if one is; the store may still be used."""
        self.engine.dispose()

    def upgrade(self) -> str | None:
        """Bring the schema up to date; return the version it had."""
        self.make_file()
        with self.translated():
            return schema.upgrade(self.engine)

    @property
    def label(self) -> str:
        """The store's address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file; ``None`` where a server keeps the store."""
        url = self.engine.url
        return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None

    def make_file(self) -> None:
        """Make an empty SQLite file where there is none; what opens it later makes none in place of one that is away.

        :raises StoreUnavailable: it cannot be made.
        """
        try:
            if self.file is not None:
                self.file.touch()
        except OSError as error:
            raise StoreUnavailable(
                f"The store {self.label} cannot be made: {error.strerror}. Check the connection dataops_default, "
                "then retry."
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that reads one snapshot."""
        with self.translated(), Session(self.engine.execution_options(dataops_read=True)) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose work is committed as one transaction, or not at all."""
        with self.translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn a lost or busy database into StoreUnavailable; other database errors stay what they are.

        :raises StoreUnavailable: with the driver's first line, which holds no row and no password.
        :raises ConfigurationError: a value that was given is none that the database takes.
        """
        try:
            yield
        except (DataError, OverflowError, ValueError) as error:
            if type(error) is ValueError and "NUL" not in str(error):  # psycopg2's own of a NUL has no better class
                raise
            raise ConfigurationError(
                f"The store {self.label} can neither keep nor look for one of the values that were given: it is too "
                "long or too large, or holds a NUL or half a character. Nothing was changed; give another."
            ) from error
        except (DBAPIError, SqlTimeoutError) as error:
            lost = not isinstance(error, DBAPIError) or error.connection_invalidated
            if lost or type(error).__name__ in ("OperationalError", "InterfaceError"):
                cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
                raise StoreUnavailable(
                    f"The store {self.label} cannot be reached: {cause}. Nothing was decided or changed; "
                    "check the connection dataops_default, then retry."
                ) from error
            raise

    @cached_property
    def releases(self) -> ReleaseShelf:
        """Datasets, releases and their events."""
        return ReleaseShelf(self)

    @cached_property
    def switches(self) -> SwitchShelf:
        """Switches that are under way."""
        return SwitchShelf(self)

    @cached_property
    def gates(self) -> GateShelf:
        """Gate runs and their check results."""
        return GateShelf(self)

    @cached_property
    def approvals(self) -> ApprovalShelf:
        """What people have said of releases."""
        return ApprovalShelf(self)

    @cached_property
    def diffs(self) -> DiffShelf:
        """What releases were found to change."""
        return DiffShelf(self)

    @cached_property
    def contracts(self) -> ContractShelf:
        """What consumers rely on."""
        return ContractShelf(self)

    @cached_property
    def stops(self) -> StopShelf:
        """What stops readers."""
        return StopShelf(self)

    @cached_property
    def usage(self) -> UsageShelf:
        """Consumers, their reads, and what their runs are pinned to."""
        return UsageShelf(self)

    @cached_property
    def declared(self) -> DeclaredShelf:
        """Who says what it reads."""
        return DeclaredShelf(self)

    @cached_property
    def harvests(self) -> HarvestShelf:
        """Up to where the databases' own records are known."""
        return HarvestShelf(self)


@lru_cache(maxsize=8)
def _engine(url: str, patience: float | None) -> Engine:
    """Return an engine whose transactions are real ones, on SQLite too.

    It keeps what it has compiled: who opens the store again has its statements ready.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigurationError(
            "The store's address is not a database URL. Give sqlite:///… or postgresql://…"
        ) from error
    if backend not in SUPPORTED:
        raise ConfigurationError(f"The store cannot be kept in {backend}: use SQLite or PostgreSQL.")
    # An error's text goes to task logs: it must not hold what was about to be stored (samples are raw values).
    options: dict[str, Any] = {"hide_parameters": True}
    options |= {"poolclass": NullPool} if patience is None else {"poolclass": QueuePool, "pool_size": 1}
    seconds = BUSY_SECONDS if patience is None else patience
    if backend == "postgresql":
        engine = create_engine(parsed, connect_args={"connect_timeout": max(2, round(seconds))}, **options)
        if patience is not None:  # whoever says so will not wait for a lock either
            event.listen(engine, "begin", partial(_limit_statements, seconds=patience))
        return engine
    if parsed.database in (None, "", ":memory:"):
        raise ConfigurationError("The store cannot live in memory: every task is a process of its own. Give a file.")
    file = f"file:{quote(os.path.abspath(str(parsed.database)))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(file, uri=True, timeout=seconds, check_same_thread=False)

    engine = create_engine(parsed, creator=connect, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _limit_statements(connection: Connection, *, seconds: float) -> None:
    """Let no statement of a transaction take longer; the session may be another's afterwards (a pooler's)."""
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(1000 * seconds)}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Leave transactions to us, let readers and one writer work side by side, and enforce foreign keys."""
    connection.isolation_level = None
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # The file keeps the mode. SQLite does not wait for the lock this takes: who is in the way is setting it too,
        # or is writing, and then a later connection sets it.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where the transaction will write, so that it cannot fail half-way for it."""
    reads = connection.get_execution_options().get("dataops_read")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
