"""The life of a dataset in MariaDB or MySQL, through Airflow's own hook and operators."""

from __future__ import annotations

import contextlib
import json

import pymysql
import pytest
from runs import Airflow
from sqlalchemy.engine import URL

from airflow_dataops.core.usage import Access


def test_stage_gate_promote_read_roll_back(airflow: Airflow, mysql_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
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

    def seen() -> tuple[tuple[object, ...], ...]:
        cursor.execute("SELECT v FROM nyc_Flights")
        return cursor.fetchall()

    with contextlib.closing(raw), raw.cursor() as cursor:
        cursor.execute("CREATE TABLE nyc_Flights AS SELECT 0 AS v")
        for v in (1, 2):
            run = airflow.run("life_on_mysql", day=v, v=v)
            assert (run.xcom("stage"), run.xcom("read")) == (f"nyc.Flights@r{v}", [[v]])
            assert seen() == ((v,),)
        refused = airflow.run("life_on_mysql", day=3, v=50)
        assert (refused.tasks["gate"], refused.tasks["promote"]) == ("failed", "upstream_failed")
        assert seen() == ((2,),)
        assert airflow.run("roll_back_on_mysql", day=4).state == "success"
        assert seen() == ((1,),)
        # A reader that begins now reads what is live; one that runs again, what it has pinned.
        assert airflow.run("life_on_mysql", day=1, v=1).xcom("read") == [[1]]
    assert airflow.states() == {
        "nyc.Flights@r4": "LIVE",
        "nyc.Flights@r3": "CANDIDATE",
        "nyc.Flights@r2": "ROLLED_BACK",
        "nyc.Flights@r1": "SUPERSEDED",
        "nyc.Flights@r0": "SUPERSEDED",
    }
    relations = {use.relation for use in airflow.store.usage.uses(access=Access.READ) if use.source == "ref"}
    assert relations == {"`nyc_Flights__r2`"}  # the one read last
