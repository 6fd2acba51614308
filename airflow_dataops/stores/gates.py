"""Gate runs with their results: evidence, append-only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from airflow_dataops.core.releases import Evidence, GateRef, ReleaseName, TaskKey
from airflow_dataops.core.results import GateResult
from airflow_dataops.core.verdicts import Verdict
from airflow_dataops.stores.models import CheckResultRow, GateRunRow

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store


@dataclass(frozen=True, kw_only=True)
class GateRun:
    """A gate's run as the store keeps it.

    :param id: the store's number for it; ``None`` before it is stored.
    :param on_fail: ``fail``, ``skip``, ``block`` or ``shadow``; what is shadow is not evidence.
    """

    result: GateResult
    at: datetime
    by: str
    key: TaskKey
    on_fail: str = "fail"
    conn_id: str | None = None
    release: ReleaseName | None = None
    id: int | None = None

    @property
    def gate(self) -> str:
        """Which gate: ``dag.task``, or the suite's name outside of Airflow."""
        return f"{self.key.dag_id}.{self.key.task_id}" if self.key.dag_id else self.result.suite

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON data."""
        return {
            "id": self.id,
            "gate": self.gate,
            "at": self.at.isoformat(),
            "by": self.by,
            "on_fail": self.on_fail,
            "conn_id": self.conn_id,
            "release": str(self.release) if self.release else None,
            **vars(self.key),
            "result": self.result.to_dict(),
        }


class GateShelf:
    """What gates have found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, run: GateRun) -> int:
        """Append a run and return its number."""
        result = run.result
        row = GateRunRow(
            suite=result.suite[:250],
            suite_hash=result.suite_hash,
            source=result.source,
            conn_id=run.conn_id,
            dataset=run.release and run.release.dataset,
            release=run.release and run.release.number,
            fingerprint=result.fingerprint,
            verdict=str(result.verdict),
            on_fail=run.on_fail,
            row_count=result.row_count,
            statements=[s.to_dict() for s in result.statements],
            seconds=result.seconds,
            at=run.at,
            by=run.by,
            **vars(run.key),
        )
        row.results = [
            CheckResultRow(position=i, check_id=r.check.id, outcome=str(r.outcome), result=r.to_dict())
            for i, r in enumerate(result.results)
        ]
        with self._store.writing() as session:
            session.add(row)
            session.flush()
            return row.id

    def of(
        self,
        *,
        key: TaskKey | None = None,
        release: ReleaseName | None = None,
        dag_ids: Collection[str] | None = None,
        limit: int = 100,
    ) -> list[GateRun]:
        """Return gate runs, newest first.

        :param key: only those of this task; ``None`` parts and a ``try_number`` of 0 match all.
        :param dag_ids: only those of these DAGs (runs from outside Airflow are left out).
        """
        query = select(GateRunRow).options(selectinload(GateRunRow.results)).order_by(GateRunRow.id.desc())
        if key is not None:
            for part in ("dag_id", "run_id", "task_id"):
                if getattr(key, part) is not None:
                    query = query.where(getattr(GateRunRow, part) == getattr(key, part))
            if key.task_id is not None and key.run_id is not None:
                query = query.where(GateRunRow.map_index == key.map_index)
            if key.try_number:
                query = query.where(GateRunRow.try_number == key.try_number)
        if release is not None:
            query = query.where(GateRunRow.dataset == release.dataset, GateRunRow.release == release.number)
        if dag_ids is not None:
            query = query.where(GateRunRow.dag_id.in_(dag_ids))
        with self._store.reading() as session:
            return [_run(row) for row in session.scalars(query.limit(limit))]

    def get(self, number: int) -> GateRun | None:
        """Return the run of that number."""
        with self._store.reading() as session:
            row = session.get(GateRunRow, number)
            return _run(row) if row else None

    def evidence(self, *, release: ReleaseName | None = None, key: TaskKey | None = None) -> list[Evidence]:
        """Return what counts as evidence (shadow gates do not) about a release, or from a DAG run."""
        query = select(GateRunRow).where(GateRunRow.on_fail != "shadow", GateRunRow.dag_id.is_not(None))
        if release is not None:
            query = query.where(GateRunRow.dataset == release.dataset, GateRunRow.release == release.number)
        if key is not None:
            query = query.where(GateRunRow.dag_id == key.dag_id, GateRunRow.run_id == key.run_id)
        with self._store.reading() as session:
            return [_evidence(row) for row in session.scalars(query)]


def _run(row: GateRunRow) -> GateRun:
    result = GateResult.from_dict(
        {
            "suite": row.suite,
            "suite_hash": row.suite_hash,
            "source": row.source,
            "results": [r.result for r in row.results],
            "statements": row.statements,
            "row_count": row.row_count,
            "fingerprint": row.fingerprint,
            "seconds": row.seconds,
        }
    )
    key = TaskKey(
        dag_id=row.dag_id, run_id=row.run_id, task_id=row.task_id, map_index=row.map_index, try_number=row.try_number
    )
    return GateRun(
        id=row.id,
        result=result,
        at=row.at,
        by=row.by,
        key=key,
        on_fail=row.on_fail,
        conn_id=row.conn_id,
        release=ReleaseName(dataset=row.dataset, number=row.release or 0) if row.dataset else None,
    )


def _evidence(row: GateRunRow) -> Evidence:
    return Evidence(
        gate=GateRef(dag_id=row.dag_id or "", task_id=row.task_id or ""),
        sequence=row.id,
        run_id=row.run_id,
        map_index=row.map_index,
        dataset=row.dataset,
        release=row.release,
        fingerprint=row.fingerprint,
        verdict=Verdict(row.verdict),
        suite_hash=row.suite_hash,
    )
