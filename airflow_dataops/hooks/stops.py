"""Whose readers are stopped: the datasets that ``airflow.cfg`` names, and all that a tagged DAG reads. None else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TAG = "dataops-stop"
"""A DAG with this tag is stopped before it reads anything that was found bad."""


def stops_readers_of(dag: Any) -> Callable[[str], bool] | None:
    """Return what tells of a dataset or table whether a DAG's tasks may be stopped; ``None`` where none ever is."""
    from fnmatch import fnmatchcase

    from airflow.configuration import conf

    if TAG in (getattr(dag, "tags", None) or ()):
        return lambda name: True
    patterns = (conf.get("dataops", "stop_readers", fallback="") or "").replace(",", " ").split()
    return (lambda name: any(fnmatchcase(name, pattern) for pattern in patterns)) if patterns else None
