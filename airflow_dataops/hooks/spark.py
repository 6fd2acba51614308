"""Airflow's connections to Spark: of type ``spark_connect`` to a server, of type ``spark`` to a master."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.engines.drivers.spark import SparkConnection

_PORT = 15002
_MARK = "SPARK_CONNECT_MODE_ENABLED"
_PATIENCE = 10.0  # seconds


def connect_spark(connection: Any, label: str) -> SparkConnection:
    """Return a session of the cluster; one that this process has already is used, and left to its owner.

    :raises ConfigurationError: Spark is not installed, or the connection names no cluster.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigurationError(
            f"Connection {label!r} needs Spark, which is not installed: pip install 'airflow-dataops[spark]'."
        ) from error
    if not connection.host:
        raise ConfigurationError(
            f"Connection {label!r} names no cluster: give the server (spark_connect) or the master (spark) as host."
        )
    if connection.conn_type == "spark_connect":
        _reachable(connect_url(connection), label)
        with _unmarked():
            return SparkConnection(SparkSession.builder.remote(connect_url(connection)).create(), owned=True)
    active = SparkSession.getActiveSession()
    if active is not None:
        return SparkConnection(active)
    port = f":{connection.port}" if connection.port else ""
    builder = SparkSession.builder.master(f"{connection.host}{port}").appName("airflow-dataops")
    return SparkConnection(builder.getOrCreate(), owned=True)


@contextlib.contextmanager
def _unmarked() -> Iterator[None]:
    """Leave no mark in the environment: by Connect's, all that this process asks of Spark later would be remote."""
    before = os.environ.get(_MARK)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_MARK, None)


def _reachable(url: str, label: str) -> None:
    """Say at once that nobody answers: Spark's client would try for ten minutes before it does.

    :raises MeasureError: nobody does; that may change.
    """
    place = urlsplit(url)
    try:
        socket.create_connection((place.hostname, place.port), timeout=_PATIENCE).close()
    except OSError as error:
        raise MeasureError(
            f"Spark: nobody answers at {place.netloc} (connection {label!r}): {error.strerror or error}", retryable=True
        ) from error


def connect_url(connection: Any) -> str:
    """Return the address of a Spark Connect server, in the fields of Airflow's own form for it."""
    host = str(connection.host).removeprefix("sc://").rstrip("/")
    server = host if ":" in host else f"{host}:{connection.port or _PORT}"
    secure = connection.extra_dejson.get("use_ssl")
    options = {
        "user_id": connection.login,
        "token": connection.password,
        "use_ssl": None if secure is None else str(secure).lower(),
    }
    told = "".join(f"{name}={quote(value, safe='')};" for name, value in options.items() if value)
    return f"sc://{server}/;{told}".rstrip(";")
