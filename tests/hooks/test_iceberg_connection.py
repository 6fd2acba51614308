"""Airflow's connections to Iceberg catalogues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_dataops.core.errors import ConfigurationError, DataOpsError
from airflow_dataops.core.relations import Relation
from airflow_dataops.hooks.connectors import HookConnector
from airflow_dataops.hooks.iceberg import IcebergConnector
from airflow_dataops.hooks.targets import connector_of


def defined(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> IcebergConnector:
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps({"conn_type": "iceberg", **fields}))
    return IcebergConnector("lake")


def test_a_sql_catalogue_is_opened_by_its_uri_and_properties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"type": "sql", "warehouse": f"file://{tmp_path}"}
    connector = defined(monkeypatch, host=f"sqlite:///{tmp_path}/catalogue.db", extra=extra)
    with connector.catalogue() as catalogue:
        assert catalogue.table(Relation(schema="nyc", name="flights")) is None
    with connector.open() as db:
        assert db.execute("SELECT 1") == [(1,)]
        assert db.columns(Relation(schema="nyc", name="flights")) == []


def test_without_a_type_it_is_a_rest_catalogue_and_login_and_password_are_its_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = {"oauth2-server-uri": "http://127.0.0.1:1/tokens"}
    extra = {"name": "prod", **tokens}
    connector = defined(monkeypatch, host="http://127.0.0.1:1/", login="ada", password="s3cret", extra=extra)
    assert connector._properties() == (
        "prod",
        {"type": "rest", "uri": "http://127.0.0.1:1/", "credential": "ada:s3cret", **tokens},
    )
    with pytest.raises(DataOpsError, match=r"Iceberg catalogue 'lake': ConnectionError") as raised, connector.open():
        pass
    assert raised.value.retryable
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"conn_type": "sqlite", "host": "/x"},
            r"of type 'sqlite', and publisher='iceberg' needs one of type 'iceberg'",
        ),
        ({"extra": {"type": "sql"}}, r"cannot be opened as an Iceberg catalogue: .*URI.* Check its host and extra"),
        ({"extra": {"type": "sqlite"}}, r"cannot be opened as an Iceberg catalogue: .* Check its host and extra"),
    ],
)
def test_what_is_no_catalogue_is_refused(monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], said: str) -> None:
    connector = defined(monkeypatch, **fields)
    with pytest.raises(ConfigurationError, match=said), connector.open():
        pass


def test_another_publisher_is_told_which_one_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    defined(monkeypatch, extra={"type": "sql"})
    assert isinstance(connector_of("lake", "iceberg"), IcebergConnector)
    with pytest.raises(ConfigurationError, match=r"is an Iceberg catalogue.* give publisher='iceberg'"):
        _ = HookConnector("lake").dialect
