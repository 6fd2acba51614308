"""Change management for data, inside Airflow: validation gates, staged promotion, and who reads what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_dataops.core.results import GateResult

__version__ = "0.1.0"
__all__ = ["__version__", "validate"]


def validate(data: Any, suite: Any, *, connection: Any = None, where: str | None = None) -> GateResult:
    """Judge ``data`` with ``suite``: the same gate in a notebook or a unit test as in a DAG.

    :param data: a pandas, polars or Arrow frame, a file path or glob (Parquet, CSV, JSON lines), or, with
        ``connection``, a table name or a SELECT.
    :param suite: a path to YAML or JSON, a list or dict of checks, or a ``Suite``.
    :param connection: a SQLAlchemy engine, a database URL, or an Airflow DB-API hook.
    :param where: a SQL condition; rows that do not meet it are not looked at.
    :return: the verdict with one result for each check, failures first.
    :raises SuiteError: the suite does not parse, or names an unknown check.
    """
    from airflow_dataops.services.validating import validate as run

    return run(data, suite, connection=connection, where=where)
