"""validate() over what people hold: URLs, SQLAlchemy engines, Airflow's hooks."""

from __future__ import annotations

import contextlib
import sqlite3

import duckdb
import pytest
from sqlalchemy import create_engine, text

from airflow_dataops import validate

ONE_ROW = [{"type": "table_row_count_to_equal", "value": 1}]


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_a_url_of_postgresql(postgres_url, driver):
    url = postgres_url.replace("postgresql", driver, 1)
    engine = create_engine(postgres_url.replace("postgresql", "postgresql+psycopg", 1))
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA shop"))
        connection.execute(text("CREATE TABLE shop.orders AS SELECT 1 AS id"))
    engine.dispose()
    assert validate("shop.orders", ONE_ROW, connection=url).passed
    assert validate("SELECT * FROM shop.orders", ONE_ROW, connection=url).passed


def test_a_url_of_a_file(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id")
    with contextlib.closing(duckdb.connect(str(tmp_path / "w.duckdb"))) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id")
    assert validate("orders", ONE_ROW, connection=f"sqlite:///{tmp_path}/w.db").passed
    assert validate("orders", ONE_ROW, connection=f"duckdb:///{tmp_path}/w.duckdb").passed


def test_an_engine_gets_its_connection_back_as_it_was(postgres_url):
    engine = create_engine(postgres_url.replace("postgresql", "postgresql+psycopg", 1), pool_size=1, max_overflow=0)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders AS SELECT 1 AS id"))
    assert validate("orders", ONE_ROW, connection=engine).passed
    with engine.connect() as connection:  # in a transaction again, not in autocommit
        connection.execute(text("DELETE FROM orders"))
        connection.rollback()
    assert validate("orders", ONE_ROW, connection=engine).passed
    engine.dispose()


def test_a_database_in_memory_stays(tmp_path):
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders AS SELECT 1 AS id"))
    assert validate("orders", ONE_ROW, connection=engine).passed
    assert validate("orders", ONE_ROW, connection=engine).passed
    engine.dispose()


def test_a_hook_is_known_by_its_methods(tmp_path):
    path = tmp_path / "w.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id")

    class Hook:
        dialect_name = "sqlite"

        def get_conn(self):
            return sqlite3.connect(path)

    assert validate("orders", ONE_ROW, connection=Hook()).passed
