"""Canary: some consumers read a release before all do, and it goes on, goes live, or is taken back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_dataops.core.approvals import ApprovalRef
from airflow_dataops.core.errors import EvidenceMissing, IllegalTransition
from airflow_dataops.core.plans import Plan, Unroute
from airflow_dataops.core.releases import Action, GateRef, Operation, Release, ReleaseName, State, transition
from airflow_dataops.core.routes import Route
from airflow_dataops.core.usage import Access
from airflow_dataops.services.releasing.planning import DRY, carry_out
from airflow_dataops.services.releasing.promoting import overtake, promote
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Outcome, Target, built_from, readers_of

if TYPE_CHECKING:
    from airflow_dataops.stores.store import Store

log = logging.getLogger(__name__)

RunState = Callable[[str, str], str | None]
"""Tells the state of a DAG's run."""


@dataclass(frozen=True, kw_only=True)
class Reads:
    """What has come of the DAG runs that read a canary.

    :param failed: ``dag_id run_id`` of each run that failed.
    :param succeeded: how many have begun since the route is as it is, and ended well.
    :param under_way: how many have not ended.
    """

    failed: tuple[str, ...] = ()
    succeeded: int = 0
    under_way: int = 0

    def __str__(self) -> str:
        if not self.failed and not self.succeeded and not self.under_way:
            return "no DAG run has read it yet"
        return (
            f"of the DAG runs that read it {self.succeeded} succeeded, {len(self.failed)} failed, {self.under_way} run"
        )


def widen(
    target: Target,
    name: ReleaseName,
    op: Operation,
    route: Route,
    *,
    required: Sequence[GateRef],
    ungated: str | None = None,
    approvals: Sequence[ApprovalRef] | None = (),
    say: Callable[[str], None] = log.info,
) -> Release:
    """Route consumers to a release that might go live now; return it as it is then.

    It is refused for whatever a promotion would be refused for. A retry routes the same consumers again.

    :param required: the gates that must stand behind it.
    :raises IllegalTransition: it was rolled back, or another release is a canary.
    :raises EvidenceMissing: a gate or an approval is missing, refused, or for other data.
    """
    store = target.store
    reconcile(target, store.releases.get(name).dataset)
    would = promote(
        target, name, op, required=required, ungated=ungated, approvals=approvals, dry_run=True, say=log.debug
    )
    release, live = store.releases.get(name), store.releases.live(name.dataset)
    if would.message != DRY:
        say(f"{release} is no canary: {would.message}")
        return release
    transition(Action.CANARY, release.state, release)
    other = _other(store, release, live, op)
    if other is not None and other[0].name == name and other[1] == route:
        return release
    _refuse_changed(target, release, required)
    _tell(store, release, live, route, say)
    return store.releases.move(name, Action.CANARY, op, **route.to_dict())


def _other(store: Store, release: Release, live: Release | None, op: Operation) -> tuple[Release, Route] | None:
    """Return the dataset's canary, which is this release; one that is older than what is live is ended.

    :raises IllegalTransition: it is another one.
    """
    if live is not None:
        overtake(store, live, op)
    found = store.releases.canary(release.dataset.name)
    if found is None or found[0].name == release.name:
        return found
    raise IllegalTransition(
        f"{release} cannot be a canary: {found[0]} is one. Promote it, or take it back: "
        f"airflow dataops release rollback {found[0]} --reason '…'"
    )


def _refuse_changed(target: Target, release: Release, required: Sequence[GateRef]) -> None:
    """Refuse content that no gate has judged; where none is required, whatever was staged will do.

    :raises EvidenceMissing: it has changed since.
    """
    judged = {e.fingerprint for e in target.store.gates.evidence(release=release.name) if e.gate in required}
    if not judged:
        return
    with target.connector.open(read_only=True) as db:
        found = target.fingerprint(db, release.relation)
    if found not in judged:
        raise EvidenceMissing(
            f"{release} has changed since its gates judged it: the fingerprint differs. No further consumer reads it. "
            "Stage it again, or clear the gate to judge it anew."
        )


def _tell(store: Store, release: Release, live: Release | None, route: Route, say: Callable[[str], None]) -> None:
    """Say who reads the release from now on, of those that are known."""
    say(f"{release} is read by {route}; {live or 'nothing'} by all others")
    dataset = release.dataset.name
    uses = store.usage.uses(dataset=dataset, access=Access.READ)
    known = sorted({use.dag_id for use in uses if use.dag_id} | {*route.consumers})
    taken = [dag_id for dag_id in known if route.takes(dataset, dag_id)]
    if taken:
        say(f"Of {len(known)} known consumers these are routed to it: {', '.join(taken)}")
    else:
        log.warning(
            "None of the %d known consumers of %s is routed to %s: nobody may ever read it. Name some with consumers=, "
            "or begin with a larger share.",
            *(len(known), dataset, release),
        )


def end_canary(
    target: Target,
    release: Release,
    op: Operation,
    *,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> Outcome:
    """Take a canary back: its consumers read what is live from their next task on.

    :param release: the canary, or what this operation has taken back already.
    :param dry_run: print the plan and change nothing.
    :raises IllegalTransition: it is none any more: it went live, or somebody else has taken it back.
    """
    live = target.store.releases.live(release.dataset.name)
    readers = readers_of(target, release)
    if release.state is State.CANARY:
        plan = Plan(what=f"take the canary {release} back", steps=(Unroute(release=release, live=live),))
        carry_out(target, [(plan, op)], dry_run=dry_run, say=say)
    return Outcome(
        release=live or release,
        switched=False,
        previous=release,
        readers=readers,
        message=DRY
        if dry_run
        else f"{release} is taken back; all consumers read {live or 'nothing'}. {built_from(readers)}",
    )


def reads_of(store: Store, release: Release, since: datetime, state_of: RunState) -> Reads:
    """Return what has come of the DAG runs that read a canary.

    :param since: when its route was last changed.
    """
    found = [
        (f"{dag_id} {run_id}", state_of(dag_id, run_id), at)
        for number, dag_id, run_id, at in store.usage.pins(release.dataset.name)
        if number == release.number
    ]
    return Reads(
        failed=tuple(run for run, state, _ in found if state == "failed"),
        succeeded=sum(state == "success" and at >= since for _, state, at in found),
        under_way=sum(state in ("queued", "running") for _, state, _ in found),
    )


def begun(store: Store, release: Release) -> tuple[Route, datetime] | None:
    """Return who reads a canary, and since when; ``None`` where it is none."""
    if release.state is not State.CANARY:
        return None
    last = [event for event in store.releases.events(release.name) if event["action"] == Action.CANARY][-1]
    return Route.from_dict(last["detail"]), last["at"]
