"""The switch's protocol: intent, switch, read back, finalise; and reconcile, which settles what a kill left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import (
    ConfigurationError,
    DataOpsError,
    IllegalTransition,
    MeasureError,
    PublishConflict,
)
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import (
    Action,
    Dataset,
    Intent,
    Operation,
    Release,
    ReleaseName,
    State,
    op_id,
)
from airflow_dataops.core.switching import Pointer, Switch, SwitchRecord
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database

log = logging.getLogger(__name__)

CHOSEN = "chosen"
"""The event that remembers what a roll-back goes back to and what it undoes, whatever happens before its retry."""

ATTEMPTS = 5
"""How often a switch or a fence is tried again while concurrent reconciles move the epoch alone."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One dataset's part in what is switched together.

    :param live: what ``release`` takes the place of.
    :param leaves: what becomes of ``live``; UNADOPT hands ``release``, the plain table, back instead.
    :param verify: runs in the switch's transaction and raises to refuse.
    """

    release: Release
    live: Release | None
    op: Operation
    leaves: Action
    verify: Callable[[Database], None]

    @property
    def dataset(self) -> Dataset:
        return self.release.dataset


def switch(target: Target, turns: Sequence[Turn]) -> float:
    """Make each release live in place of what was, all or none, and return the switch's own seconds.

    A fence by a concurrent reconcile moves the epoch alone: then the switch is tried again. A conflict with another
    release is not: it is told.

    :raises PublishConflict: another release went live meanwhile.
    :raises LockTimeout: a lock could not be had; names the blocker.
    """
    agreed = pointers = [_agreed_pointer(target, turn.dataset, turn.live) for turn in turns]
    together = tuple(turn.release.name for turn in turns) if len(turns) > 1 else ()
    for _ in range(ATTEMPTS):
        intents = [_intent(turn, pointer, together) for turn, pointer in zip(turns, pointers, strict=True)]
        for intent in intents:
            target.store.switches.intend(intent)
        started = time.monotonic()
        try:
            switched = _switched(target, turns, pointers)
        except PublishConflict as error:
            _clear(target, intents)
            conflict = error
            pointers = [target.publisher.pointer(turn.dataset.name, turn.dataset.target) for turn in turns]
            last = [target.publisher.last_switch(turn.dataset.name, turn.dataset.target) for turn in turns]
            # Not the release alone: it may have gone and come back, and its events would be told in the wrong order.
            if any(each and each.epoch > before.epoch for each, before in zip(last, agreed, strict=True)):
                raise
        except DataOpsError as error:
            # A lost connection may have lost a commit's answer: that intent stays, and reconcile looks it up.
            if not isinstance(error, MeasureError):
                _clear(target, intents)
            raise
        else:
            seconds = time.monotonic() - started
            for intent, pointer in zip(intents, switched, strict=True):
                _finalise(target, intent, pointer.epoch)
            return seconds
    raise conflict


def _intent(turn: Turn, pointer: Pointer, together: tuple[ReleaseName, ...]) -> Intent:
    return Intent(
        op=turn.op,
        dataset=turn.dataset,
        release=turn.release.name,
        from_epoch=pointer.epoch,
        leaves=turn.leaves,
        together=together,
    )


def _switched(target: Target, turns: Sequence[Turn], pointers: Sequence[Pointer]) -> Sequence[Pointer]:
    """Let the publisher do it, and return the pointers."""
    orders = [_order(target, turn, pointer) for turn, pointer in zip(turns, pointers, strict=True)]
    if len(turns) > 1:
        return target.publisher.switch_all([(order, turn.verify) for order, turn in zip(orders, turns, strict=True)])
    if turns[0].leaves is Action.UNADOPT:
        return [target.publisher.hand_back(orders[0])]
    return [target.publisher.switch(orders[0], turns[0].verify)]


def _clear(target: Target, intents: Sequence[Intent]) -> None:
    for intent in intents:
        target.store.switches.clear(intent)


def _agreed_pointer(target: Target, dataset: Dataset, live: Release | None) -> Pointer:
    """Return the target's pointer if the store has recorded every switch up to it, and ``live`` is what it says.

    So switches are recorded in the order in which they are made.

    :raises PublishConflict: it has not.
    :raises ConfigurationError: the target's log is gone or away.
    """
    pointer = target.publisher.pointer(dataset.name, dataset.target)
    last = target.publisher.last_switch(dataset.name, dataset.target)
    if last is None and pointer.release is None:
        refuse_lost(target, dataset)
    recorded = last is None or target.store.switches.recorded(last.op_id)
    if pointer.release is not None and (not recorded or pointer.release != (live.number if live else None)):
        raise PublishConflict(
            f"{dataset.name}: the target says that r{pointer.release} is live, the store says {live or 'nothing'}"
            f"{'' if recorded else ', and has not recorded the last switch yet'}. "
            f"Another operation is under way. Retry, or run: airflow dataops release reconcile {dataset.name}"
        )
    return pointer


def order_of(target: Target, release: Release, pointer: Pointer, op: Operation, *, goes_back: bool = False) -> Switch:
    """Return the order to make ``release`` live from where the pointer is."""
    name = release.dataset.target
    return Switch(
        dataset=release.dataset.name,
        reader=target.publisher.reader(name),
        relation=release.relation,
        release=release.number,
        expect=pointer.epoch,
        op_id=op.op_id,
        by=op.by,
        at=op.now,
        adopt=target.publisher.physical(name, 0) if pointer.release is None else None,
        goes_back=goes_back,
    )


def _order(target: Target, turn: Turn, pointer: Pointer) -> Switch:
    order = order_of(target, turn.release, pointer, turn.op, goes_back=turn.leaves is Action.ROLLBACK)
    problems = target.publisher.preflight(order)
    if problems:
        # Whoever switched first is what stands in the way, or has put it there.
        if target.publisher.pointer(order.dataset, turn.dataset.target).epoch != pointer.epoch:
            raise PublishConflict(" ".join(problems))
        raise ConfigurationError(f"{turn.release} cannot go live: {' '.join(problems)} Readers keep what is live.")
    return order


def _finalise(target: Target, intent: Intent, epoch: int, after: str | None = None) -> bool:
    adopted = target.publisher.physical(intent.dataset.target, 0)
    return target.store.switches.finalise(intent, epoch=epoch, adopted=adopted, after=after)


def reconcile(target: Target, dataset: Dataset) -> list[str]:
    """Settle what killed processes left: finalise the switches that happened, fence and clear the others.

    Where the store still disagrees with the pointer afterwards, the pointer is right, and the store records it.

    :return: a line for each switch that was settled.
    :raises ConfigurationError: the target's log is gone or away.
    """
    lines = []
    intents = target.store.switches.intents(dataset.name)
    if intents:
        refuse_lost(target, dataset)
    for intent in intents:
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


def stranded(target: Target, dataset: Dataset) -> tuple[str, ...]:
    """Return a line for each switch that :func:`reconcile` would settle, by looking alone."""
    lines = []
    for intent in target.store.switches.intents(dataset.name):
        record = target.publisher.switched(dataset.name, dataset.target, intent.op.op_id)
        done = (
            f"was switched at epoch {record.epoch}, which is not recorded" if record else "is intended and not switched"
        )
        lines.append(f"{intent.release} {done}")
    pointer, live = target.publisher.pointer(dataset.name, dataset.target), target.store.releases.live(dataset.name)
    if not lines and pointer.release is not None and pointer.release != (live.number if live else None):
        lines.append(f"the target says that r{pointer.release} is live, the store says {live or 'nothing'}")
    return tuple(lines)


def _follow_pointer(target: Target, dataset: Dataset) -> list[str]:
    """Record the pointer's release as live where the store says another, whoever has switched it."""
    releases, switches = target.store.releases, target.store.switches
    pointer = target.publisher.pointer(dataset.name, dataset.target)
    record = target.publisher.last_switch(dataset.name, dataset.target)
    if record is None and pointer.release is None:
        refuse_lost(target, dataset)
    if pointer.release is None or pointer.relation is None or record is None:
        return []
    if record.release != pointer.release:  # it has moved since: the next operation looks again
        return []
    # In this order: where the last switch is recorded and another release live, that one is newer, or undone.
    recorded, newest = switches.recorded(record.op_id), switches.newest(dataset.name)
    live = releases.live(dataset.name)
    if live and live.number == pointer.release and recorded:
        return []
    op = Operation(op_id=record.op_id, by=record.by, now=record.at, reason="found in the target's own log")
    name = ReleaseName(dataset=dataset.name, number=record.release)
    if recorded and target.publisher.pointer(dataset.name, dataset.target) != pointer:
        return []
    releases.adopt(name, Relation.parse(pointer.relation), State.SUPERSEDED, op)  # if another store has made it
    if recorded:
        return _set_back(target, dataset, name, record, live, newest)
    leaves = Action.ROLLBACK if releases.noted(CHOSEN, op.op_id) else Action.SUPERSEDE
    intent = Intent(op=op, dataset=dataset, release=name, from_epoch=record.epoch, leaves=leaves)
    # Whoever switched may be about to record it, and knows more of it than the target does.
    known = (intent for intent in switches.intents(dataset.name) if intent.op.op_id == record.op_id)
    _finalise(target, next(known, intent), record.epoch)
    return [f"the target says that {name} is live, where the store said {live or 'nothing'}; it is recorded now."]


def _set_back(
    target: Target, dataset: Dataset, name: ReleaseName, record: SwitchRecord, live: Release | None, newest: str | None
) -> list[str]:
    """Record that the target is again where a switch that is recorded had brought it, as from a backup.

    :param newest: the newest recorded switch, which the target knows nothing of: so this is recorded once.
    """
    op = Operation(
        op_id=op_id("set back", record.op_id, newest),
        by=record.by,
        now=record.at,
        reason="the target was set back to what this switch had made of it",
    )
    gone = _retire_gone(target, dataset, [State.SUPERSEDED], op, besides=name)
    intent = Intent(op=op, dataset=dataset, release=name, from_epoch=record.epoch, leaves=Action.ROLLBACK)
    if not _finalise(target, intent, record.epoch, after=newest):
        return gone
    return [f"the target was set back to {name}, where the store said {live or 'nothing'}; it is recorded now.", *gone]


def _retire_gone(
    target: Target, dataset: Dataset, states: Sequence[State], op: Operation, besides: ReleaseName | None = None
) -> list[str]:
    """Retire what the target does not have any more: nobody goes back to it."""
    lines = []
    for release in target.store.releases.of(dataset.name, states=states, limit=10**6):
        if release.name == besides or target.publisher.exists(release.relation):
            continue
        with suppress(IllegalTransition):  # another who reconciles was first
            target.store.releases.move(release.name, Action.RETIRE, op)
            lines.append(f"{release} is not in the target any more; it is retired.")
    return lines


def refuse_lost(target: Target, dataset: Dataset) -> None:
    """Refuse a target that does not know of the switch by which the live release went live.

    :raises ConfigurationError: says what to do if it is away, and what if it is lost.
    """
    live = _lost(target, dataset)
    if live is not None:
        raise ConfigurationError(
            f"{dataset.name}: {live} is live, and the target's log of switches is gone or away: it says nothing of it. "
            f"Nothing is built or switched. Mount or restore what holds {dataset.reader} in {dataset.conn_id!r}, and "
            "run this again. If it is lost for ever and is to be built anew: "
            f"airflow dataops release reconcile {dataset.name} --lost --reason '…'"
        )


def _lost(target: Target, dataset: Dataset) -> Release | None:
    """Return the live release if a switch has made it live, and the target has no log and no pointer."""
    live = target.store.releases.live(dataset.name)
    if live is None or target.publisher.last_switch(dataset.name, dataset.target) is not None:
        return None
    if target.publisher.pointer(dataset.name, dataset.target).release is not None:
        return None
    events = target.store.releases.events(live.name)
    gained = [e["action"] for e in events if e["to_state"] == State.LIVE != e["from_state"]]
    # A plain table is live from its adoption on, before its first switch.
    return None if gained[-1:] == [Action.ADOPT] else live


def give_up(target: Target, dataset: Dataset, op: Operation) -> list[str]:
    """Record that the target was lost for ever: nothing is live then, and the next promotion is a first one.

    :return: a line for each release that was lost.
    :raises ConfigurationError: it is not lost.
    """
    live = _lost(target, dataset)
    if live is None:
        raise ConfigurationError(
            f"{dataset.name} is not lost: its target has its log of switches, or nothing was live there. "
            f"To settle what killed processes left: airflow dataops release reconcile {dataset.name}"
        )
    states = [State.SUPERSEDED, State.ROLLED_BACK]
    lines = _retire_gone(target, dataset, states, op)
    target.store.releases.move(live.name, Action.ROLLBACK, op)
    lines += [f"{live} is not live any more: it was lost with its target.", *_retire_gone(target, dataset, states, op)]
    return lines + reconcile(target, dataset)


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
