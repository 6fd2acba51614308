"""``validate()``: the gate's own judging, over whatever a notebook or a unit test holds in its hands."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airflow_dataops.core.checks import Suite
from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.judging import unmeasured
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import QUERY_WORDS, Relation
from airflow_dataops.core.results import GateResult
from airflow_dataops.core.vocabulary import compile_check
from airflow_dataops.services.judging import judge

if TYPE_CHECKING:
    from airflow_dataops.engines.embedded import Opened
    from airflow_dataops.engines.sql.watching import Watch


def validate(
    data: Any,
    suite: Any,
    *,
    connection: Any = None,
    where: str | None = None,
    on_empty: str = "fail",
    samples: int = 0,
    parameters: Mapping[str, Any] | None = None,
    occasion: Occasion | None = None,
    watch: Watch | None = None,
) -> GateResult:
    """Judge ``data`` with ``suite``; what they may be, ``airflow_dataops.validate`` says.

    :param on_empty: as :func:`airflow_dataops.services.judging.judge` has it; so are ``samples``, ``occasion`` and
        ``watch``.
    :raises ConfigurationError: ``data`` is nothing that can be judged, or ``connection`` nothing that can be opened.
    """
    from airflow_dataops.engines import files, frames, spark
    from airflow_dataops.formats.suites import read_suite

    checks = read_suite(suite, parameters=parameters)
    rules: dict[str, Any] = {
        "where": where,
        "on_empty": on_empty,
        "samples": samples,
        "occasion": occasion,
        "watch": watch,
    }
    if connection is not None:
        if not isinstance(data, str | Relation):
            found = type(data).__name__
            raise ConfigurationError(f"With connection=, data is a table's name or a SELECT, not {found}.")
        with _session(connection) as db:
            return judge(db, _named(data), checks, **rules)
    if spark.is_spark_frame(data):
        with spark.opened(data) as (db, view):
            return judge(db, view, checks, label="Spark DataFrame", **rules)
    if frames.is_frame(data):
        return _judge_at_hand(frames.opened(data), checks, label=frames.label(data), **rules)
    if files.is_path(data):
        return _judge_at_hand(_opened(data), checks, label=f"file {data}", **rules)
    raise ConfigurationError(
        f"{type(data).__name__} cannot be validated: expected a pandas, polars, Arrow or Spark frame, a file path, "
        "or a table's name with connection=."
    )


@contextlib.contextmanager
def _opened(path: Any) -> Iterator[Opened]:
    """Open files, or the Iceberg table that they are."""
    from airflow_dataops.engines import files, iceberg

    table = iceberg.found(path)
    with files.opened(path) if table is None else iceberg.opened(table) as opened:
        yield opened


def _judge_at_hand(opening: AbstractContextManager[Opened], checks: Suite, *, label: str, **rules: Any) -> GateResult:
    """Judge a frame or files; what cannot be opened could not be measured."""
    try:
        with opening as opened:
            rules |= {"vouchers": opened.vouchers, "ordered": opened.ordered, "label": opened.label or label}
            return judge(opened.db, opened.query, checks, **rules)
    except MeasureError as error:
        results = tuple(unmeasured(compile_check(check), error) for check in checks)
        return GateResult(suite=checks.name, suite_hash=checks.hash, source=label, results=results)


def _named(data: str | Relation) -> Relation | str:
    """Return a table's name as a relation; text of several words is a SELECT."""
    if isinstance(data, Relation):
        return data
    words = data.split(None, 1)
    is_query = len(words) > 1 and words[0].upper() in QUERY_WORDS
    return data if is_query else Relation.parse(data)


@contextlib.contextmanager
def _session(connection: Any) -> Iterator[Database]:
    """Open a session of what a notebook has as its connection, and give back what was borrowed."""
    from airflow_dataops.engines.opening import from_engine, from_hook, from_url
    from airflow_dataops.engines.spark import from_session, is_spark_session

    opened: AbstractContextManager[Database]
    if isinstance(connection, str):
        opened = from_url(connection)
    elif is_spark_session(connection):
        opened = contextlib.nullcontext(from_session(connection))
    elif hasattr(connection, "raw_connection"):
        opened = from_engine(connection)
    elif hasattr(connection, "get_conn"):
        opened = from_hook(connection)
    else:
        raise ConfigurationError(
            f"connection is {type(connection).__name__}: "
            "expected a database URL, a SQLAlchemy engine, an Airflow DB-API hook or a Spark session."
        )
    with opened as db:
        yield db
