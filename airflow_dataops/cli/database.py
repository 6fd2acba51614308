"""``airflow dataops db …``."""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ARG_VERBOSE, ActionCommand, GroupCommand

from airflow_dataops.cli.commands import command


@command
def db_upgrade(args: Any) -> None:
    """Bring the store's schema up to date."""
    from airflow_dataops.hooks.store import store_url
    from airflow_dataops.stores.models import SCHEMA_VERSION
    from airflow_dataops.stores.store import Store

    store = Store(store_url()[0])
    before = store.upgrade()
    was = "is" if before == SCHEMA_VERSION else f"was {before or 'empty'} and is now"
    print(f"The store {store.label} {was} at schema {SCHEMA_VERSION}.")


DATABASE_COMMANDS = GroupCommand(
    "db",
    "The store",
    [ActionCommand("upgrade", "Make the store's tables, or bring them up to date", db_upgrade, (ARG_VERBOSE,))],
)
