"""``airflow dataops …``: history to read, and the same services as the operators for when the scheduler is down."""

from __future__ import annotations

from airflow.cli.cli_config import GroupCommand

from airflow_dataops.cli.database import DATABASE_COMMANDS
from airflow_dataops.cli.gate import GATE_COMMANDS
from airflow_dataops.cli.release import RELEASE_COMMANDS
from airflow_dataops.cli.usage import USAGE_COMMANDS


def get_cli_commands() -> list[GroupCommand]:
    """Return the commands that Airflow's command line gains."""
    groups = [RELEASE_COMMANDS, GATE_COMMANDS, USAGE_COMMANDS, DATABASE_COMMANDS]
    return [GroupCommand("dataops", "Change management for data: releases, gates, usage", groups)]
