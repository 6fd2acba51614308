"""Sessions from what people hold: a database URL, a SQLAlchemy engine, an Airflow hook (known by its methods)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.drivers import driver_names, driver_of

# The driver for a URL that names none: one that installs everywhere.
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_DRIVERS |= {"mariadb": "mysql+pymysql"}


def dialect_of(name: str) -> str:
    """Return our name of a database that SQLAlchemy or Airflow calls ``name``.

    :raises ConfigurationError: it is not one of those that are known.
    """
    return driver_of(name.partition("+")[0]).dialect


@contextlib.contextmanager
def from_url(url: str) -> Iterator[DbApiSession]:
    """Open the database at ``url`` (``postgresql://…``, ``mysql://…``, ``duckdb:///file``, …) and close it."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("connection is text, but no database URL such as postgresql://host/name.") from None
    if dialect_of(parsed.drivername) == "duckdb":
        import duckdb

        if not parsed.database or parsed.database == ":memory:":
            raise ConfigurationError("A DuckDB URL names a file, as in duckdb:////data/warehouse.duckdb.")
        with driver_of("duckdb").understanding():
            connection = duckdb.connect(parsed.database, read_only=True)
        with contextlib.closing(connection):
            yield DbApiSession(connection, "duckdb")
        return
    if parsed.drivername in _DRIVERS:
        parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        _there(str(parsed.database))
    engine = create_engine(parsed)
    try:
        with from_engine(engine) as session:
            yield session
    finally:
        engine.dispose()


def _there(path: str) -> None:
    """Refuse a file that is not there: SQLite would make an empty one of a slip of the pen."""
    if not path.startswith("file:") and not Path(path).exists():
        raise ConfigurationError(f"There is no SQLite file {path}.")


@contextlib.contextmanager
def from_engine(engine: Any) -> Iterator[DbApiSession]:
    """Borrow a connection of a SQLAlchemy engine's pool and give it back as it came."""
    dialect = dialect_of(engine.dialect.name)
    with driver_of(dialect).understanding():
        borrowed = engine.raw_connection()
    try:
        session = DbApiSession(borrowed.driver_connection, dialect, another=lambda: _beside(engine))
        try:
            yield session
        finally:
            session.release()
    finally:
        borrowed.close()


def _beside(engine: Any) -> Any:
    """Return a new raw connection that is none of the engine's pool, all of which may be in use."""
    pooled = engine.pool.recreate().connect()
    connection = pooled.driver_connection
    pooled.detach()
    return connection


@contextlib.contextmanager
def from_hook(hook: Any) -> Iterator[DbApiSession]:
    """Open a connection of an Airflow DB-API hook and close it."""
    # Where SQLAlchemy does not know the warehouse, the hook's name of its dialect is "default".
    kind = getattr(hook, "conn_type", None)
    dialect = driver_of(kind).dialect if kind in driver_names() else dialect_of(hook.dialect_name)
    session = DbApiSession(hook.get_conn(), dialect, another=hook.get_conn)
    try:
        yield session
    finally:
        session.close()
