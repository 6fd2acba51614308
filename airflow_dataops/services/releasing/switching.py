"""The switch's protocol: intent, switch, read back, finalise; and reconcile, which settles what a kill left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError, PublishConflict
from airflow_dataops.core.releases import Action, Dataset, Intent, Operation, Release
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database

log = logging.getLogger(__name__)

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
            target.store.switches.clear(op.op_id)
            conflict = error
            pointer = target.publisher.pointer(release.dataset.name, release.dataset.target)
            if pointer.release != before.release:
                raise
        except DataOpsError as error:
            # A lost connection may have lost a commit's answer: that intent stays, and reconcile looks it up.
            if not isinstance(error, MeasureError):
                target.store.switches.clear(op.op_id)
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
            "Another operation is under way, or another Airflow writes to this target. Retry; if it stays so: "
            f"airflow dataops release reconcile {dataset.name}"
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
        target.store.switches.clear(intent.op.op_id)
        lines.append(f"{intent.release} was never switched; the intent of {intent.op.now:%Y-%m-%d %H:%M:%S} is fenced.")
    for line in lines:
        log.warning("Reconciled %s: %s", dataset.name, line)
    return lines


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
