"""Retire: what nobody needs any more is dropped, and every release that stays says what for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.plans import Keep, Plan, Retire
from airflow_dataops.core.releases import Operation, Release, ReleaseName, State
from airflow_dataops.core.retiring import Retention, Standing, sorted_out
from airflow_dataops.services.releasing.planning import carry_out, to_reconcile
from airflow_dataops.services.releasing.staging import taken_as
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.releases import Dataset

log = logging.getLogger(__name__)

Running = Callable[[str, Sequence[str]], bool]

ALL = 100_000
"""More releases than a dataset has."""


def retire(
    target: Target,
    dataset_name: str,
    op: Operation,
    retention: Retention,
    *,
    running: Running,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> tuple[ReleaseName, ...]:
    """Drop the relations of releases that nobody needs, and record them as retired; return which.

    :param running: tells of a DAG and its runs whether one of them is still under way.
    :param dry_run: print the plan, return what would be retired, and change nothing.
    :param say: prints a line of the plan.
    """
    target = target.looking() if dry_run else target
    dataset = target.store.releases.dataset(dataset_name)
    if not dry_run:
        reconcile(target, dataset)
    plan = _plan(target, dataset, op, retention, running, dry_run=dry_run)
    carry_out(target, [(plan, op)], dry_run=dry_run, say=say)
    planned = [step.release.name for step in plan.steps if isinstance(step, Retire)]
    return tuple(n for n in planned if dry_run or target.store.releases.get(n).state is State.RETIRED)


def _plan(
    target: Target,
    dataset: Dataset,
    op: Operation,
    retention: Retention,
    running: Running,
    *,
    dry_run: bool,
) -> Plan:
    releases = target.store.releases
    built = target.publisher.built(dataset.target)
    known = [
        release
        for release in releases.of(dataset.name, limit=ALL, states=[s for s in State if s is not State.RETIRED])
        # Of what was aborted there is mostly nothing left.
        if release.state is not State.ABORTED
        or (release.relation == built.get(release.number) and taken_as(target.store, release) is None)
    ]
    live = next((release for release in known if release.state is State.LIVE), None)
    before = releases.predecessor(live.name) if live else None
    predecessor = before.number if before else None
    standings = _standings(target, dataset, known, retention, op)
    found = sorted_out(standings, retention, op.now, predecessor=predecessor)
    # Asked of those alone that nothing else holds: each question is a call to the scheduler, or a query in the target.
    going = {step.release.number for step in found if isinstance(step, Retire)}
    pins = target.store.usage.pins(dataset.name)
    standings = [
        replace(
            standing,
            pinned=_under_way([pin for pin in pins if pin[0] == standing.release.number], running),
            dependents=target.publisher.dependents(standing.release.relation),
        )
        if standing.release.number in going
        else standing
        for standing in standings
    ]
    steps: list[Keep | Retire] = sorted_out(standings, retention, op.now, predecessor=predecessor)
    return Plan(
        what=f"retire releases of {dataset.name} {retention}",
        steps=(to_reconcile(target, dataset, dry_run=dry_run), *steps),
    )


def _under_way(pins: Sequence[tuple[int, str, str, datetime]], running: Running) -> tuple[str, ...]:
    """Return the DAGs of which a pinned run, however old its pin, is still under way."""
    runs: dict[str, list[str]] = {}
    for _, dag_id, run_id, _ in pins:
        runs.setdefault(dag_id, []).append(run_id)
    return tuple(f"{dag_id} (still running)" for dag_id, run_ids in runs.items() if running(dag_id, run_ids))


def _standings(
    target: Target, dataset: Dataset, releases: list[Release], retention: Retention, op: Operation
) -> list[Standing]:
    """Return what the store knows of each release."""
    left = target.store.releases.left_live(dataset.name)
    read = {reader.release: reader.last_at for reader in reversed(target.store.usage.readers(dataset.name))}
    recent: dict[int, list[str]] = {}
    for number, dag_id, run_id, at in target.store.usage.pins(dataset.name):
        if op.now - at < retention.read_within:
            recent.setdefault(number, []).append(f"{dag_id} {run_id}")
    return [
        Standing(
            release=release,
            left_at=left.get(release.number),
            last_read=read.get(release.number),
            pinned=tuple(recent.get(release.number, ())),
        )
        for release in releases
    ]
