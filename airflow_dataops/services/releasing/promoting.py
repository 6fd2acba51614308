"""Promote: a release goes live on the evidence of every gate that must stand behind it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import EvidenceMissing, IllegalTransition
from airflow_dataops.core.releases import (
    Action,
    GateRef,
    Operation,
    Release,
    ReleaseName,
    State,
    missing_evidence,
    transition,
)
from airflow_dataops.services.releasing.switching import reconcile, switch
from airflow_dataops.services.releasing.target import Outcome, Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database

log = logging.getLogger(__name__)

ANNOUNCED = "announced"


def promote(
    target: Target,
    name: ReleaseName,
    op: Operation,
    *,
    required: Sequence[GateRef],
    ungated: str | None = None,
    replace_newer: bool = False,
) -> Outcome:
    """Make a release live, given evidence from every required gate on its present content.

    :param required: the gates that must stand behind it.
    :param ungated: the reason for promoting where no gate is required.
    :param replace_newer: let an older release (by its data interval, else by its number) replace a newer one.
    :raises EvidenceMissing: a gate is missing, refused, or judged other data.
    :raises IllegalTransition: the release cannot go live, or only with a reason.
    :raises PublishConflict: another release went live while this one was being switched.
    :raises LockTimeout: the lock could not be had; names the blocker.
    """
    store, publisher = target.store, target.publisher
    dataset = store.releases.get(name).dataset
    reconcile(target, dataset)
    release, live = store.releases.get(name), store.releases.live(dataset.name)
    settled = _settled(target, release, live, op) or (None if replace_newer else _older(release, live))
    if settled is not None:
        return settled
    transition(Action.PROMOTE, release.state, release)
    judged = _judged_fingerprint(target, release, op, required, ungated)
    if live is None and publisher.adoptable(dataset.target):
        plain = ReleaseName(dataset=dataset.name, number=0)
        live = store.releases.adopt(plain, publisher.reader(dataset.target), State.LIVE, op)

    def verify(db: Database) -> None:
        if judged is not None and target.fingerprint(db, release.relation) != judged:
            raise EvidenceMissing(
                f"{release} has changed since its gates judged it: the fingerprint differs. Readers keep what is "
                "live. Stage it again, or clear the gate to judge it anew."
            )

    seconds = switch(target, release, live, op, Action.SUPERSEDE, verify)
    return Outcome(
        release=store.releases.get(name),
        switched=True,
        previous=live,
        message=f"{release} is live{f'; {live} is superseded' if live else ''}. Switched in {seconds * 1000:.0f} ms.",
    )


def announce(target: Target, name: ReleaseName, op: Operation) -> None:
    """Record that the news of this operation's switch is out, so that no rerun tells it again."""
    target.store.releases.note(name, ANNOUNCED, op)


def _settled(target: Target, release: Release, live: Release | None, op: Operation) -> Outcome | None:
    """Return what a promote that has happened before comes to, or ``None`` where there is something to do.

    :raises IllegalTransition: it was rolled back, which a promote that runs again must not undo.
    """
    dataset = release.dataset
    ours = target.publisher.switched(dataset.name, dataset.target, op.op_id) is not None
    if release.state is State.LIVE:
        # The try that switched may have been killed before it could tell.
        news = ours and target.store.releases.noted(ANNOUNCED, op.op_id) is None
        message = f"{release} is live: an earlier try has switched it." if news else f"{release} is live already."
        return Outcome(release=release, switched=news, message=message)
    if op.reason and not ours:
        return None
    if release.state is State.ROLLED_BACK:
        raise IllegalTransition(
            f"{release} was rolled back; {live or 'nothing'} is live. A promote that runs again does not undo that. "
            f"To make it live all the same: airflow dataops release promote {release} --reason '…'"
        )
    if release.state is State.SUPERSEDED:
        message = f"{release} was live, and {live or 'nothing'} has gone live since. Nothing changed."
        return Outcome(release=release, switched=False, message=message)
    return None


def _older(release: Release, live: Release | None) -> Outcome | None:
    """Return the no-op of a candidate that is older than what is live: of an earlier interval, or built earlier."""
    if live is None or release.state is not State.CANDIDATE:
        return None
    if live.interval_end and release.interval_end and release.interval_end != live.interval_end:
        older = release.interval_end < live.interval_end
        why = f"it holds data up to {release.interval_end}, {live} up to {live.interval_end}"
    else:
        older, why = release.number < live.number, "it was built earlier"
    if not older:
        return None
    message = (
        f"{release} is older than {live}, which is live: {why}. Nothing changed; "
        "to replace it all the same: replace_newer=True."
    )
    return Outcome(release=release, switched=False, message=message)


def _judged_fingerprint(
    target: Target, release: Release, op: Operation, required: Sequence[GateRef], ungated: str | None
) -> str | None:
    """Return the fingerprint that the evidence is for; ``None`` where no gate is required.

    :raises EvidenceMissing: with a line for each gate that does not stand behind it.
    """
    if not required:
        if not ungated:
            raise EvidenceMissing(
                f"{release} cannot be promoted: no gate stands upstream of it (one in shadow is no evidence). Put a "
                "GateOperator(release=…) before this task, name one in requires=, or say why none is needed with "
                "ungated='reason' (on the command line: --ungated)."
            )
        log.warning("%s is promoted without a gate: %s", release, ungated)
        return None
    evidence = target.store.gates.evidence(release=release.name)
    judged = {e.fingerprint for e in evidence if e.gate in required}
    present = judged.pop() if len(judged) == 1 else None
    if present is None:
        with target.connector.open(read_only=True) as db:
            present = target.fingerprint(db, release.relation)
    in_run = target.store.gates.evidence(key=op.key) if op.key.run_id else []
    missing = missing_evidence(
        required, [*evidence, *in_run], release=release.name, fingerprint=present, run_id=op.key.run_id
    )
    if missing:
        raise EvidenceMissing(
            f"{release} cannot be promoted: {'; '.join(missing)}. Readers keep what is live.", missing=missing
        )
    return present
