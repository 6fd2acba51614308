"""A plan is refused where something stands against it, and else taken, step by step, as it was printed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import (
    ConfigurationError,
    DataOpsError,
    EvidenceMissing,
    Frozen,
    IllegalTransition,
    MeasureError,
    SetRefused,
)
from airflow_dataops.core.plans import (
    Adopt,
    Finding,
    Freeze,
    Plan,
    Point,
    Reconcile,
    RequireApproval,
    Retire,
    Step,
    Ungated,
    Unroute,
    explain,
)
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, Operation, Release, State
from airflow_dataops.services.releasing.switching import CHOSEN, Turn, order_of, stranded, switch
from airflow_dataops.services.releasing.target import Target

if TYPE_CHECKING:
    from airflow_dataops.core.ports import Database

log = logging.getLogger(__name__)

OVERRIDDEN = "override freeze"
"""The event that a promotion was let through a freeze window, and why."""

UNAPPROVED = "unapproved"
"""The event that a promotion was let through without the approval of people; its reason says why."""

DRY = "Dry run: nothing was changed."


def to_reconcile(target: Target, dataset: Dataset, *, dry_run: bool) -> Reconcile:
    """Return a plan's first step: what is still stranded in a dry run; a real one has reconciled before it plans."""
    return Reconcile(dataset=dataset.name, stranded=stranded(target, dataset) if dry_run else ())


def examined(target: Target, release: Release, op: Operation, *, goes_back: bool = False) -> tuple[Finding, ...]:
    """Return the preflight's report on making ``release`` live, or on going back to it."""
    pointer = target.publisher.pointer(release.dataset.name, release.dataset.target)
    return target.publisher.report(order_of(target, release, pointer, op, goes_back=goes_back))


def carry_out(
    target: Target,
    plans: Sequence[tuple[Plan, Operation]],
    *,
    dry_run: bool,
    say: Callable[[str], None] = log.info,
    refusals: Sequence[DataOpsError] = (),
) -> float:
    """Print the plans, refuse them where something stands against one, and take their steps; a dry run takes none.

    What they point to a release, they switch together.

    :param say: prints one line.
    :param refusals: what was refused before there was a plan of it.
    :return: the seconds that the switch itself took; 0 where there was none.
    :raises Frozen: a freeze window holds.
    :raises EvidenceMissing: a gate is missing, refused, or judged other data.
    :raises ConfigurationError: something in the target stands against the switch.
    :raises SetRefused: any of these, where the plans are several.
    """
    if len(plans) > 1:
        say(f"A release set, all or none, in one transaction: {'; '.join(plan.what for plan, _ in plans)}")
    for plan, _ in plans:
        for line in explain(plan):
            say(line)
    _refuse([plan for plan, _ in plans], refusals)
    if dry_run:
        return 0.0
    turns = [turn for plan, op in plans for step in plan.steps if (turn := _take(target, step, op, plan, say))]
    return switch(target, turns) if turns else 0.0


def _take(target: Target, step: Step, op: Operation, plan: Plan, say: Callable[[str], None]) -> Turn | None:
    """Take a step; the one that switches is returned instead, to be made together with others."""
    match step:
        case Freeze():
            if target.store.releases.noted(OVERRIDDEN, op.op_id) is None:
                target.store.releases.note(step.release, OVERRIDDEN, op, window=step.window)
        case RequireApproval(waived=str()):
            target.store.releases.note(step.release, UNAPPROVED, op, missing=list(step.missing))
        case Adopt():
            plain = Relation.parse(step.release.dataset.reader)
            target.store.releases.adopt(step.release.name, plain, State.LIVE, op)
        case Point():
            return _turn(target, step, _explained(plan, op))
        case Unroute():
            target.store.releases.move(step.release.name, Action.UNROUTE, op)
        case Retire():
            _retire(target, step, op, say)
        case _:  # what was looked at when the plan was made, and what the task itself does
            pass
    return None


def _refuse(plans: Sequence[Plan], before: Sequence[DataOpsError]) -> None:
    """Raise what stands against the plans: against one by itself the first, against a set all."""
    refusals = [*before, *(refusal for plan in plans for refusal in _refusals(plan))]
    if not refusals:
        return
    if len(plans) == 1 and not before:
        raise refusals[0]
    lines = " ".join(f"{number}. {refusal}" for number, refusal in enumerate(refusals, start=1))
    raise SetRefused(
        f"The release set goes all or none, and nothing of it was switched: {lines}", refusals=tuple(refusals)
    )


def _refusals(plan: Plan) -> Iterator[DataOpsError]:
    """Yield what stands against a plan."""
    for step in plan.steps:
        if isinstance(step, Freeze) and not step.overridden:
            yield Frozen(
                f"{step.release} cannot be promoted: the freeze window {step.window} holds. Readers keep what is live. "
                "Roll-backs are allowed; to promote all the same, give override_freeze=True with a reason= (on the "
                "command line: --override-freeze).",
                window=step.window,
            )
        if isinstance(step, Point) and plan.missing:
            yield EvidenceMissing(
                f"{step.release} cannot be promoted: {'; '.join(plan.missing)}. Readers keep what is live.",
                missing=plan.missing,
            )
        if isinstance(step, Point) and plan.obstacles:
            yield ConfigurationError(
                f"{step.release} cannot go live: {' '.join(plan.obstacles)} Readers keep what is live."
            )


def _explained(plan: Plan, op: Operation) -> Operation:
    """Return the operation with why no gate was required: that stands in the release's history, whatever else does."""
    without = next((step.reason for step in plan.steps if isinstance(step, Ungated)), None)
    if without is None:
        return op
    also = f"{op.reason}; " if op.reason and op.reason != without else ""
    return replace(op, reason=f"{also}without a gate: {without}")


def _turn(target: Target, step: Point, op: Operation) -> Turn:
    """Return the switch to make; a roll-back remembers first what it goes back to, whatever happens before a retry."""

    def verify(db: Database) -> None:
        if step.fingerprint is not None and target.fingerprint(db, step.release.relation) != step.fingerprint:
            raise EvidenceMissing(
                f"{step.release} has changed since its gates judged it: the fingerprint differs. Readers keep what is "
                "live. Stage it again, or clear the gate to judge it anew."
            )

    if step.leaves is Action.ROLLBACK and step.live and target.store.releases.noted(CHOSEN, op.op_id) is None:
        target.store.releases.note(step.release.name, CHOSEN, op, undoes=step.live.number)
    return Turn(release=step.release, live=step.live, op=op, leaves=step.leaves, verify=verify)


def _retire(target: Target, step: Retire, op: Operation, say: Callable[[str], None]) -> None:
    """Drop, then record: a kill in between leaves a release that the next run retires, as if it were still there.

    What was never live is given up before: nobody routes a consumer to it, or makes it live, from then on.
    """
    release, releases = step.release, target.store.releases
    try:
        if release.state in (State.BUILDING, State.CANDIDATE):
            releases.move(release.name, Action.ABORT, op)
        target.publisher.drop(release.relation)
        releases.move(release.name, Action.RETIRE, op)
    except (ConfigurationError, IllegalTransition) as error:  # it is needed since the plan was made
        say(f"{release} is kept after all: {error}")
    except MeasureError as error:
        if error.retryable:
            raise
        say(f"{release} cannot be dropped: {error}. The next run tries again; the others do not wait for it.")
