"""Where this host keeps what could not be stored: in AIRFLOW_HOME."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dataops.stores.spool import Spool

FOLDER = "dataops_usage"


def open_spool() -> Spool:
    """Return this host's spool."""
    from airflow.configuration import AIRFLOW_HOME

    from airflow_dataops.stores.spool import Spool

    return Spool(Path(AIRFLOW_HOME) / FOLDER)
