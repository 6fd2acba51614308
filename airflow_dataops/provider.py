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
                "python-modules": [
                    "airflow_dataops.operators.gate",
                    "airflow_dataops.operators.release",
                    "airflow_dataops.operators.usage",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": name,
                "python-modules": ["airflow_dataops.sensors.gate", "airflow_dataops.sensors.release"],
            }
        ],
        "triggers": [
            {
                "integration-name": name,
                "python-modules": ["airflow_dataops.triggers.gate", "airflow_dataops.triggers.release"],
            }
        ],
        "extra-links": ["airflow_dataops.operators.links.GateLink", "airflow_dataops.operators.links.DiffLink"],
        "task-decorators": [{"name": "gate", "class-name": "airflow_dataops.decorators.gate.gate_task"}],
        "config": {
            "dataops": {
                "description": "Change management for data.",
                "options": {
                    "freeze_windows": {
                        "description": (
                            "When no release is promoted (roll-backs always are allowed): windows separated by "
                            "semicolons, each from/to, as dates with times or as days of the week with times, and a "
                            "time zone behind it (else UTC)."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "2026-12-20T00:00/2027-01-02T00:00; Fri 18:00/Mon 06:00 Europe/Berlin",
                        "default": "",
                    },
                    "stop_readers": {
                        "description": (
                            "Datasets and tables, separated by spaces, * for any part: tasks of other DAGs that are "
                            "about to read one of them are stopped while it is known to be bad (a gate failed on what "
                            "is live or in place, or it was rolled back). A DAG with the tag dataops-stop is stopped "
                            "for all that it reads."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "sales.orders finance.*",
                        "default": "",
                    },
                },
            }
        },
        "cli": ["airflow_dataops.cli.get_cli_commands"],
    }
