"""Gate runs in short, as lists and histories show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_dataops.core.checks import Check
from airflow_dataops.core.releases import ReleaseName, TaskKey
from airflow_dataops.core.verdicts import Outcome, Verdict
from airflow_dataops.stores.models import CheckResultRow, GateRunRow
from airflow_dataops.stores.rows import key_of

SHOWN_MISSED = 3
"""How many of the checks that do not hold a list names."""


@dataclass(frozen=True, kw_only=True)
class GateSummary:
    """A gate's run as a list shows it: without its statements and without the checks that hold.

    :param counts: how many checks came out how; outcomes that did not occur are left out.
    :param missed: the labels of the first checks that do not hold, worst first.
    """

    id: int
    gate: str
    key: TaskKey
    suite: str
    source: str
    release: ReleaseName | None
    verdict: Verdict
    on_fail: str
    row_count: int | None
    seconds: float
    at: datetime
    by: str
    counts: Mapping[Outcome, int]
    missed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a check came out in one run of its gate: a point of its history."""

    gate_run: int
    run_id: str | None
    outcome: Outcome
    message: str
    at: datetime


def outcomes_of(session: Session, ids: list[int]) -> list[tuple[dict[Outcome, int], tuple[str, ...]]]:
    """Return, for each run, its checks by outcome, and the labels of the first that do not hold."""
    counts: dict[int, dict[Outcome, int]] = {number: {} for number in ids}
    missed: dict[int, list[str]] = {number: [] for number in ids}
    run = CheckResultRow.gate_run_id
    for number, outcome, amount in session.execute(
        select(run, CheckResultRow.outcome, func.count()).where(run.in_(ids)).group_by(run, CheckResultRow.outcome)
    ):
        counts[number][Outcome(outcome)] = amount
    query = select(run, CheckResultRow.result["check"]).where(
        run.in_(ids),
        CheckResultRow.position < SHOWN_MISSED,  # results are stored worst first
        CheckResultRow.outcome.not_in([Outcome.PASS, Outcome.INFO]),
    )
    for number, check in session.execute(query.order_by(run, CheckResultRow.position)):
        missed[number].append(Check.from_dict(check).label)
    return [(counts[number], tuple(missed[number])) for number in ids]


def summary_of(row: GateRunRow, counts: dict[Outcome, int], missed: tuple[str, ...]) -> GateSummary:
    """Return the row in short."""
    return GateSummary(
        id=row.id,
        gate=f"{row.dag_id}.{row.task_id}" if row.dag_id else row.suite,
        key=key_of(row),
        suite=row.suite,
        source=row.source,
        release=release_of(row),
        verdict=Verdict(row.verdict),
        on_fail=row.on_fail,
        row_count=row.row_count,
        seconds=row.seconds,
        at=row.at,
        by=row.by,
        counts=counts,
        missed=missed,
    )


def release_of(row: GateRunRow) -> ReleaseName | None:
    """Return the release that was judged; ``None`` for data in place."""
    return ReleaseName(dataset=row.dataset, number=row.release or 0) if row.dataset else None


class OfGate(Protocol):
    """A run of a gate, whole or in short."""

    @property
    def gate(self) -> str: ...

    @property
    def key(self) -> TaskKey: ...


Run = TypeVar("Run", bound=OfGate)


def newest_of_each(runs: Iterable[Run]) -> list[Run]:
    """Return the newest run of each gate and map index; ``runs`` is newest first."""
    found: dict[tuple[str, int], Run] = {}
    for run in runs:
        found.setdefault((run.gate, run.key.map_index), run)
    return list(found.values())
