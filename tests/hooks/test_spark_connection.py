"""Airflow's fields of a connection to Spark, as the address that Spark reads."""

from __future__ import annotations

import pytest
from airflow.models.connection import Connection

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.spark import connect_spark, connect_url


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "spark.example"}, "sc://spark.example:15002/"),
        ({"host": "sc://spark.example/", "port": 443}, "sc://spark.example:443/"),
        ({"host": "spark.example:7000", "login": "ann"}, "sc://spark.example:7000/;user_id=ann"),
        (
            {"host": "h", "password": "to;ken", "extra": '{"use_ssl": true}'},
            "sc://h:15002/;token=to%3Bken;use_ssl=true",
        ),
    ],
)
def test_the_address_of_a_connect_server(fields, url):
    assert connect_url(Connection(conn_type="spark_connect", **fields)) == url


def test_a_connection_without_a_cluster_is_refused():
    with pytest.raises(ConfigurationError, match="names no cluster"):
        connect_spark(Connection(conn_type="spark"), "cluster")
