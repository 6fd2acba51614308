"""``validate()``: the gate's own judging, over whatever a notebook or a unit test holds in its hands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import GateResult
from airflow_dataops.services.judging import judge


def validate(
    data: Any,
    suite: Any,
    *,
    connection: Any = None,
    where: str | None = None,
    on_empty: str = "fail",
    samples: int = 0,
) -> GateResult:
    """Judge ``data`` with ``suite``; what they may be, ``airflow_dataops.validate`` says.

    :param on_empty: as :func:`airflow_dataops.services.judging.judge` has it; so is ``samples``.
    :raises ConfigurationError: ``data`` is nothing that can be judged, or ``connection`` nothing that can be opened.
    """
    from airflow_dataops.engines import files, frames
    from airflow_dataops.formats.suites import read_suite

    checks = read_suite(suite)
    rules: dict[str, Any] = {"where": where, "on_empty": on_empty, "samples": samples}
    if connection is not None:
        if not isinstance(data, str | Relation):
            found = type(data).__name__
            raise ConfigurationError(f"With connection=, data is a table's name or a SELECT, not {found}.")
        with _session(connection) as db:
            return judge(db, _named(data), checks, **rules)
    if frames.is_frame(data):
        with frames.opened(data) as db:
            return judge(db, f"SELECT * FROM {frames.VIEW}", checks, **rules, label=frames.label(data))
    if isinstance(data, str | Path):
        query = files.query_of(data)
        with files.opened() as db:
            return judge(db, query, checks, **rules, label=f"file {data}")
    raise ConfigurationError(
        f"{type(data).__name__} cannot be validated: expected a pandas, polars or Arrow frame, a file path, "
        "or a table's name with connection=."
    )


def _named(data: str | Relation) -> Relation | str:
    """Return a table's name as a relation; text of several words is a SELECT."""
    if isinstance(data, Relation):
        return data
    words = data.split(None, 1)
    is_query = len(words) > 1 and words[0].upper() in ("SELECT", "WITH", "FROM", "VALUES", "TABLE")
    return data if is_query else Relation.parse(data)


@contextlib.contextmanager
def _session(connection: Any) -> Iterator[Database]:
    """Open a session of a URL, a SQLAlchemy engine or an Airflow DB-API hook, and give back what was borrowed."""
    from airflow_dataops.engines.opening import from_engine, from_hook, from_url

    if isinstance(connection, str):
        opened = from_url(connection)
    elif hasattr(connection, "raw_connection"):
        opened = from_engine(connection)
    elif hasattr(connection, "get_conn"):
        opened = from_hook(connection)
    else:
        raise ConfigurationError(
            f"connection is {type(connection).__name__}: "
            "expected a database URL, a SQLAlchemy engine or an Airflow DB-API hook."
        )
    with opened as db:
        yield db
