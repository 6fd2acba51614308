"""What is live of every dataset at once, and what its gates say of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from airflow_dataops.core.graph import Live
from airflow_dataops.core.releases import State
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.stores.models import DatasetRow, GateRunRow, ReleaseEventRow, ReleaseRow

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


def live_now(store: Store, *, dataset: str | None = None, dag_ids: Collection[str] | None = None) -> dict[str, Live]:
    """Return what is live of each dataset.

    :param dataset: this one alone.
    :param dag_ids: only what these DAGs have staged, and only what gates in these DAGs say.
    """
    run = GateRunRow
    live = (
        select(DatasetRow.name, ReleaseRow.number, func.max(ReleaseEventRow.at))
        .join(ReleaseRow, ReleaseRow.dataset_id == DatasetRow.id)
        .join(ReleaseEventRow, ReleaseEventRow.release_id == ReleaseRow.id)
        .where(ReleaseRow.state == State.LIVE, ReleaseEventRow.to_state == State.LIVE)
        .where(ReleaseEventRow.from_state.is_distinct_from(State.LIVE))  # a note moves nothing
        .group_by(DatasetRow.name, ReleaseRow.number)
    )
    judged = (
        select(run.dataset, run.verdict, run.at, run.dag_id, run.task_id, run.map_index, run.suite)
        .join(DatasetRow, DatasetRow.name == run.dataset)
        .join(ReleaseRow, and_(ReleaseRow.dataset_id == DatasetRow.id, ReleaseRow.number == run.release))
        .where(ReleaseRow.state == State.LIVE, run.on_fail != "shadow")
        .order_by(run.id.desc())
    )
    if dataset is not None:
        live, judged = (query.where(DatasetRow.name == dataset) for query in (live, judged))
    if dag_ids is not None:
        live = live.where(ReleaseRow.dag_id.in_(dag_ids))
        judged = judged.where(run.dag_id.in_(dag_ids))
    with store.reading() as session:
        newest: dict[str, dict[tuple[object, ...], tuple[Verdict, datetime]]] = {}
        for name, verdict, at, dag_id, task_id, map_index, suite in session.execute(judged):
            gate = (dag_id, task_id, map_index) if dag_id else (suite,)
            newest.setdefault(name, {}).setdefault(gate, (Verdict(verdict), at))
        return {
            name: _live(number, since, newest.get(name, {}).values()) for name, number, since in session.execute(live)
        }


def _live(number: int, since: datetime, said: Collection[tuple[Verdict, datetime]]) -> Live:
    return Live(
        number=number,
        since=since,
        verdict=max((verdict for verdict, _ in said), key=list(Verdict).index, default=None),
        judged_at=max((at for _, at in said), default=None),
    )
