"""Stage: a candidate is built beside what is live, or a table that a task has built is taken."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.approvals import ApprovalRef
from airflow_dataops.core.errors import (
    ConfigurationError,
    DataOpsError,
    IllegalTransition,
    PublishConflict,
    RelationTaken,
)
from airflow_dataops.core.relations import Relation, check_name
from airflow_dataops.core.releases import (
    OF_NOTHING,
    Action,
    Dataset,
    GateRef,
    Operation,
    Release,
    State,
    check_dataset,
)
from airflow_dataops.services.releasing.incremental import Part
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database
    from airflow_dataops.engines.sql.watching import Watch
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

TAKEN = "taken"
"""The event that a release's table is one that a task had built, under which name: nobody drops it unasked."""


def stage(
    target: Target,
    name: str,
    op: Operation,
    *,
    sql: str | None = None,
    relation: str | None = None,
    reader: str | None = None,
    replace_where: str | None = None,
    interval_end: datetime | None = None,
    sources: Sequence[str] = (),
    gates: Sequence[GateRef] = (),
    approvals: Sequence[ApprovalRef] = (),
    watch: Watch | None = None,
    frozen_by: str | None = None,
) -> Release:
    """Build a candidate from a SELECT, or take a table that a task has built, and record it.

    A second run of the same stage replaces its first candidate, unless that has gone live meanwhile.

    :param name: the dataset; its first stage binds it to this target.
    :param sql: a SELECT.
    :param relation: the name of a table to take; it is renamed to the release's own name.
    :param reader: the reader-facing name, where it is not the dataset's own.
    :param replace_where: a SQL condition: ``sql`` gives the rows that meet it, all others are kept of what is live.
    :param sources: the tables that ``sql`` reads.
    :param gates: the gates that stand behind this stage: a promotion from anywhere demands them.
    :param approvals: the tasks behind this stage that ask people: a promotion from anywhere demands their approval.
    :param watch: runs the build, says that it still runs, and stops it when the task is killed.
    :param frozen_by: lets the database refuse changes of the release, by ``triggers`` or ``grants``.
    :raises ConfigurationError: neither or both are given, the dataset is bound to something else, or the table is
        missing, read by readers, or held by a release.
    :raises PublishConflict: an earlier candidate of this stage went live in this very moment.
    """
    if frozen_by is not None:
        target = replace(target, publisher=target.publisher.freezing(frozen_by))
    takes = target.publisher.takes
    if (sql is None) == (relation is None):
        raise ConfigurationError(
            f"Stage of {name}: give either sql= (a SELECT to build) or {takes}= (what a task has built, to take)."
        )
    if replace_where is not None and sql is None:
        raise ConfigurationError(f"Stage of {name}: replace_where goes with sql=; a table that is taken is the whole.")
    _check_arguments(sql=sql, taken=relation, takes=takes, target=reader)
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
    part = _part(target, dataset, replace_where, op)
    release = target.store.releases.begin(
        name,
        lambda number: target.publisher.physical(dataset.target, number),
        op,
        interval_end=_latest(interval_end, part.base.interval_end) if part else interval_end,
        sources=sources,
        gates=gates,
        base=part.base.number if part else None if replace_where is None else OF_NOTHING,
        approvals=approvals,
        above=_highest_taken(target, dataset),
    )
    if source is not None:
        target.store.releases.note(release.name, TAKEN, op, source=str(source))
    log.info("Building %s in %s%s", release, release.relation, f", on {part.base}" if part else "")
    _make(target, release, source, sql or "", op, part, watch)
    try:
        return _measured(target, release, op)
    except IllegalTransition:
        # Another run of this stage has discarded the release while this one built it: nobody would find its table.
        if source is None:
            _dropped(target, release)
        raise


def _check_arguments(*, sql: object, taken: object, takes: str, target: object) -> None:
    """Refuse what is no text, or cannot be a name.

    :raises ConfigurationError: names the argument.
    """
    if sql is not None and (not isinstance(sql, str) or not sql.strip() or "\x00" in sql):
        found = "holds a NUL" if isinstance(sql, str) and sql.strip() else f"is {sql!r:.80}"
        raise ConfigurationError(f"sql {found}: expected the text of a SELECT.")
    if taken is not None:
        check_name(takes, taken)
    if target:
        check_name("target", target)


def _part(target: Target, dataset: Dataset, replace_where: str | None, op: Operation) -> Part | None:
    """Return what is built anew, if readers get something of which the rest can be kept."""
    if replace_where is None:
        return None
    from airflow_dataops.engines.sql.sources import one_expression

    where = one_expression(replace_where, target.connector.dialect, "replace_where")
    live = target.store.releases.live(dataset.name)
    if live is None and target.publisher.adoptable(dataset.target):
        plain = target.publisher.reader(dataset.target)
        live = Release(
            dataset=dataset, number=0, relation=plain, state=State.LIVE, op_id=op.op_id, created_at=op.now, key=op.key
        )
    if live is None:
        log.info("Nothing of %s is live yet: sql= is the whole.", dataset.name)
        return None
    return Part(where=where, base=live)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two ends: what keeps rows of a release reaches as far as that."""
    return max(one, other) if one and other else one or other


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


def _make(
    target: Target,
    release: Release,
    source: Relation | None,
    sql: str,
    op: Operation,
    part: Part | None,
    watch: Watch | None,
) -> None:
    """Build or take the release's relation; a failure leaves nothing behind, or what the next try goes on from."""

    def run(db: Database, statement: str) -> None:
        if watch is None:
            db.execute(statement)
        else:
            watch.run(db, lambda session: session.execute(statement), f"The build of {release}")

    try:
        if source is not None:
            target.publisher.take(source, release.relation)
        elif part is None:
            target.publisher.build(release.relation, sql, run)
        else:
            with target.connector.open(read_only=True) as db:
                rows, whole = part.rows(db, sql), part.sql(db, sql)
            if not target.publisher.build_part(release.relation, part.base.relation, part.where, rows, run):
                target.publisher.build(release.relation, whole, run)
            with target.connector.open(read_only=True) as db:
                part.verify(db, release)
    except RelationTaken:
        taken = replace(op, reason="its table's name was taken")
        for action in (Action.ABORT, Action.RETIRE):  # retired: nobody takes that table for its own, and drops it
            target.store.releases.move(release.name, action, taken)
        raise
    except Exception:
        # A table that was taken is the user's: should its answer alone have been lost, the next try finds it here.
        if source is None or not target.publisher.exists(release.relation):
            with suppress(IllegalTransition):  # another run of this stage has discarded it
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
    found, takes = target.publisher.resolve(source), target.publisher.takes
    if found is None:
        return
    for holder in target.store.releases.holding(dataset.conn_id, found.name):
        if found == target.publisher.resolve(holder.relation):
            raise ConfigurationError(
                f"{takes}={str(source)!r} is held by {holder} ({holder.state}): a release never changes. "
                "Give the table that your task has built."
            )
    for other in target.store.releases.datasets():
        if other.conn_id != dataset.conn_id:
            continue
        if found == target.publisher.resolve(target.publisher.reader(other.target)):
            raise ConfigurationError(
                f"{takes}={str(source)!r} is what readers of {other.name} read: taking it would leave them nothing. "
                "Have your task build a table beside it, and give that."
            )


def _discard(target: Target, release: Release, op: Operation, *, quietly: bool = False) -> None:
    """Drop a candidate that never went live, and record why.

    :param quietly: another error is on its way: if the drop fails too, leave the release for the next try to discard.
    :raises PublishConflict: it went live in this very moment.
    """
    if quietly:
        if not _dropped(target, release):
            return
    else:
        try:
            target.publisher.drop(release.relation)
        except ConfigurationError as error:
            raise PublishConflict(f"{release} cannot be staged again: {error}") from error
    target.store.releases.move(release.name, Action.ABORT, op)


def _dropped(target: Target, release: Release) -> bool:
    """Drop a release's table while another error is on its way; return whether that could be done, or log why not."""
    try:
        target.publisher.drop(release.relation)
    except DataOpsError as error:
        log.warning("Could not drop %s of %s: %s", release.relation, release, error)
        return False
    return True


def taken_as(store: Store, release: Release) -> str | None:
    """Return the name under which a task had built the release's table; ``None`` if it was built from a SELECT."""
    events = store.releases.events(release.name)
    return next((event["detail"]["source"] for event in events if event["action"] == TAKEN), None)
