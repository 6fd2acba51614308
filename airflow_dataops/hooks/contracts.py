"""A DAG's contracts, which stand beside its file: registered when one of its tasks starts, if they are not yet."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

SUFFIX = ".contracts.yaml"
FOLDER = "dataops_contracts"
FRESH = 86_400.0
"""Seconds for which this host trusts its memory: the store may be another one by then."""


def contracts_file(dag: Any) -> Path:
    """Return where a DAG's contracts are: ``<dag_id>.contracts.yaml``, beside the DAG's file."""
    return Path(dag.fileloc).parent / f"{dag.dag_id}{SUFFIX}"


def register_contracts(dag: Any) -> str | None:
    """Register what has changed of a DAG's contracts; return what was done, in words, if anything was.

    This host remembers which content it has registered: where that is still the same, no store is asked.
    """
    path, marker = contracts_file(dag), _marker(dag.dag_id)
    present = _stamp(path)
    if present is None and not marker.exists():
        return None
    if present is not None and _remembered(marker) == present:
        return None
    from datetime import UTC, datetime

    from airflow_dataops.hooks.store import brief_store
    from airflow_dataops.services.usage import register_file

    with brief_store() as store:  # where it is away, the next task registers them
        new, gone = register_file(store, path, consumer=dag.dag_id, owner=owner_of(dag), now=datetime.now(UTC))
    _remember(marker, present)
    if not new and not gone:
        return None
    problems = "".join(f" {each.problem}." for each in new if each.problem)
    what = ", ".join(each.dataset for each in new) or "none"
    return f"Contracts of {dag.dag_id} from {path.name}: new {what}; {gone} withdrawn.{problems}"


def owner_of(dag: Any) -> str | None:
    """Return the owners of a DAG's tasks, in order."""
    return ", ".join(sorted({task.owner for task in dag.tasks})) or None


def _stamp(path: Path) -> list[Any] | None:
    """Return what tells whether a file is the same as before; ``None`` where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [str(path), found.st_mtime_ns, found.st_size]


def _marker(dag_id: str) -> Path:
    from airflow.configuration import AIRFLOW_HOME

    return Path(AIRFLOW_HOME) / FOLDER / hashlib.sha256(dag_id.encode()).hexdigest()[:32]


def _remembered(marker: Path) -> Any:
    try:
        if time.time() - marker.stat().st_mtime > FRESH:
            return None
        return json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _remember(marker: Path, stamp: list[Any] | None) -> None:
    if stamp is None:
        marker.unlink(missing_ok=True)
        return
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(stamp), encoding="utf-8")
