"""Sessions from what people hold: a database URL, a SQLAlchemy engine, an Airflow hook (known by its methods)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines.dbapi import DIALECTS, DbApiSession

_NAMES = {"postgresql": "postgres", "postgres": "postgres", "sqlite": "sqlite", "duckdb": "duckdb"}


def dialect_of(name: str) -> str:
    """Return our name of a database that SQLAlchemy or Airflow calls ``name``.

    :raises ConfigurationError: it is not one of those that are tested.
    """
    dialect = _NAMES.get(name.partition("+")[0])
    if dialect is None:
        raise ConfigurationError(f"Database {name!r} is not supported: expected one of {', '.join(DIALECTS)}.")
    return dialect


@contextlib.contextmanager
def from_url(url: str) -> Iterator[DbApiSession]:
    """Open the database at ``url`` (``postgresql://…``, ``sqlite:///file``, ``duckdb:///file``) and close it."""
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
        with contextlib.closing(duckdb.connect(parsed.database, read_only=True)) as connection:
            yield DbApiSession(connection, "duckdb")
        return
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed)
    try:
        with from_engine(engine) as session:
            yield session
    finally:
        engine.dispose()


@contextlib.contextmanager
def from_engine(engine: Any) -> Iterator[DbApiSession]:
    """Borrow a connection of a SQLAlchemy engine's pool and give it back as it came."""
    dialect = dialect_of(engine.dialect.name)
    borrowed = engine.raw_connection()
    try:
        session = DbApiSession(borrowed.driver_connection, dialect)
        try:
            yield session
        finally:
            session.release()
    finally:
        borrowed.close()


@contextlib.contextmanager
def from_hook(hook: Any) -> Iterator[DbApiSession]:
    """Open a connection of an Airflow DB-API hook and close it."""
    session = DbApiSession(hook.get_conn(), dialect_of(hook.dialect_name))
    try:
        yield session
    finally:
        session.close()
