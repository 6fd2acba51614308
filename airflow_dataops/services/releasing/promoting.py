"""Promote: a release goes live on the evidence of every gate that must stand behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from airflow_dataops.core.approvals import ApprovalRef
from airflow_dataops.core.errors import ConfigurationError, EvidenceMissing, IllegalTransition, ReleaseNotFound
from airflow_dataops.core.freezes import frozen
from airflow_dataops.core.plans import Adopt, Freeze, Plan, Point, RequireGate, Step, Tell, Ungated
from airflow_dataops.core.releases import (
    NOT_YET_LIVE,
    OF_NOTHING,
    Action,
    Dataset,
    GateRef,
    Operation,
    Release,
    ReleaseName,
    State,
    missing_evidence,
    transition,
)
from airflow_dataops.services.releasing.approving import approved_fingerprint
from airflow_dataops.services.releasing.planning import examined, to_reconcile
from airflow_dataops.services.releasing.sets import Deed, all_or_none, refuse_apart
from airflow_dataops.services.releasing.switching import reconcile, refuse_lost
from airflow_dataops.services.releasing.target import Outcome, Target

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

ANNOUNCED = "announced"


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What is to go live, as whose operation.

    :param required: the gates that must stand behind it.
    :param approvals: the tasks whose approval is demanded beside those behind its stage; ``None`` goes without any.
    """

    name: ReleaseName
    op: Operation
    required: Sequence[GateRef]
    approvals: Sequence[ApprovalRef] | None = ()


def promote(
    target: Target,
    name: ReleaseName,
    op: Operation,
    *,
    required: Sequence[GateRef],
    approvals: Sequence[ApprovalRef] | None = (),
    ungated: str | None = None,
    replace_newer: bool = False,
    override_freeze: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> Outcome:
    """Make a release live by itself: the set of one of :func:`promote_all`."""
    (outcome,) = promote_all(
        target,
        [Promotion(name=name, op=op, required=required, approvals=approvals)],
        ungated=ungated,
        replace_newer=replace_newer,
        override_freeze=override_freeze,
        dry_run=dry_run,
        say=say,
    )
    return outcome


def promote_all(
    target: Target,
    promotions: Sequence[Promotion],
    *,
    ungated: str | None = None,
    replace_newer: bool = False,
    override_freeze: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> tuple[Outcome, ...]:
    """Make releases live, all or none, given evidence from every required gate on their present content.

    :param ungated: the reason for promoting where no gate is required.
    :param replace_newer: let an older release (by its data interval, else by its number) replace a newer one.
    :param override_freeze: promote in a freeze window, for the operation's reason.
    :param dry_run: print the plan and end as the promotion would, refusals included, but change nothing.
    :param say: prints a line of the plan.
    :raises Frozen: a freeze window holds.
    :raises EvidenceMissing: a gate or an approval is missing, refused, or for other data.
    :raises IllegalTransition: the release cannot go live, or only with a reason.
    :raises SetRefused: any of these, where they are several: every refusal of each.
    :raises ConfigurationError: no transaction holds them all, or something in the target stands against a switch.
    :raises PublishConflict: another release went live while this one was being switched.
    :raises LockTimeout: the lock could not be had; names the blocker.
    """
    target = target.looking() if dry_run else target
    store = target.store
    named = [store.releases.get(promotion.name) for promotion in promotions]
    refuse_apart(target, [release.dataset for release in named])
    for release in named:
        (refuse_lost if dry_run else reconcile)(target, release.dataset)

    def planned(promotion: Promotion) -> Deed | Outcome:
        name, op = promotion.name, promotion.op
        release, live = store.releases.get(name), store.releases.live(name.dataset)
        dataset = release.dataset
        settled = _settled(target, release, live, op) or (None if replace_newer else _older(release, live))
        if settled is not None:
            return replace(settled, switched=settled.switched and not dry_run)
        transition(Action.PROMOTE, release.state, release)
        first = (live is None or live.number == 0) and target.publisher.adoptable(dataset.target)
        _refuse_stale_base(target, release, live, adopts=first)
        freezes = _freezes(target, release, op, override_freeze)
        required = _own(store, release, promotion.required, [other for other in named if other.name != name])
        judged, gates = _judged_fingerprint(target, release, op, required, ungated)
        judged, approved = approved_fingerprint(target, release, judged, promotion.approvals, op)
        live = _plain(target, dataset, op) if first else live
        steps: list[Step] = [to_reconcile(target, dataset, dry_run=dry_run), *freezes, *gates, *approved]
        if first and live:
            steps.append(Adopt(release=live))
        steps.append(Point(release=release, live=live, leaves=Action.SUPERSEDE, fingerprint=judged))
        if op.key.task_id is not None:
            steps.append(Tell(dataset=dataset.name))
        plan = Plan(what=f"promote {release}", steps=tuple(steps), findings=examined(target, release, op))
        return Deed(plan=plan, op=op, release=release, done=partial(_done, store, release, live, op))

    return all_or_none(target, [partial(planned, each) for each in promotions], dry_run=dry_run, say=say)


def _done(store: Store, release: Release, live: Release | None, op: Operation, seconds: float) -> Outcome:
    """Return what has come of a switch, which ends an older canary."""
    overtake(store, release, op)
    superseded = f"; {live} is superseded" if live else ""
    return Outcome(
        release=store.releases.get(release.name),
        switched=True,
        previous=live,
        message=f"{release} is live{superseded}. Switched in {seconds * 1000:.0f} ms.",
    )


def required_gates(store: Store, release: Release) -> list[GateRef]:
    """Return the gates that a promotion from outside of its DAG demands: those behind its stage, and all that ran."""
    ran = (evidence.gate for evidence in store.gates.evidence(release=release.name))
    return sorted({*release.gates, *ran}, key=str)


def _own(store: Store, release: Release, required: Sequence[GateRef], others: Sequence[Release]) -> list[GateRef]:
    """Return the gates that a member of a set must have behind it: what vouches for another does not for this one.

    Left out is what has judged others of the set alone, and what stands behind the stages of others alone; never what
    stands behind its own stage.
    """
    shelf = store.gates
    here = {evidence.gate for evidence in shelf.evidence(release=release.name)}
    there = {evidence.gate for other in others for evidence in shelf.evidence(release=other.name)}
    there |= {gate for other in others for gate in other.gates}
    return [gate for gate in required if gate in here or gate in release.gates or gate not in there]


def announce(target: Target, *news: tuple[ReleaseName, Operation]) -> None:
    """Record that the news of these operations' switches is out, so that no rerun tells it again."""
    for name, op in news:
        target.store.releases.note(name, ANNOUNCED, op)


def overtake(store: Store, release: Release, op: Operation) -> None:
    """Take a canary back from its consumers that is older than what has gone live."""
    found = store.releases.canary(release.dataset.name)
    if found is not None and found[0].number < release.number:
        store.releases.move(found[0].name, Action.UNROUTE, replace(op, reason=f"{release} went live"))


def _settled(target: Target, release: Release, live: Release | None, op: Operation) -> Outcome | None:
    """Return what a promote that has happened before comes to, or ``None`` where there is something to do.

    :raises IllegalTransition: it was rolled back, which a promote that runs again must not undo.
    """
    dataset = release.dataset
    ours = target.publisher.switched(dataset.name, dataset.target, op.op_id) is not None
    if release.state is State.LIVE:
        # The try that switched may have been killed before it could tell.
        news = ours and target.store.releases.noted(ANNOUNCED, op.op_id) is None
        if ours:
            overtake(target.store, release, op)
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
        return Outcome(release=release, switched=False, message=message, overtaken=True)
    return None


def _older(release: Release, live: Release | None) -> Outcome | None:
    """Return the no-op of a candidate that is older than what is live: of an earlier interval, or built earlier."""
    if live is None or release.state not in NOT_YET_LIVE:
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
    return Outcome(release=release, switched=False, message=message, overtaken=True)


def _refuse_stale_base(target: Target, release: Release, live: Release | None, *, adopts: bool) -> None:
    """Refuse a candidate that keeps rows of what is not live any more, or holds a part of what is live now.

    :param adopts: the first switch adopts a plain table.
    :raises IllegalTransition: names both.
    """
    if release.state not in NOT_YET_LIVE or release.base is None:
        return
    present = live.number if live else 0 if adopts else OF_NOTHING
    if release.base == present and not (adopts and _handed_back_since(target, release)):
        return
    kept = f"{release.dataset.name}@r{release.base}" if release.base != OF_NOTHING else None
    held = f"keeps rows of {kept}, which is not live any more" if kept else "holds one part alone, built on nothing"
    raise IllegalTransition(
        f"{release} {held}; {live or 'nothing'} is. Readers keep that. Clear the stage task: it then builds on "
        f"{live or 'what readers get'}."
    )


def _handed_back_since(target: Target, release: Release) -> bool:
    """Return whether a table was adopted and handed back since the release was built: it may have been written to."""
    try:
        events = target.store.releases.events(ReleaseName(dataset=release.dataset.name, number=0))
    except ReleaseNotFound:
        return False
    return any(event["action"] == Action.UNADOPT and event["at"] > release.created_at for event in events)


def _freezes(target: Target, release: Release, op: Operation, override: bool) -> list[Step]:
    """Return the freeze window that holds now, overridden or not.

    :raises ConfigurationError: it is to be overridden without a reason.
    """
    if override and not op.reason:
        raise ConfigurationError(f"{release}: override_freeze needs a reason, which is recorded. Give reason= with it.")
    window = frozen(target.freezes(), op.now)
    if window is None:
        return []
    return [Freeze(release=release.name, window=window.text, overridden=op.reason if override else None)]


def _plain(target: Target, dataset: Dataset, op: Operation) -> Release:
    """Return the plain table under the reader-facing name as release 0, as the switch will have adopted it."""
    relation = target.publisher.physical(dataset.target, 0)
    return Release(
        dataset=dataset, number=0, relation=relation, state=State.LIVE, op_id=op.op_id, created_at=op.now, key=op.key
    )


def _judged_fingerprint(
    target: Target, release: Release, op: Operation, required: Sequence[GateRef], ungated: str | None
) -> tuple[str | None, list[Step]]:
    """Return the fingerprint that the evidence is for, ``None`` where no gate is required, and how each gate stands.

    :raises EvidenceMissing: no gate is required, and nothing says why.
    """
    if not required:
        if not ungated:
            raise EvidenceMissing(
                f"{release} cannot be promoted: no gate stands upstream of it (one in shadow, or of another release, "
                "is no evidence). Put a GateOperator(release=…) before this task, name one in requires=, or say why "
                "none is needed with ungated='reason' (on the command line: --ungated)."
            )
        log.warning("%s is promoted without a gate: %s", release, ungated)
        return None, [Ungated(reason=ungated)]
    evidence = target.store.gates.evidence(release=release.name)
    judged = {e.fingerprint for e in evidence if e.gate in required}
    present = judged.pop() if len(judged) == 1 else None
    if present is None:
        with target.connector.open(read_only=True) as db:
            present = target.fingerprint(db, release.relation)
    in_run = target.store.gates.evidence(key=op.key) if op.key.run_id else []
    gates: list[Step] = []
    for gate in required:
        missing = missing_evidence(
            [gate], [*evidence, *in_run], release=release.name, fingerprint=present, run_id=op.key.run_id
        )
        gates.append(RequireGate(gate=gate, missing="; ".join(missing) or None))
    return present, gates
