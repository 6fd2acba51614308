"""Change management for data, inside Airflow: validation gates, staged promotion, and who reads what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_dataops.core.results import GateResult

__version__ = "0.1.0"
__all__ = ["__version__", "validate"]


def validate(
    data: Any,
    suite: Any,
    *,
    connection: Any = None,
    where: str | None = None,
    on_empty: str = "fail",
    samples: int = 0,
    parameters: Mapping[str, Any] | None = None,
) -> GateResult:
    """Judge ``data`` with ``suite``: the same gate in a notebook or a unit test as in a DAG.

    :param data: a pandas, polars, Arrow or Spark frame, a file, glob or folder (Parquet, CSV, JSON lines), an Iceberg
        table (its folder or a metadata file), or, with ``connection``, a table name or a SELECT.
    :param suite: a path to YAML or JSON, a list or dict of checks, or a ``Suite``.
    :param connection: a SQLAlchemy engine, a database URL, an Airflow DB-API hook, or a Spark session.
    :param where: a SQL condition; rows that do not meet it are not looked at.
    :param on_empty: what data without a row is: ``fail``, ``warn`` or ``pass``.
    :param samples: how many failing rows of each row-wise check to keep in its result; they are raw values.
    :param parameters: values for GX's ``{"$PARAMETER": "name"}``.
    :return: the verdict with one result for each check, failures first; true if it lets the data through.
    :raises SuiteError: the suite does not parse, or names an unknown check.
    :raises ConfigurationError: the data, or the connection, is nothing that can be opened.
    :raises MeasureError: the database cannot be reached.
    """
    from airflow_dataops.services.validating import validate as run

    return run(
        data,
        suite,
        connection=connection,
        where=where,
        on_empty=on_empty,
        samples=samples,
        parameters=parameters,
    )
