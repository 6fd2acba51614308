"""Clean: what killed builds left is removed; what no release stands for is told, and stays."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from airflow_dataops.core.durations import said
from airflow_dataops.core.plans import Keep, Plan, Retire, Step, Unowned
from airflow_dataops.core.releases import Dataset, Operation, Release, State
from airflow_dataops.services.releasing.planning import carry_out, to_reconcile
from airflow_dataops.services.releasing.retiring import ALL
from airflow_dataops.services.releasing.staging import taken_as
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Target

log = logging.getLogger(__name__)


def clean(
    target: Target,
    dataset_name: str,
    op: Operation,
    *,
    older_than: timedelta,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> None:
    """Drop what was left by builds that were killed, and list what looks like a release and is none.

    :param older_than: a build that was begun before that is taken for killed.
    :param dry_run: print the plan and change nothing.
    :param say: prints a line of the plan.
    """
    target = target.looking() if dry_run else target
    dataset = target.store.releases.dataset(dataset_name)
    if not dry_run:
        reconcile(target, dataset)
    plan = _plan(target, dataset, op, older_than, dry_run=dry_run)
    carry_out(target, [(plan, op)], dry_run=dry_run, say=say)


def _plan(target: Target, dataset: Dataset, op: Operation, older_than: timedelta, *, dry_run: bool) -> Plan:
    built = target.publisher.built(dataset.target)
    releases = target.store.releases.of(dataset.name, limit=ALL, states=[s for s in State if s is not State.RETIRED])
    steps: list[Step] = [to_reconcile(target, dataset, dry_run=dry_run)]
    for release in releases:
        there = built.get(release.number) == release.relation
        if release.state is State.ABORTED and there:
            why = "it was aborted, and its relation is still there"
            steps.append(_unless_taken(target, release) or Retire(release=release, why=why))
        if release.state is State.BUILDING:
            steps.append(_of_build(target, release, op, older_than, there))
    owned = {release.relation for release in releases}
    steps += [Unowned(relation=relation) for relation in built.values() if relation not in owned]
    return Plan(what=f"clean {dataset.name}", steps=tuple(steps))


def _of_build(target: Target, release: Release, op: Operation, older_than: timedelta, there: bool) -> Step:
    age = op.now - release.created_at
    if age < older_than:
        return Keep(release=release, why=(f"it was begun {said(age)} ago, and may still be built",))
    kept = _unless_taken(target, release) if there else None
    return kept or Retire(release=release, why=f"it was begun {said(age)} ago and never finished")


def _unless_taken(target: Target, release: Release) -> Keep | None:
    """Return that a release stays whose relation is a table that a task had built: nobody else has those rows."""
    source = taken_as(target.store, release)
    if source is None:
        return None
    why = f"it holds the table that a task had built as {source}: stage again, or rename or drop it yourself"
    return Keep(release=release, why=(why,))
