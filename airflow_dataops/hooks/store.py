"""The store as Airflow names it: the connection ``dataops_default``, else a SQLite file in AIRFLOW_HOME."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

CONN_ID = "dataops_default"
DEFAULT_FILE = "dataops.db"
PATIENCE = 2.0
"""Seconds that a task's start or end waits for the store."""
_LIBPQ = ("host", "options", "target_session_attrs", "channel_binding", "gssencmode")
# Executors whose tasks share one file system; elsewhere the SQLite file would be another one on each host.
ONE_HOST = ("LocalExecutor", "SequentialExecutor")


def open_store(*, patience: float | None = None) -> Store:
    """Open the store; the SQLite default is made on first use.

    :param patience: as :class:`airflow_dataops.stores.store.Store` has it.
    :raises ConfigurationError: the SQLite default under an executor that runs on several hosts.
    :raises SchemaVersionError: its schema is missing, older or newer; says what to run.
    :raises StoreUnavailable: it cannot be reached.
    """
    from airflow_dataops.stores.store import Store

    url, default = store_url()
    return Store.open(url, create=default, patience=patience)


@contextmanager
def brief_store() -> Iterator[Store]:
    """Open the store at a task's start or end, which may not wait for it; one connection does all of it.

    :raises ConfigurationError, SchemaVersionError, StoreUnavailable: as :func:`open_store` does.
    """
    store = open_store(patience=PATIENCE)
    try:
        yield store
    finally:
        store.close()


def store_url() -> tuple[str, bool]:
    """Return the store's SQLAlchemy URL, and whether it is the SQLite default."""
    from airflow_dataops.hooks.connections import file_of, find_connection

    connection = find_connection(CONN_ID)
    if connection is None:
        return _default_url(), True
    if connection.conn_type == "sqlite":
        return f"sqlite:///{file_of(connection, CONN_ID, 'SQLite')}", False
    if connection.conn_type in ("postgres", "postgresql"):
        return _postgres_url(connection), False
    raise ConfigurationError(
        f"Connection {CONN_ID} is of type {connection.conn_type!r}: the store is kept in SQLite or PostgreSQL."
    )


def _default_url() -> str:
    from airflow.configuration import AIRFLOW_HOME, conf

    backend = conf.get("secrets", "backend", fallback="") or conf.get("workers", "secrets_backend", fallback="")
    if backend:  # Airflow does not tell a backend that is away from one that does not know the connection
        raise ConfigurationError(
            f"The secrets backend {backend} has no connection {CONN_ID}, or is away just now, and the store's default "
            "would then be another store. Define the connection there, to PostgreSQL or to a SQLite file."
        )
    executors = [e.strip().rpartition(".")[2] for e in conf.get("core", "executor").replace(":", ",").split(",")]
    spread = [e for e in executors if e not in ONE_HOST]
    if spread:
        raise ConfigurationError(
            f"Under {spread[0]} tasks run on several hosts, and the store's default, a SQLite file in AIRFLOW_HOME, "
            f"would be another one on each. Define the connection {CONN_ID} to a PostgreSQL database, then run: "
            "airflow dataops db upgrade"
        )
    return f"sqlite:///{AIRFLOW_HOME}/{DEFAULT_FILE}"


def _postgres_url(connection: Any) -> str:
    """Return the URL with the driver that is installed, quoting what the connection holds."""
    from importlib.util import find_spec

    from sqlalchemy.engine import URL

    driver = "psycopg" if find_spec("psycopg") else "psycopg2"
    query = {k: str(v) for k, v in connection.extra_dejson.items() if k.startswith("ssl") or k in _LIBPQ}
    host = connection.host
    if host and host.startswith("/"):  # a socket's folder, which would be read as part of the database's name
        host, query["host"] = None, host
    return URL.create(
        f"postgresql+{driver}",
        username=connection.login,
        password=connection.password,
        host=host,
        port=connection.port,
        database=connection.schema,
        query=query,
    ).render_as_string(hide_password=False)
