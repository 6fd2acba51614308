"""One small table in every database: what an engine must say of it is the same everywhere."""

from __future__ import annotations

import contextlib
import importlib.util
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import psycopg
import psycopg2
import pytest
from sqlalchemy.engine import URL

from airflow_dataops.engines.dbapi import DbApiSession

# mysqlclient has to be compiled: it is tested where it is installed.
MYSQL = ("pymysql", "mysql-connector", *(("mysqlclient",) if importlib.util.find_spec("MySQLdb") else ()))
DRIVERS = ("sqlite", "duckdb", "psycopg", "psycopg2", *MYSQL)
# All that changes what SQL means, on one of the two; the other has only what the tests' own SQL needs.
_MODES = {"pymysql": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES,NO_ZERO_DATE"}


def _connect(driver: str, url: str) -> DbApiSession:
    if driver == "psycopg":
        return DbApiSession(psycopg.connect(url), "postgres")
    return DbApiSession(psycopg2.connect(url), "postgres")


def connect_mysql(driver: str, url: URL, **options: Any) -> Any:
    """Return a raw connection of one of MySQL's drivers."""
    module = importlib.import_module(
        {"mysql-connector": "mysql.connector", "mysqlclient": "MySQLdb"}.get(driver, driver)
    )
    place = {"host": url.host, "port": url.port or 3306, "user": url.username, "database": url.database}
    return module.connect(**place, password=url.password or "", **options)


def _mysql_session(driver: str, url: URL) -> DbApiSession:
    session = DbApiSession(connect_mysql(driver, url), "mysql", another=lambda: connect_mysql(driver, url))
    session.execute(f"SET sql_mode = '{_MODES.get(driver, 'ANSI_QUOTES,STRICT_TRANS_TABLES')}'")
    return session


@pytest.fixture(params=DRIVERS)
def connect(request: pytest.FixtureRequest, tmp_path) -> Callable[[], DbApiSession]:
    """Return what opens one more session of the same, empty database."""
    if request.param == "sqlite":
        return lambda: DbApiSession(sqlite3.connect(tmp_path / "w.db", timeout=0.1, check_same_thread=False), "sqlite")
    if request.param == "duckdb":
        return lambda: DbApiSession(duckdb.connect(str(tmp_path / "w.duckdb")), "duckdb")
    if request.param in MYSQL:
        place = request.getfixturevalue("mysql_url")
        return lambda: _mysql_session(request.param, place)
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
    nan = None if db.dialect in ("sqlite", "mysql") else float("nan")  # neither can keep one
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
