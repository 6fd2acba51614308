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
from airflow_dataops.core.verdicts import Outcome, Verdict
from airflow_dataops.stores.gate_lists import GateSummary, Mark, outcomes_of, release_of, summary_of
from airflow_dataops.stores.models import CheckResultRow, GateRunRow
from airflow_dataops.stores.rows import key_of

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
        dataset: str | None = None,
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
        if dataset is not None:
            query = query.where(GateRunRow.dataset == dataset)
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

    def summaries(
        self,
        *,
        verdict: Verdict | None = None,
        dag_id: str | None = None,
        task_id: str | None = None,
        dataset: str | None = None,
        release: ReleaseName | None = None,
        dag_ids: Collection[str] | None = None,
        since: datetime | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[GateSummary]:
        """Return gate runs in short, newest first.

        :param since: only those that judged then or later.
        :param dag_ids: only those of these DAGs (runs from outside Airflow are left out).
        :param before: only runs with a smaller number: the next page.
        """
        query = select(GateRunRow).order_by(GateRunRow.id.desc()).limit(limit)
        if verdict is not None:
            query = query.where(GateRunRow.verdict == str(verdict))
        if dag_id is not None:
            query = query.where(GateRunRow.dag_id == dag_id)
        if task_id is not None:
            query = query.where(GateRunRow.task_id == task_id)
        if since is not None:
            query = query.where(GateRunRow.at >= since)
        if dataset is not None:
            query = query.where(GateRunRow.dataset == dataset)
        if release is not None:
            query = query.where(GateRunRow.dataset == release.dataset, GateRunRow.release == release.number)
        if dag_ids is not None:
            query = query.where(GateRunRow.dag_id.in_(dag_ids))
        if before is not None:
            query = query.where(GateRunRow.id < before)
        with self._store.reading() as session:
            rows = list(session.scalars(query))
            ids = [row.id for row in rows]
            return [summary_of(row, *outcomes) for row, outcomes in zip(rows, outcomes_of(session, ids), strict=True)]

    def facets(self, *, dag_ids: Collection[str] | None = None) -> tuple[list[str], list[str]]:
        """Return the DAGs and the datasets that gates have judged, each in order: what a list can be filtered by."""
        found: list[list[str]] = []
        with self._store.reading() as session:
            for column in (GateRunRow.dag_id, GateRunRow.dataset):
                query = select(column).where(column.is_not(None)).distinct().order_by(column)
                if dag_ids is not None:
                    query = query.where(GateRunRow.dag_id.in_(dag_ids))
                found.append([str(value) for value in session.scalars(query)])
        return found[0], found[1]

    def history(self, run: GateRun, *, limit: int = 20) -> dict[str, list[Mark]]:
        """Return, for each check id of ``run``, its outcomes in the gate's latest runs up to this one, oldest first.

        Runs of the same gate are those of the same task and map index, or of the same suite outside of Airflow.
        """
        same = [GateRunRow.id <= run.id]
        if run.key.dag_id is None:
            same += [GateRunRow.dag_id.is_(None), GateRunRow.suite == run.result.suite[:250]]
        else:
            same += [
                GateRunRow.dag_id == run.key.dag_id,
                GateRunRow.task_id == run.key.task_id,
                GateRunRow.map_index == run.key.map_index,
            ]
        latest = select(GateRunRow.id).where(*same).order_by(GateRunRow.id.desc()).limit(limit).subquery()
        query = (
            select(
                CheckResultRow.check_id,
                CheckResultRow.outcome,
                CheckResultRow.result["message"].as_string().label("message"),
                GateRunRow.id,
                GateRunRow.run_id,
                GateRunRow.at,
            )
            .join(GateRunRow, GateRunRow.id == CheckResultRow.gate_run_id)
            .where(GateRunRow.id.in_(select(latest.c.id)))
            .order_by(GateRunRow.id)
        )
        marks: dict[str, list[Mark]] = {result.check.id: [] for result in run.result.results}
        with self._store.reading() as session:
            for row in session.execute(query):
                if row.check_id in marks:
                    marks[row.check_id].append(
                        Mark(
                            gate_run=row.id,
                            run_id=row.run_id,
                            outcome=Outcome(row.outcome),
                            message=row.message or "",
                            at=row.at,
                        )
                    )
        return marks

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
    return GateRun(
        id=row.id,
        result=result,
        at=row.at,
        by=row.by,
        key=key_of(row),
        on_fail=row.on_fail,
        conn_id=row.conn_id,
        release=release_of(row),
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
