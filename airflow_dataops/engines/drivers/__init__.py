"""One file a database: what its Python drivers do otherwise than the rest."""

from __future__ import annotations

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines.drivers.base import Driver
from airflow_dataops.engines.drivers.bigquery import BigQueryDriver
from airflow_dataops.engines.drivers.databricks import DatabricksDriver
from airflow_dataops.engines.drivers.duckdb import DuckDbDriver
from airflow_dataops.engines.drivers.mysql import MySqlDriver
from airflow_dataops.engines.drivers.postgres import PostgresDriver
from airflow_dataops.engines.drivers.redshift import RedshiftDriver
from airflow_dataops.engines.drivers.snowflake import SnowflakeDriver
from airflow_dataops.engines.drivers.spark import SparkDriver
from airflow_dataops.engines.drivers.sqlite import SqliteDriver
from airflow_dataops.engines.drivers.trino import TrinoDriver

__all__ = ["DRIVERS", "Driver", "driver_names", "driver_of"]

DRIVERS: tuple[Driver, ...] = (
    BigQueryDriver(),
    DatabricksDriver(),
    DuckDbDriver(),
    MySqlDriver(),
    PostgresDriver(),
    RedshiftDriver(),
    SnowflakeDriver(),
    SparkDriver(),
    SqliteDriver(),
    TrinoDriver(),
)


def driver_names() -> frozenset[str]:
    """Return all that databases are called by which there is a driver for."""
    return frozenset(name for driver in DRIVERS for name in (driver.dialect, *driver.names))


def driver_of(name: str) -> Driver:
    """Return the driver of the database that SQLAlchemy, Airflow or sqlglot calls ``name``.

    :raises ConfigurationError: it is not one of those that there are.
    """
    for driver in DRIVERS:
        if name == driver.dialect or name in driver.names:
            return driver
    raise ConfigurationError(
        f"Database {name!r} is not supported: expected one of {', '.join(driver.dialect for driver in DRIVERS)}. "
        "Use a connection to one of these."
    )
