"""Alembic's entry: runs on the connection that the store hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from airflow_dataops.stores.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table="dataops_alembic_version",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
