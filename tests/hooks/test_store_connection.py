"""Where the store is: the connection dataops_default, else a SQLite file; and when that is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import make_url

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.store import open_store, store_url


def define(monkeypatch: pytest.MonkeyPatch, **connection: object) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps(connection))


def test_without_a_connection_it_is_a_file_in_airflows_home() -> None:
    url, default = store_url()
    assert default
    assert url.startswith("sqlite:////")
    assert url.endswith("/dataops.db")


@pytest.mark.parametrize("executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor", "a.b.EcsExecutor"])
def test_the_default_is_refused_where_tasks_run_on_several_hosts(
    monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    with pytest.raises(ConfigurationError, match=r"tasks run on several hosts.*Define the connection dataops_default"):
        store_url()


def test_the_default_is_refused_where_a_secrets_backend_may_just_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "airflow.secrets.local_filesystem.LocalFilesystemBackend")
    with pytest.raises(ConfigurationError, match="has no connection dataops_default, or is away just now"):
        store_url()


def test_a_sqlite_file_is_used_as_it_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    define(monkeypatch, conn_type="sqlite", host=f"{tmp_path}/store.db")
    assert store_url() == (f"sqlite:///{tmp_path}/store.db", False)


def test_a_host_that_is_a_sockets_folder_is_no_part_of_the_databases_name(monkeypatch: pytest.MonkeyPatch) -> None:
    define(monkeypatch, conn_type="postgres", host="/run/postgresql", login="me", schema="dataops")
    url = make_url(store_url()[0])
    assert (url.host, url.database, url.query["host"]) == (None, "dataops", "/run/postgresql")


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({"conn_type": "sqlite"}, "in memory.*Give the file as host"),
        ({"conn_type": "sqlite", "host": "store.db"}, "Give an absolute path as host"),
        ({"conn_type": "mysql", "host": "h"}, "is of type 'mysql': the store is kept in SQLite or PostgreSQL"),
    ],
)
def test_other_connections_are_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], said: str
) -> None:
    define(monkeypatch, **connection)
    with pytest.raises(ConfigurationError, match=said):
        open_store()


def test_postgresql_keeps_its_password_and_its_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    define(
        monkeypatch,
        conn_type="postgres",
        host="h",
        login="u",
        password="p@ss/word",
        schema="d",
        port=5433,
        extra={"sslmode": "verify-full", "sslrootcert": "ca.pem", "cursor": "dictcursor"},
    )
    url, default = store_url()
    assert not default
    assert url.startswith("postgresql+psycopg://u:p%40ss%2Fword@h:5433/d?")
    assert "sslmode=verify-full" in url
    assert "sslrootcert=ca.pem" in url
    assert "cursor" not in url
