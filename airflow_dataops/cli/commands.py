"""What all commands share: errors in one line, who types, and rows in the asked form."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from airflow.cli.cli_config import Arg

from airflow_dataops.core.errors import DataOpsError

if TYPE_CHECKING:
    from airflow_dataops.core.releases import Operation

OF_DATASET = Arg(("--dataset",), help="only this dataset")
LIMIT = Arg(("--limit",), type=int, default=50, help="how many, newest first (default 50)")


def command(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Say an error in one line and exit with 1; keep logs out of what is printed."""

    @wraps(function)
    def run(args: Any) -> None:
        from airflow.utils.cli import suppress_logs_and_warning

        try:
            suppress_logs_and_warning(function)(args)
        except DataOpsError as error:
            raise SystemExit(f"airflow dataops: {error}") from error

    return run


def operation(reason: str) -> Operation:
    from airflow_dataops.core.releases import Operation

    return Operation(op_id=uuid.uuid4().hex, by=f"cli:{_user()}", now=datetime.now(UTC), reason=reason)


def _user() -> str:
    """Return who types: the login, or its number where it has no name (a container's arbitrary user)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def show(rows: Iterable[Mapping[str, Any]], output: str) -> None:
    """Print rows in the asked form; as JSON numbers stay numbers, which Airflow's own printer makes text of."""
    from airflow.cli.simple_table import AirflowConsole

    from airflow_dataops.core.values import jsonable

    if output == "json":
        print(json.dumps([jsonable(row) for row in rows], indent=2))
        return
    # A column's name or a regex in brackets is no markup.
    AirflowConsole(markup=False, emoji=False).print_as(data=[_plain(row) for row in rows], output=output)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's row: times to the second, nothing as an empty cell, several values with commas."""
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple) else value
