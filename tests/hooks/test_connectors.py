"""HookConnector over real Airflow connections, defined as people define them, and each refusal's words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from unittest.mock import create_autospec
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.providers.common.sql.hooks.sql import DbApiHook
from sqlalchemy.engine import URL

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, MeasureError
from airflow_dataops.core.switching import Switch
from airflow_dataops.hooks.connections import searching_everywhere
from airflow_dataops.hooks.connectors import HookConnector
from airflow_dataops.publishers import publisher_for

Define = Callable[..., HookConnector]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Define the connection ``warehouse`` in the environment and return its connector."""

    def with_value(value: str | dict[str, Any], deadline: float = 0.5) -> HookConnector:
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", text)
        return HookConnector("warehouse", deadline=deadline)

    return with_value


@pytest.fixture(params=["sqlite", "duckdb", "postgres", "mysql"])
def connector(request: pytest.FixtureRequest, define: Define, tmp_path: Path) -> HookConnector:
    if request.param == "mysql":
        return define(mysql_connection(request.getfixturevalue("mysql_url")))
    if request.param == "postgres":
        url = urlsplit(request.getfixturevalue("postgres_url"))
        host = parse_qs(url.query)["host"][0]
        return define({"conn_type": "postgres", "host": host, "login": url.username, "schema": url.path[1:]})
    return define({"conn_type": request.param, "host": str(tmp_path / f"ware house.{request.param}")})


def mysql_connection(url: URL) -> dict[str, Any]:
    place = {"host": url.host, "port": url.port, "login": url.username, "password": url.password}
    # The hook's own default is mysqlclient, which has to be compiled.
    return {"conn_type": "mysql", "schema": url.database, "extra": {"client": "mysql-connector-python"}, **place}


def test_a_session_works_and_is_closed(connector: HookConnector) -> None:
    assert connector.label == "warehouse"
    with connector.open() as db:
        assert db.dialect == connector.dialect
        db.execute("CREATE TABLE t (a INTEGER)")
        with db.transaction():
            db.execute("INSERT INTO t VALUES (?)", (1,))
    with pytest.raises((MeasureError, Exception), match=r"(?i)closed|not available"):
        db.execute("SELECT 1")
    with connector.open(read_only=True) as again:
        assert again.execute("SELECT a FROM t") == [(1,)]


def test_a_read_only_session_cannot_write(connector: HookConnector) -> None:
    with connector.open() as db:
        db.execute("CREATE TABLE t (a INTEGER)")
    with connector.open(read_only=True) as db, pytest.raises(MeasureError, match=r"(?i)read[- ]?only"):
        db.execute("INSERT INTO t VALUES (1)")


def test_a_database_that_is_not_there_yet_reads_as_empty(connector: HookConnector) -> None:
    with connector.open(read_only=True) as db:
        assert db.execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize("connector", ["sqlite", "duckdb", "postgres"], indirect=True)
def test_releases_are_published_through_it(connector: HookConnector) -> None:
    publisher = publisher_for(connector)
    for release in (1, 2):
        relation = publisher.physical("nyc.flights", release)
        publisher.build(relation, f"SELECT {release} AS v")
        order = Switch(
            dataset="nyc.flights",
            reader=publisher.reader("nyc.flights"),
            relation=relation,
            release=release,
            expect=release - 1,
            op_id=f"op {release}",
            by="tests",
            at=datetime(2013, 2, 1, tzinfo=UTC),
        )
        assert publisher.preflight(order) == ()
        assert publisher.switch(order, lambda db: None) == publisher.pointer("nyc.flights", "nyc.flights")
    with connector.open(read_only=True) as db:
        assert db.execute(f"SELECT v FROM {publisher.reader('nyc.flights').sql}") == [(2,)]


def test_a_url_defines_postgres(define: Define, postgres_url: str) -> None:
    with define(postgres_url).open() as db:
        assert db.execute("SELECT current_setting('application_name')") == [("airflow-dataops",)]


def test_no_connection_of_that_id() -> None:
    with pytest.raises(ConfigurationError, match=r"no Airflow connection 'nowhere'. Define it: .*AIRFLOW_CONN_NOWHERE"):
        _ = HookConnector("nowhere").dialect


def test_an_unsupported_database(define: Define) -> None:
    with pytest.raises(ConfigurationError, match=r"'warehouse' is of type 'oracle'.* one of .*duckdb, .*postgres"):
        _ = define("oracle://somewhere/db").dialect


@pytest.mark.parametrize(
    "value",
    [
        {"conn_type": "duckdb"},
        {"conn_type": "duckdb", "host": ":memory:"},
        {"conn_type": "sqlite", "host": ":memory:"},
        {"conn_type": "sqlite", "host": "/tmp/x", "extra": {"mode": "memory"}},
        "sqlite://",
    ],
)
def test_memory_is_refused(define: Define, value: str | dict[str, Any]) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"'warehouse' opens \w+ in memory .* JSON form: {\"conn_type\": "),
        define(value).open(),
    ):
        pass


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_path_where_the_hook_does_not_look_is_refused(define: Define, kind: str) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"its path '/tmp/file' is where Airflow's hook does not look"),
        define(f"{kind}:////tmp/file").open(),
    ):
        pass


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"conn_type": "duckdb", "host": "md:flights"}, "is to MotherDuck, which is not supported"),
        ({"conn_type": "duckdb", "host": "flights.duckdb"}, "Give an absolute path as host"),
        ({"conn_type": "sqlite", "host": "/tmp/what?.sqlite"}, "would open another file than '/tmp/what?.sqlite'"),
    ],
)
def test_other_paths_that_are_refused(define: Define, value: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught, define(value).open():
        pass
    assert words in str(caught.value)


def test_a_command_line_searches_the_metadata_database_and_a_server_or_parser_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    with searching_everywhere():
        assert os.environ["_AIRFLOW_PROCESS_CONTEXT"] == "server"
    assert "_AIRFLOW_PROCESS_CONTEXT" not in os.environ
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    with searching_everywhere():
        assert os.environ["_AIRFLOW_PROCESS_CONTEXT"] == "client"


def test_a_missing_provider_is_named_by_its_extra(define: Define, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing real stands for a package that is not installed, but the import system itself.
    monkeypatch.setitem(sys.modules, "airflow.providers.duckdb.hooks.duckdb", None)
    with (
        pytest.raises(ConfigurationError, match=r"pip install 'airflow-dataops\[duckdb\]'"),
        define({"conn_type": "duckdb", "host": "/tmp/x.duckdb"}).open(),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "provider"),
    [
        ("databricks", "databricks"),
        ("gcpbigquery", "google"),
        ("redshift", "amazon"),
        ("snowflake", "snowflake"),
        ("trino", "trino"),
    ],
)
def test_a_warehouses_missing_provider_is_named(
    define: Define, monkeypatch: pytest.MonkeyPatch, kind: str, provider: str
) -> None:
    monkeypatch.setitem(sys.modules, f"airflow.providers.{provider}", None)
    with (
        pytest.raises(ConfigurationError, match=rf"pip install apache-airflow-providers-{provider}\."),
        define({"conn_type": kind, "host": "somewhere"}).open(),
    ):
        pass


def test_bigquery_is_asked_in_its_own_sql(define: Define) -> None:
    connector = define({"conn_type": "gcpbigquery"})
    hook = create_autospec(DbApiHook, instance=True)
    with mock.patch("airflow.sdk.Connection.get_hook", autospec=True, return_value=hook) as get_hook:
        with connector.open(read_only=True) as db:
            assert db.dialect == "bigquery"
        assert get_hook.call_args.kwargs == {"hook_params": {"use_legacy_sql": False}}
    hook.get_conn.return_value.close.assert_called_once_with()


def test_no_release_can_live_where_there_is_no_publisher(define: Define) -> None:
    with pytest.raises(ConfigurationError, match="is a trino database, where releases cannot be published"):
        publisher_for(define({"conn_type": "trino", "host": "somewhere"}))


def test_a_server_that_is_not_there_can_be_tried_again(define: Define, tmp_path: Path) -> None:
    connector = define({"conn_type": "postgres", "host": str(tmp_path), "login": "ada", "password": "s3cr3t-word"})
    with pytest.raises(MeasureError) as caught, connector.open():
        pass
    assert caught.value.retryable
    assert "s3cr3t-word" not in str(caught.value)


def test_a_duckdb_file_in_another_process_names_the_holder(define: Define, tmp_path: Path) -> None:
    path = tmp_path / "held.duckdb"
    connector = define({"conn_type": "duckdb", "host": str(path)})
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(LockTimeout, match=rf"held.duckdb .* held by the process with PID {holder.pid} for 0.5 s"):
            connector.open().__enter__()
    finally:
        holder.communicate("\n", timeout=30)
    with connector.open() as db:
        assert db.execute("SELECT 1") == [(1,)]


def test_two_modes_in_one_process_wait_for_each_other(define: Define, tmp_path: Path) -> None:
    connector = define({"conn_type": "duckdb", "host": str(tmp_path / "x.duckdb")})
    with (
        connector.open(),
        pytest.raises(LockTimeout, match="by another session"),
        connector.open(read_only=True),
    ):
        pass


def test_threads_that_open_and_close_one_file_do_not_trip_over_each_other(define: Define, tmp_path: Path) -> None:
    connector = define({"conn_type": "duckdb", "host": str(tmp_path / "x.duckdb")}, deadline=30)
    assert connector.dialect == "duckdb"

    def often(_: int) -> int:
        for _ in range(10):
            with connector.open() as db:
                db.execute("SELECT 1")
        return 10

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(often, range(4))) == 40


def test_importing_it_loads_no_engine() -> None:
    code = (
        "import sys, airflow_dataops.hooks.connectors, airflow_dataops.publishers;"
        "print([m for m in ('duckdb', 'sqlglot', 'pandas', 'great_expectations', 'airflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("conn_id", ["a\nb", "", "x'; DROP TABLE y", "nyc.flights\u202e", 7])
def test_what_no_connection_can_be_called_is_refused_in_one_line(conn_id: object) -> None:
    with pytest.raises(ConfigurationError, match="which no connection is called") as refused:
        _ = HookConnector(conn_id).dialect  # type: ignore[arg-type]
    assert str(refused.value).isprintable()
