"""Whether DAG runs are still under way, as a task and as the command line can ask it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_UNDER_WAY = ("queued", "running")
_STATES = ("success", "failed", *_UNDER_WAY)
_AT_ONCE = 50  # they are part of a URL


def runs_seen_by(context: Mapping[str, Any]) -> Callable[[str, Sequence[str]], bool]:
    """Return what tells of a DAG and its runs whether one is under way, asking Airflow through the running task."""
    ti = context["ti"]

    def running(dag_id: str, run_ids: Sequence[str]) -> bool:
        parts = [run_ids[start : start + _AT_ONCE] for start in range(0, len(run_ids), _AT_ONCE)]
        return any(ti.get_dr_count(dag_id=dag_id, run_ids=list(part), states=list(_UNDER_WAY)) > 0 for part in parts)

    return running


def state_seen_by(context: Mapping[str, Any]) -> Callable[[str, str], str | None]:
    """Return what tells the state of a DAG's run, asking Airflow through the running task; ``None`` of an unknown."""
    ti = context["ti"]

    def state(dag_id: str, run_id: str) -> str | None:
        found = [s for s in _STATES if ti.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=[s]) > 0]
        return found[0] if found else None

    return state


def runs_in_database(dag_id: str, run_ids: Sequence[str]) -> bool:
    """Return whether one is under way by Airflow's own database, which only its command line may ask."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = select(DagRun.run_id).where(DagRun.dag_id == dag_id, DagRun.state.in_(_UNDER_WAY))
    with create_session() as session:
        return not set(session.scalars(query)).isdisjoint(run_ids)
