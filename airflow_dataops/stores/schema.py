"""The store's schema version: made, raised, and checked before anything is read."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from airflow_dataops.core.errors import SchemaVersionError
from airflow_dataops.stores.models import SCHEMA_VERSION

VERSION_TABLE = "dataops_alembic_version"


def version_of(connection: Connection) -> str | None:
    """Return the schema version the store has; ``None`` where it has no tables yet."""
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return None if found is None else str(found)


def read_version(engine: Engine) -> str | None:
    """Return the schema version, without waiting for somebody who writes."""
    with engine.execution_options(dataops_read=True).connect() as connection:
        return version_of(connection)


def upgrade(engine: Engine) -> str | None:
    """Bring the store to this package's schema and return the version it had; safe to run at once from many places.

    :raises SchemaVersionError: a newer package wrote it.
    """
    # Alembic is imported only where a schema changes.
    from alembic import command
    from alembic.config import Config

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('airflow_dataops.store'))"))
        before = version_of(connection)
        if before == SCHEMA_VERSION:
            return before
        if before is not None:
            refuse_newer(before, engine)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before


def check(engine: Engine) -> None:
    """Refuse a store of another schema version, with the way out.

    :raises SchemaVersionError: it is missing, older or newer.
    """
    found = read_version(engine)
    if found == SCHEMA_VERSION:
        return
    where = engine.url.render_as_string(hide_password=True)
    if found is None:
        raise SchemaVersionError(f"The store {where} has no tables yet. Run: airflow dataops db upgrade")
    refuse_newer(found, engine)
    raise SchemaVersionError(
        f"The store {where} has schema {found}, older than {SCHEMA_VERSION} that this airflow-dataops needs. "
        "Run: airflow dataops db upgrade"
    )


def refuse_newer(found: str, engine: Engine) -> None:
    """Raise if ``found`` is newer than this package; versions are numbered, so they compare as text."""
    if found > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"The store {engine.url.render_as_string(hide_password=True)} has schema {found}, newer than "
            f"{SCHEMA_VERSION} that this airflow-dataops knows. Upgrade the package: pip install -U airflow-dataops"
        )
