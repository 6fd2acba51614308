"""Diff: what a release's promotion would change for readers, told, stored and, by a policy, refused."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_dataops.core.diff_policy import DiffPolicy
from airflow_dataops.core.diff_words import headline_of
from airflow_dataops.core.diffs import Diff
from airflow_dataops.core.errors import ConfigurationError, IllegalTransition, MeasureError
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Operation, Release, ReleaseName, State
from airflow_dataops.core.schema_changes import schema_changes
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database
    from airflow_dataops.engines.sql.comparing import Comparison
    from airflow_dataops.engines.sql.watching import Watch
    from airflow_dataops.stores.diffs import DiffRun

log = logging.getLogger(__name__)

MOST_SAMPLES = 1000
_GONE = (State.BUILDING, State.ABORTED, State.RETIRED)


def diff(
    target: Target,
    name: ReleaseName,
    op: Operation,
    *,
    key: Sequence[str] = (),
    policy: DiffPolicy | None = None,
    samples: int = 0,
    watch: Watch | None = None,
) -> DiffRun:
    """Compare a release with what is live, in one snapshot; judge by the policy, and store.

    Where nothing is live yet, that is what the diff says. A release that is live itself is compared with what was live
    before it.

    :param key: the columns by which rows are told apart; without, only columns and the number of rows are compared.
    :param samples: how many keys to keep of those added, of those removed and of those changed; they are raw values.
    :param watch: runs the statements, and stops them when the task is killed.
    :raises IllegalTransition: the release's relation is not there (any more).
    :raises ConfigurationError: there is no such column, or the database is not supported.
    :raises MeasureError: the database could not compare.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or not 0 <= samples <= MOST_SAMPLES:
        raise ConfigurationError(f"samples={samples!r}: expected how many keys to keep, from 0 to {MOST_SAMPLES:,}.")
    release = target.store.releases.get(name)
    if release.state in _GONE:
        raise IllegalTransition(f"{release} is {release.state}: there is nothing to compare. Stage a new release.")
    base = _base(target, release)
    started = time.perf_counter()
    with target.connector.open(read_only=True) as db, db.snapshot():
        found = (
            _first(target, db, release, key)
            if base is None
            else _against(target, db, release, *base, key=key, samples=samples, watch=watch)
        )
    found = replace(found, seconds=time.perf_counter() - started)
    run = target.store.diffs.add((policy or DiffPolicy()).judged(found), op)
    log.info("Diff %d: %s: %s", run.id, release, headline_of(run.diff))
    return run


def refusal(run: DiffRun) -> str:
    """Return the line a refused release's task shows: what is refused, and what readers get meanwhile."""
    found = run.diff
    told = [*found.refused[:3], *([f"{len(found.refused) - 3} more"] if len(found.refused) > 3 else [])]
    return (
        f"Diff of {found.release} against {found.base_name} REFUSED: {'; '.join(told)}. "
        f"Candidate kept; {found.base_name} is still what readers get. Repair it and stage it again, or change "
        "what the diff asks (key, fail_on, max_changed) and clear this task."
    )


def _base(target: Target, release: Release) -> tuple[int, Relation] | None:
    """Return the number and the relation of what to compare with, by the target's own pointer."""
    dataset, publisher = release.dataset, target.publisher
    pointer = publisher.pointer(dataset.name, dataset.target)
    if pointer.release == release.number:
        # Where a killed promotion is not recorded yet, the store still has as live what was live before.
        before = target.store.releases.live(dataset.name)
        if before is None or before.number == release.number:
            before = target.store.releases.predecessor(release.name)
        if before is None:
            return None
        log.info("%s is live itself: compared with %s, which was live before it.", release, before)
        return before.number, before.relation
    if pointer.release is not None and pointer.relation is not None:
        return pointer.release, Relation.parse(pointer.relation)
    if publisher.adoptable(dataset.target):  # a plain table, which the first promotion makes release 0
        return 0, publisher.reader(dataset.target)
    return None


def _first(target: Target, db: Database, release: Release, key: Sequence[str]) -> Diff:
    """Return the diff of a release before which there was none.

    :raises ConfigurationError: it has no such column.
    """
    columns = db.columns(release.relation)
    if not columns:
        raise MeasureError(f"there is no table {release.relation}")
    known = {column.name.casefold() for column in columns}
    for name in key:
        if name.casefold() not in known:
            listed = ", ".join(column.name for column in columns)
            raise ConfigurationError(f"key={name!r}: there is no such column; the candidate has {listed}.")
    from airflow_dataops.engines.sql.dialects import rules_of

    rows = db.execute(f"SELECT COUNT(*) FROM {rules_of(db.dialect).relation(release.relation)}")[0][0]
    fingerprint = target.fingerprint(db, release.relation)
    return Diff(release=release.name, base=None, fingerprint=fingerprint, rows=int(rows), key=tuple(key))


def _against(
    target: Target,
    db: Database,
    release: Release,
    number: int,
    relation: Relation,
    *,
    key: Sequence[str],
    samples: int,
    watch: Watch | None,
) -> Diff:
    """Return the diff against another release."""
    from airflow_dataops.engines.sql.comparing import compare
    from airflow_dataops.engines.sql.dialects import rules_of

    found: Comparison = compare(db, relation, release.relation, key=key, samples=samples, watch=watch)
    return Diff(
        release=release.name,
        base=number,
        fingerprint=target.fingerprint(db, release.relation),
        rows=found.candidate_rows,
        base_rows=found.live_rows,
        schema=schema_changes(found.live, found.candidate, db.dialect, typed=rules_of(db.dialect).typed),
        key=found.key,
        keys=found.keys,
        obstacles=found.obstacles,
        columns=found.columns,
        samples=found.samples,
        statements=found.statements,
    )
