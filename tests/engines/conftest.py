"""One small table in every database: what an engine must say of it is the same everywhere."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator

import duckdb
import psycopg
import psycopg2
import pytest

from airflow_dataops.engines.dbapi import DbApiSession

DRIVERS = ("sqlite", "duckdb", "psycopg", "psycopg2")


def _connect(driver: str, url: str) -> DbApiSession:
    if driver == "psycopg":
        return DbApiSession(psycopg.connect(url), "postgres")
    return DbApiSession(psycopg2.connect(url), "postgres")


@pytest.fixture(params=DRIVERS)
def connect(request: pytest.FixtureRequest, tmp_path) -> Callable[[], DbApiSession]:
    """Return what opens one more session of the same, empty database."""
    if request.param == "sqlite":
        return lambda: DbApiSession(sqlite3.connect(tmp_path / "w.db", timeout=0.1, check_same_thread=False), "sqlite")
    if request.param == "duckdb":
        return lambda: DbApiSession(duckdb.connect(str(tmp_path / "w.duckdb")), "duckdb")
    url = request.getfixturevalue("postgres_url")
    return lambda: _connect(request.param, url)


@pytest.fixture
def db(connect) -> Iterator[DbApiSession]:
    """Yield a session of an empty database."""
    with contextlib.closing(connect()) as session:
        yield session


@pytest.fixture
def orders(db: DbApiSession) -> DbApiSession:
    """Yield a session in which there is a table ``orders`` with nulls, NaN, repeats and odd names."""
    db.execute(
        "CREATE TABLE orders (id INTEGER, customer TEXT, amount DOUBLE PRECISION, paid DOUBLE PRECISION, day DATE,"
        ' "odd "" name; --" INTEGER)'
    )
    nan = None if db.dialect == "sqlite" else float("nan")
    rows = [
        (1, "ann", 10.0, 10.0, "2013-01-01", 1),
        (2, "bob", 20.5, 20.0, "2013-01-02", 2),
        (3, "cyd", None, 5.0, "2013-01-03", None),
        (3, "cyd", nan, 5.0, "2013-01-03", 4),
        (None, None, 500.0, None, None, 5),
        (6, "eve\n", -1.0, 0.0, "2013-02-01", 6),
    ]
    for row in rows:
        db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", row)
    return db
