"""The switch's protocol: intent, switch, read back, finalise; and reconcile, which settles what a kill left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError, PublishConflict
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, Intent, Operation, Release, ReleaseName, State
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database

log = logging.getLogger(__name__)

CHOSEN = "chosen"
"""The event that remembers what a roll-back goes back to and what it undoes, whatever happens before its retry."""

ATTEMPTS = 5
"""How often a switch or a fence is tried again while concurrent reconciles move the epoch alone."""


def switch(
    target: Target,
    release: Release,
    live: Release | None,
    op: Operation,
    leaves: Action,
    verify: Callable[[Database], None],
) -> float:
    """Make ``release`` live in place of ``live`` and return the switch's own seconds.

    A fence by a concurrent reconcile moves the epoch alone: then the switch is tried again. A conflict with another
    release is not: it is told.

    :param leaves: what becomes of ``live``.
    :param verify: runs in the switch's transaction and raises to refuse.
    :raises PublishConflict: another release went live meanwhile.
    :raises LockTimeout: the lock could not be had; names the blocker.
    """
    before = pointer = _agreed_pointer(target, release.dataset, live)
    for _ in range(ATTEMPTS):
        intent = Intent(op=op, dataset=release.dataset, release=release.name, from_epoch=pointer.epoch, leaves=leaves)
        target.store.switches.intend(intent)
        started = time.monotonic()
        try:
            order = _order(target, release, pointer, op)
            switched = target.publisher.switch(order, verify)
        except PublishConflict as error:
            target.store.switches.clear(intent)
            conflict = error
            pointer = target.publisher.pointer(release.dataset.name, release.dataset.target)
            if pointer.release != before.release:
                raise
        except DataOpsError as error:
            # A lost connection may have lost a commit's answer: that intent stays, and reconcile looks it up.
            if not isinstance(error, MeasureError):
                target.store.switches.clear(intent)
            raise
        else:
            seconds = time.monotonic() - started
            _finalise(target, intent, switched.epoch)
            return seconds
    raise conflict


def _agreed_pointer(target: Target, dataset: Dataset, live: Release | None) -> Pointer:
    """Return the target's pointer if the store agrees with it on what is live.

    :raises PublishConflict: it does not.
    """
    pointer = target.publisher.pointer(dataset.name, dataset.target)
    if pointer.release is not None and pointer.release != (live.number if live else None):
        raise PublishConflict(
            f"{dataset.name}: the target says that r{pointer.release} is live, the store says {live or 'nothing'}. "
            f"Another operation is under way. Retry, or run: airflow dataops release reconcile {dataset.name}"
        )
    return pointer


def _order(target: Target, release: Release, pointer: Pointer, op: Operation) -> Switch:
    name = release.dataset.target
    order = Switch(
        dataset=release.dataset.name,
        reader=target.publisher.reader(name),
        relation=release.relation,
        release=release.number,
        expect=pointer.epoch,
        op_id=op.op_id,
        by=op.by,
        at=op.now,
        adopt=target.publisher.physical(name, 0) if pointer.release is None else None,
    )
    problems = target.publisher.preflight(order)
    if problems:
        raise ConfigurationError(f"{release} cannot go live: {'; '.join(problems)}. Readers keep what is live.")
    return order


def _finalise(target: Target, intent: Intent, epoch: int) -> None:
    adopted = target.publisher.physical(intent.dataset.target, 0)
    target.store.switches.finalise(intent, epoch=epoch, adopted=adopted)


def reconcile(target: Target, dataset: Dataset) -> list[str]:
    """Settle what killed processes left: finalise the switches that happened, fence and clear the others.

    Where the store still disagrees with the pointer afterwards, the pointer is right, and the store records it.

    :return: a line for each switch that was settled.
    """
    lines = []
    for intent in target.store.switches.intents(dataset.name):
        record = target.publisher.switched(dataset.name, dataset.target, intent.op.op_id)
        if record is None:
            record = _fence(target, dataset, intent)
        if record is not None:
            _finalise(target, intent, record.epoch)
            lines.append(f"{intent.release} was switched at epoch {record.epoch}; it is recorded now.")
            continue
        target.store.switches.clear(intent)
        lines.append(f"{intent.release} was never switched; the intent of {intent.op.now:%Y-%m-%d %H:%M:%S} is fenced.")
    lines += _follow_pointer(target, dataset)
    for line in lines:
        log.warning("Reconciled %s: %s", dataset.name, line)
    return lines


def _follow_pointer(target: Target, dataset: Dataset) -> list[str]:
    """Record the pointer's release as live where the store says another, whoever has switched it."""
    releases = target.store.releases
    pointer = target.publisher.pointer(dataset.name, dataset.target)
    live = releases.live(dataset.name)
    if pointer.release is None or pointer.relation is None or (live and live.number == pointer.release):
        return []
    record = target.publisher.last_switch(dataset.name, dataset.target)
    if record is None or record.release != pointer.release:  # it has moved since: the next operation looks again
        return []
    op = Operation(op_id=record.op_id, by=record.by, now=record.at, reason="found in the target's own log")
    name = ReleaseName(dataset=dataset.name, number=record.release)
    releases.adopt(name, Relation.parse(pointer.relation), State.SUPERSEDED, op)  # if another store has made it
    leaves = Action.ROLLBACK if releases.noted(CHOSEN, op.op_id) else Action.SUPERSEDE
    intent = Intent(op=op, dataset=dataset, release=name, from_epoch=record.epoch, leaves=leaves)
    _finalise(target, intent, record.epoch)
    return [f"the target says that {name} is live, where the store said {live or 'nothing'}; it is recorded now."]


def _fence(target: Target, dataset: Dataset, intent: Intent) -> SwitchRecord | None:
    """Raise the epoch so that the intent's switch must lose; return its record if it won meanwhile.

    :raises PublishConflict: the pointer kept moving.
    """
    for _ in range(ATTEMPTS):
        pointer = target.publisher.pointer(dataset.name, dataset.target)
        if pointer.epoch > intent.from_epoch:  # its compare-and-set has lost, or won before this read
            return target.publisher.switched(dataset.name, dataset.target, intent.op.op_id)
        try:
            target.publisher.fence(dataset.name, dataset.target, pointer.epoch)
        except PublishConflict:
            continue
        return None
    raise PublishConflict(f"{dataset.name}: the pointer keeps moving. Reconcile again in a moment.")
