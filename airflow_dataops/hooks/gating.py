"""What a gate judges, opened from Airflow's connections."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.services.gating import Judged, release_to_judge

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from airflow_dataops.core.checks import Suite
    from airflow_dataops.core.ports import Database
    from airflow_dataops.core.results import GateResult
    from airflow_dataops.stores.store import Store


def open_judged(
    store: Store,
    *,
    release: ReleaseName | None,
    table: str | None,
    query: str | None,
    path: str | None,
    conn_id: str | None,
) -> Judged:
    """Return the one source that was given.

    :raises ConfigurationError: none or several were given, or a table without its connection.
    """
    given = [k for k, v in {"release": release, "table": table, "query": query, "path": path}.items() if v is not None]
    if len(given) != 1:
        raise ConfigurationError(
            f"A gate judges one thing: give one of release=, table=, query= or path=; "
            f"found {', '.join(given) or 'none'}."
        )
    if path is not None:
        return judged_data(path, f"files {path}")
    if release is not None:
        known = release_to_judge(store, release)
        judged = _in_database(
            known.dataset.conn_id,
            known.relation,
            f"table {known.relation}",
            publisher=known.dataset.publisher,
            fingerprint=True,
        )
        return replace(judged, release=release)
    if conn_id is None:
        raise ConfigurationError(f"{given[0]}= needs conn_id=: the connection of the database that holds it.")
    if table is not None:
        return _in_database(conn_id, Relation.parse(table), f"table {table}")
    return _in_database(conn_id, query, "query")


def judged_data(data: Any, label: str) -> Judged:
    """Return a frame, or files by path, as what a gate judges."""

    def judge_data(suite: Suite, **options: Any) -> GateResult:
        from airflow_dataops.services.validating import validate

        return validate(_located(data), suite, **options)

    return Judged(label=label, judge=judge_data, neighbours=_open_other)


def _located(data: Any) -> Any:
    """Return a URL as Airflow's path in an object storage, which opens it with its connection; all else as it is.

    :raises ConfigurationError: no provider knows the storage, or Airflow does not know the connection.
    """
    if not isinstance(data, str) or "://" not in data:
        return data
    from airflow_dataops.hooks.files import opened_path

    return opened_path(data, "path")


def _in_database(
    conn_id: str, source: Any, label: str, *, publisher: str = "view", fingerprint: bool = False
) -> Judged:
    def judge_relation(suite: Suite, **options: Any) -> GateResult:
        from airflow_dataops.hooks.targets import connector_of
        from airflow_dataops.services.judging import judge

        with connector_of(conn_id, publisher).open(read_only=True) as db:
            return judge(db, source, suite, fingerprint=fingerprint, **options)

    return Judged(label=label, judge=judge_relation, neighbours=_open_other, conn_id=conn_id)


def _open_other(conn_id: str) -> AbstractContextManager[Database]:
    """Open a session of a connection that a check compares with."""
    from airflow_dataops.hooks.connectors import HookConnector

    return HookConnector(conn_id).open(read_only=True)
