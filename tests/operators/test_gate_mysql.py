"""A gate reaches MariaDB or MySQL through Airflow's own hook."""

from __future__ import annotations

import contextlib
import json

import pymysql
import pytest
from runs import Airflow
from sqlalchemy.engine import URL


def test_a_gate_on_a_table_in_mysql(airflow: Airflow, mysql_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"host": mysql_url.host, "port": mysql_url.port or 3306}
    connection = {"conn_type": "mysql", "schema": mysql_url.database, "extra": {"client": "mysql-connector-python"}}
    login = {"login": mysql_url.username, "password": mysql_url.password}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(connection | place | login))
    raw = pymysql.connect(
        user=mysql_url.username,
        password=mysql_url.password or "",
        database=mysql_url.database,
        autocommit=True,
        **place,
    )
    with contextlib.closing(raw), raw.cursor() as cursor:
        cursor.execute("CREATE TABLE landed (v INT, name VARCHAR(10))")
        cursor.execute("INSERT INTO landed VALUES (1, 'ann'), (2, 'Ann'), (3, 'bob')")
        assert airflow.run("on_mysql").tasks == {"gate": "success"}
        cursor.execute("UPDATE landed SET name = 'ANN' WHERE v = 2")
        assert airflow.run("on_mysql").tasks == {"gate": "failed"}
    (gate,) = airflow.store.gates.of(limit=1)
    assert (str(gate.result.verdict), gate.result.row_count, gate.result.source) == ("FAIL", 3, "table landed")
    assert [result.unexpected_count for result in gate.result.not_held] == [1]
    assert airflow.run("on_mysql", table="lost").tasks == {"gate": "failed"}
    assert airflow.store.gates.of(limit=1)[0].result.results[0].message.endswith("there is no table lost")
