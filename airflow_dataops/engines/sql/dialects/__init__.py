"""One file a dialect: what it writes otherwise than the rest."""

from __future__ import annotations

from functools import cache

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines.sql.dialects.bigquery import BigQuery
from airflow_dataops.engines.sql.dialects.databricks import Databricks
from airflow_dataops.engines.sql.dialects.duckdb import DuckDb
from airflow_dataops.engines.sql.dialects.mysql import MySql
from airflow_dataops.engines.sql.dialects.postgres import Postgres
from airflow_dataops.engines.sql.dialects.redshift import Redshift
from airflow_dataops.engines.sql.dialects.rules import Rules
from airflow_dataops.engines.sql.dialects.snowflake import Snowflake
from airflow_dataops.engines.sql.dialects.spark import Spark
from airflow_dataops.engines.sql.dialects.sqlite import Sqlite
from airflow_dataops.engines.sql.dialects.trino import Trino

__all__ = ["DIALECTS", "Rules", "rules_of"]

DIALECTS: tuple[type[Rules], ...] = (
    BigQuery,
    Databricks,
    DuckDb,
    MySql,
    Postgres,
    Redshift,
    Snowflake,
    Spark,
    Sqlite,
    Trino,
)


@cache
def rules_of(dialect: str) -> Rules:
    """Return the rules of sqlglot's ``dialect``.

    :raises ConfigurationError: no test covers it.
    """
    for rules in DIALECTS:
        if rules.name == dialect:
            return rules()
    known = ", ".join(rules.name for rules in DIALECTS)
    raise ConfigurationError(f"Database {dialect!r} is not supported: expected one of {known}.")
