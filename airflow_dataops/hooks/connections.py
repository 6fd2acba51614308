"""Looks Airflow's connections up by id, the same in a task, the api-server and the command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

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
