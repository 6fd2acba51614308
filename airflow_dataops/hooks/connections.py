"""Looks Airflow's connections up by id, the same in a task, the api-server and the command line."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.errors import ConfigurationError

_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


def find_connection(conn_id: str) -> Any | None:
    """Return the connection, or ``None`` where no secrets backend knows that id."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    with searching_everywhere():
        try:
            return BaseHook.get_connection(conn_id)
        except AirflowNotFoundException:
            return None


@contextlib.contextmanager
def searching_everywhere() -> Iterator[None]:
    """Let lookups in this block, a hook's own too, find what is kept in Airflow's metadata database.

    A command line is neither a task nor a server, and Airflow leaves that database out of its search there; its own
    ``airflow connections`` commands do as this does. In a task nothing changes: there Airflow asks the supervisor,
    whatever the environment says.
    """
    if _CONTEXT in os.environ:
        yield
        return
    os.environ[_CONTEXT] = "server"
    try:
        yield
    finally:
        os.environ.pop(_CONTEXT, None)


def file_of(connection: Any, conn_id: str, engine: str) -> str:
    """Return the database file that a connection names.

    :param engine: ``SQLite`` or ``DuckDB``.
    :raises ConfigurationError: there is none, or Airflow's hook would open another one.
    """
    options = connection.extra_dejson
    path = str(options.get("database") or connection.host or "")
    form = f'{{"conn_type": "{connection.conn_type}", "host": "/path/to/file"}}'
    if not path or ":memory:" in path or options.get("mode") == "memory":
        said = f"its path {connection.schema!r} is where Airflow's hook does not look" if connection.schema else ""
        raise ConfigurationError(
            f"Connection {conn_id!r} opens {engine} in memory ({said or 'it names no file as host'}): what is "
            f"written there would be gone with the task. Give the file as host, in the JSON form: {form}"
        )
    if path.startswith(("md:", "motherduck:")):
        raise ConfigurationError(
            f"Connection {conn_id!r} is to MotherDuck, which is not supported: expected a DuckDB file, {form}"
        )
    if not os.path.isabs(path):
        raise ConfigurationError(
            f"Connection {conn_id!r} names the {engine} file {path!r}, which is another one for each process's "
            "directory. Give an absolute path as host."
        )
    if engine == "SQLite" and re.search(r"[?#%]", path):
        raise ConfigurationError(
            f"Connection {conn_id!r}: Airflow's hook reads '?', '#' and '%' in a SQLite path as parts of a URI "
            f"and would open another file than {path!r}. Choose a path without them."
        )
    return path
