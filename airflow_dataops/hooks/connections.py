"""Looks Airflow's connections up by id, the same in a task, the api-server and the command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"


def find_connection(conn_id: str) -> Any | None:
    """Return the connection, or ``None`` where no secrets backend knows that id."""
    connection = _lookup(conn_id)
    if connection is None and _CONTEXT not in os.environ:
        # A command line is neither a task nor a server, and Airflow leaves the metadata database out of its search.
        # In a task this changes nothing: there Airflow asks the supervisor, whatever the environment says.
        with _as_server():
            return _lookup(conn_id)
    return connection


def _lookup(conn_id: str) -> Any | None:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


@contextlib.contextmanager
def _as_server() -> Iterator[None]:
    """Search as Airflow's own ``airflow connections`` commands do, for one lookup."""
    os.environ[_CONTEXT] = "server"
    try:
        yield
    finally:
        os.environ.pop(_CONTEXT, None)
