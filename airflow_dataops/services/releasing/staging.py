"""Stage: a candidate is built beside what is live, or a table that a task has built is taken."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, PublishConflict
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, GateRef, Operation, Release, State, check_dataset
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Target

log = logging.getLogger(__name__)


def stage(
    target: Target,
    name: str,
    op: Operation,
    *,
    sql: str | None = None,
    relation: str | None = None,
    reader: str | None = None,
    interval_end: datetime | None = None,
    sources: Sequence[str] = (),
    gates: Sequence[GateRef] = (),
) -> Release:
    """Build a candidate from a SELECT, or take a table that a task has built, and record it.

    A second run of the same stage replaces its first candidate, unless that has gone live meanwhile.

    :param name: the dataset; its first stage binds it to this target.
    :param sql: a SELECT.
    :param relation: the name of a table to take; it is renamed to the release's own name.
    :param reader: the reader-facing name, where it is not the dataset's own.
    :param sources: the tables that ``sql`` reads.
    :param gates: the gates that stand behind this stage: a promotion from anywhere demands them.
    :raises ConfigurationError: neither or both are given, the dataset is bound to something else, or the table is
        missing, read by readers, or held by a release.
    :raises PublishConflict: an earlier candidate of this stage went live in this very moment.
    """
    if (sql is None) == (relation is None):
        raise ConfigurationError(
            f"Stage of {name}: give either sql= (a SELECT to build) or relation= (a table to take)."
        )
    dataset = _bound(target, name, reader or name, op)
    reconcile(target, dataset)
    source = Relation.parse(relation) if relation is not None else None
    if source is not None:
        taken = _taken_before(target, source, op)
        if taken is not None:
            return taken
        _refuse_needed(target, dataset, source)
    for earlier in target.store.releases.staged_by(op.op_id):
        _discard(target, earlier, replace(op, reason="the same task staged again"))
    release = target.store.releases.begin(
        name,
        lambda number: target.publisher.physical(dataset.target, number),
        op,
        interval_end=interval_end,
        sources=sources,
        gates=gates,
        above=_highest_taken(target, dataset),
    )
    log.info("Building %s in %s", release, release.relation)
    _make(target, release, source, sql or "", op)
    return _measured(target, release, op)


def _bound(target: Target, name: str, reader: str, op: Operation) -> Dataset:
    """Return the dataset, bound to this target at its first stage."""
    dataset = Dataset(
        name=check_dataset(name),
        conn_id=target.connector.label,
        publisher=target.publisher.name,
        target=reader,
        reader=str(target.publisher.reader(reader)),
    )
    target.store.releases.bind(dataset, op.now)
    return dataset


def _highest_taken(target: Target, dataset: Dataset) -> int:
    """Return the last of the next numbers whose relations are there, though this store has not made them."""
    newest = max((release.number for release in target.store.releases.of(dataset.name)), default=0)
    while target.publisher.exists(target.publisher.physical(dataset.target, newest + 1)):
        newest += 1
    return newest


def _make(target: Target, release: Release, source: Relation | None, sql: str, op: Operation) -> None:
    """Build or take the release's relation; a failure leaves nothing behind, or what the next try goes on from."""
    try:
        if source is None:
            target.publisher.build(release.relation, sql)
        else:
            target.publisher.take(source, release.relation)
    except Exception:
        # A table that was taken is the user's: should its answer alone have been lost, the next try finds it here.
        if source is None or not target.publisher.exists(release.relation):
            _discard(target, release, replace(op, reason="the build failed"), quietly=True)
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


def _refuse_needed(target: Target, dataset: Dataset, source: Relation) -> None:
    """Refuse to take away what readers read or a release counts on, however its name is written.

    :raises ConfigurationError: names who needs it.
    """
    found = target.publisher.resolve(source)
    for holder in target.store.releases.holding(dataset.conn_id, source.name):
        if found is not None and found == target.publisher.resolve(holder.relation):
            raise ConfigurationError(
                f"relation={str(source)!r} is held by {holder} ({holder.state}): a release never changes. "
                "Give the table that your task has built."
            )
    for other in target.store.releases.datasets():
        reader = target.publisher.reader(other.target)
        if other.conn_id == dataset.conn_id and found is not None and found == target.publisher.resolve(reader):
            raise ConfigurationError(
                f"relation={str(source)!r} is what readers of {other.name} read: taking it would leave them nothing. "
                "Have your task build a table beside it, and give that."
            )


def _discard(target: Target, release: Release, op: Operation, *, quietly: bool = False) -> None:
    """Drop a candidate that never went live, and record why.

    :param quietly: another error is on its way: if the drop fails too, leave the release for the next try to discard.
    :raises PublishConflict: it went live in this very moment.
    """
    try:
        target.publisher.drop(release.relation)
    except DataOpsError as error:
        if quietly:
            log.warning("Could not drop %s of %s: %s", release.relation, release, error)
            return
        if isinstance(error, ConfigurationError):
            raise PublishConflict(f"{release} cannot be staged again: {error}") from error
        raise
    target.store.releases.move(release.name, Action.ABORT, op)
