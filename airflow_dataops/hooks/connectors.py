"""An Airflow connection as the port ``Connector``: the one door through which releases reach their database."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, LockTimeout
from airflow_dataops.core.harvest import OWN
from airflow_dataops.core.ports import Database
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.drivers import driver_of
from airflow_dataops.hooks.connections import file_of, find_connection, searching_everywhere
from airflow_dataops.hooks.spark import connect_spark

# Airflow's types of connections; only what a test covers.
CONNECTION_TYPES = frozenset(
    {
        "databricks",
        "duckdb",
        "gcpbigquery",
        "mysql",
        "postgres",
        "redshift",
        "snowflake",
        "spark",
        "spark_connect",
        "sqlite",
        "trino",
    }
)
# Where there is no extra of ours: nothing there is run by our tests.
_PROVIDERS = {
    "bigquery": "apache-airflow-providers-google",
    "databricks": "apache-airflow-providers-databricks",
    "redshift": "apache-airflow-providers-amazon",
    "snowflake": "apache-airflow-providers-snowflake",
    "trino": "apache-airflow-providers-trino",
}
ICEBERG = "iceberg"
_FILES = {"duckdb": "DuckDB", "sqlite": "SQLite"}
# What Airflow itself lets a connection be called.
_CONN_ID = re.compile(r"[\w#!()\-.:/\\]{1,250}")
_PID = re.compile(r"\(PID (\d+)\)")
_NAME_US = (
    f"SELECT set_config('application_name', coalesce(nullif(current_setting('application_name'), ''), '{OWN}'), false)"
)


def connection_of(conn_id: str) -> Any:
    """Return the Airflow connection.

    :raises ConfigurationError: there is none; says how to define it.
    """
    if not isinstance(conn_id, str) or not _CONN_ID.fullmatch(conn_id):
        shown = repr(conn_id[:80]) if isinstance(conn_id, str) else f"a {type(conn_id).__name__}"
        raise ConfigurationError(
            f"conn_id is {shown}, which no connection is called: expected letters, digits and '_-.:/#!()'. Give "
            "the id of an Airflow connection."
        )
    connection = find_connection(conn_id)
    if connection is None:
        raise ConfigurationError(
            f"There is no Airflow connection {conn_id!r}. Define it: in the UI under Admin, Connections; by "
            f"`airflow connections add {conn_id} --conn-json '{{…}}'`; or in the environment as "
            f"AIRFLOW_CONN_{conn_id.upper()}."
        )
    return connection


class HookConnector:
    """Opens sessions of one database through Airflow's own hook for it.

    :param conn_id: the Airflow connection's id; looked up at first need, not here.
    :param deadline: seconds to wait while another process holds a database file.
    """

    def __init__(self, conn_id: str, *, deadline: float = 60.0) -> None:
        self.label = conn_id
        self._deadline = deadline

    @cached_property
    def _connection(self) -> Any:
        return connection_of(self.label)

    @cached_property
    def dialect(self) -> str:
        """The database's SQL dialect.

        :raises ConfigurationError: no such connection, or to a database that is not supported.
        """
        kind = self._connection.conn_type
        if kind == ICEBERG:
            raise ConfigurationError(
                f"Connection {self.label!r} is an Iceberg catalogue, where releases are tags of tables: give "
                "publisher='iceberg' to the stage of a dataset there."
            )
        if kind not in CONNECTION_TYPES:
            raise ConfigurationError(
                f"Connection {self.label!r} is of type {kind!r}, which is not supported: expected one of "
                f"{', '.join(sorted(CONNECTION_TYPES))}. Use a connection to one of these; for releases that are "
                "folders, in a file system or an object storage, give publisher='files'."
            )
        return driver_of(kind).dialect

    def require(self) -> None:
        """Raise where the connection names a database file that is not on this machine: opened, it would be made.

        :raises ConfigurationError: names the file.
        """
        if self.dialect in _FILES:
            path = file_of(self._connection, self.label, _FILES[self.dialect])
            if not os.path.exists(path):
                raise ConfigurationError(
                    f"Connection {self.label!r} names the {_FILES[self.dialect]} file {path}, which is not on this "
                    "machine. Do this where the file is, or correct the connection."
                )

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Database]:
        """Open a session for a block and close it; waits with jitter while another process holds the file.

        :raises ConfigurationError: no such connection, an unsupported database, one that lives in this process's
            memory only, or its provider is not installed.
        :raises MeasureError: the database cannot be reached.
        :raises LockTimeout: the file stayed locked; names the holder where DuckDB does.
        """
        raw = self._connect(read_only)
        with contextlib.ExitStack() as stack:
            stack.callback(driver_of(self.dialect).close, raw)
            session = DbApiSession(raw, self.dialect, another=lambda: self._connect(read_only))
            if self.dialect == "postgres":
                session.execute(_NAME_US)
            if read_only:
                session.reads_only()
            yield session

    def _connect(self, read_only: bool) -> Any:
        path = file_of(self._connection, self.label, _FILES[self.dialect]) if self.dialect in _FILES else None
        parameters: dict[str, Any] = {}
        # What is not there yet reads as empty, on every database.
        if self.dialect == "duckdb" and read_only and path and os.path.exists(path):
            parameters["read_only"] = True
        connect = self._connecting(parameters)
        end = time.monotonic() + self._deadline
        pause = 0.01
        while True:
            try:
                with searching_everywhere():  # a hook looks the connection up again
                    return connect()
            except Exception as error:
                raised = driver_of(self.dialect).understood(error)
                if raised is None:
                    raise
                wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
                if not _held(raised):
                    raise raised from error
                if time.monotonic() + wait >= end:
                    raise self._still_held(raised, path) from error
            time.sleep(wait)
            pause = min(pause * 1.5, 0.5)

    def _connecting(self, parameters: dict[str, Any]) -> Callable[[], Any]:
        """Return what connects: Airflow's hook for the connection, and our own for Spark, which has no DB-API."""
        if self.dialect == "spark":
            return lambda: connect_spark(self._connection, self.label)
        try:
            return self._hook(parameters).get_conn  # type: ignore[no-any-return]
        except Exception as error:
            from airflow.exceptions import AirflowException  # type: ignore[attr-defined]  # a re-export

            if not isinstance(error, AirflowException | ImportError):
                raise
            provider = _PROVIDERS.get(self.dialect, f"'airflow-dataops[{self.dialect}]'")
            raise ConfigurationError(
                f"Connection {self.label!r} needs Airflow's provider for {self.dialect}, which is not installed: "
                f"pip install {provider}."
            ) from error

    def _hook(self, parameters: dict[str, Any]) -> Any:
        if self.dialect == "databricks":  # a connection of that type stands for the hook of its jobs and clusters
            module = importlib.import_module("airflow.providers.databricks.hooks.databricks_sql")
            return module.DatabricksSqlHook(databricks_conn_id=self.label)
        if self.dialect == "bigquery":
            parameters["use_legacy_sql"] = False
        return self._connection.get_hook(hook_params=parameters)

    def _still_held(self, error: DataOpsError, path: str | None) -> LockTimeout:
        holder = _PID.search(str(error))
        who = f"by the process with PID {holder[1]}" if holder else "by another session"
        return LockTimeout(
            f"{path} (connection {self.label!r}) was held {who} for {self._deadline:g} s. A DuckDB file that one "
            "process writes cannot be opened by another. Let that process finish or end it, and run this again."
        )


def _held(error: DataOpsError) -> bool:
    """Return whether another process has the file, or a session of this one in another mode or just closing it."""
    in_this_process = ("with a different configuration", "Unique file handle conflict")
    return isinstance(error, LockTimeout) or any(words in str(error) for words in in_this_process)
