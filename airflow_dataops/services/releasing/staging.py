"""Stage: a candidate is built beside what is live, or a table that a task has built is taken."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from airflow_dataops.core.errors import ConfigurationError, DataOpsError
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, Operation, Release, State, check_dataset
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Target

log = logging.getLogger(__name__)


def stage(
    target: Target,
    dataset: Dataset,
    op: Operation,
    *,
    sql: str | None = None,
    relation: str | None = None,
    interval_end: datetime | None = None,
    sources: Sequence[str] = (),
) -> Release:
    """Build a candidate from a SELECT, or take a table that a task has built, and record it.

    A second run of the same stage replaces its first candidate, unless that has gone live meanwhile.

    :param sql: a SELECT.
    :param relation: the name of a table to take; it is renamed to the release's own name.
    :raises ConfigurationError: neither or both are given, the dataset is bound to something else, or the table is
        missing or held by a release.
    """
    check_dataset(dataset.name)
    if (sql is None) == (relation is None):
        raise ConfigurationError(
            f"Stage of {dataset.name}: give either sql= (a SELECT to build) or relation= (a table to take)."
        )
    target.store.releases.bind(dataset, op.now)
    reconcile(target, dataset)
    source = Relation.parse(relation) if relation is not None else None
    if source is not None:
        taken = _taken_before(target, source, op)
        if taken is not None:
            return taken
        _refuse_held(target, dataset, source)
    for earlier in target.store.releases.staged_by(op.op_id):
        _discard(target, earlier, replace(op, reason="the same task staged again"))
    release = target.store.releases.begin(
        dataset.name,
        lambda number: target.publisher.physical(dataset.target, number),
        op,
        interval_end=interval_end,
        sources=sources,
    )
    log.info("Building %s in %s", release, release.relation)
    try:
        if source is not None:
            target.publisher.take(source, release.relation)
        else:
            target.publisher.build(release.relation, sql or "")
        return _measured(target, release, op)
    except Exception:
        _discard(target, release, replace(op, reason="the build failed"))
        raise


def _measured(target: Target, release: Release, op: Operation) -> Release:
    """Record columns and fingerprint of what was built: it is a candidate now."""
    with target.connector.open(read_only=True) as db:
        columns = db.columns(release.relation)
        fingerprint = target.fingerprint(db, release.relation)
    built = target.store.releases.built(release, op, columns=columns, fingerprint=fingerprint)
    log.info("%s is a candidate: %d columns in %s", built, len(columns), built.relation)
    return built


def _taken_before(target: Target, source: Relation, op: Operation) -> Release | None:
    """Return what an earlier, killed or repeated run of this stage took, if the source has gone there."""
    if target.publisher.exists(source):
        return None
    for earlier in target.store.releases.staged_by(op.op_id):
        if target.publisher.exists(earlier.relation):
            return earlier if earlier.state is State.CANDIDATE else _measured(target, earlier, op)
    return None


def _refuse_held(target: Target, dataset: Dataset, source: Relation) -> None:
    holder = target.store.releases.holding(dataset.conn_id, source)
    if holder is not None:
        raise ConfigurationError(
            f"relation={str(source)!r} is held by {holder} ({holder.state}): a release never changes. "
            "Give the table that your task has built."
        )


def _discard(target: Target, release: Release, op: Operation) -> None:
    """Drop a candidate that never went live and record why; a target that is away must not hide the first error."""
    try:
        target.publisher.drop(release.relation)
    except DataOpsError as error:
        log.warning("Could not drop %s of %s: %s", release.relation, release, error)
    target.store.releases.move(release.name, Action.ABORT, op)
