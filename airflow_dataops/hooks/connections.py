"""Looks Airflow's connections up by id, the same in a task, the api-server and the command line."""

from __future__ import annotations

from typing import Any


def find_connection(conn_id: str) -> Any | None:
    """Return the connection, or ``None`` where no secrets backend knows that id."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
