"""What Airflow discovers about this package."""

from __future__ import annotations

from typing import Any

from airflow_dataops import __version__


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description in Airflow's own schema."""
    name = "DataOps"
    return {
        "package-name": "airflow-dataops",
        "name": name,
        "description": "Change management for data: validation gates, staged promotion, and who reads what.",
        "versions": [__version__],
        "integrations": [{"integration-name": name, "tags": ["software"]}],
        "operators": [
            {
                "integration-name": name,
                "python-modules": ["airflow_dataops.operators.gate", "airflow_dataops.operators.release"],
            }
        ],
        "sensors": [{"integration-name": name, "python-modules": ["airflow_dataops.sensors.release"]}],
        "triggers": [{"integration-name": name, "python-modules": ["airflow_dataops.triggers.release"]}],
        "extra-links": ["airflow_dataops.operators.links.GateLink"],
        "task-decorators": [{"name": "gate", "class-name": "airflow_dataops.decorators.gate.gate_task"}],
        "cli": ["airflow_dataops.cli.get_cli_commands"],
    }
