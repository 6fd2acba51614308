"""Roll back: the pointer is set to an earlier release, at once and without a rebuild."""

from __future__ import annotations

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition
from airflow_dataops.core.releases import Action, Operation, Release, ReleaseName, transition
from airflow_dataops.services.releasing.switching import CHOSEN, reconcile, switch
from airflow_dataops.services.releasing.target import Outcome, Target


def rollback(target: Target, dataset_name: str, op: Operation, *, to: ReleaseName | None = None) -> Outcome:
    """Make live what was live before, or ``to``.

    What to undo and what to go back to are resolved once: a retry does what the first try meant to do, or nothing.

    :raises IllegalTransition: there is nothing to go back to, or ``to`` cannot be gone back to.
    """
    store = target.store
    dataset = store.releases.dataset(dataset_name)
    reconcile(target, dataset)
    live = store.releases.live(dataset_name)
    done = target.publisher.switched(dataset_name, dataset.target, op.op_id)
    if live is None:
        raise IllegalTransition(f"Dataset {dataset_name} has no live release: there is nothing to roll back.")
    if done is not None:
        message = f"This roll-back to {dataset_name}@r{done.release} has been done; {live} is live. Nothing changed."
        return Outcome(release=live, switched=False, message=message)
    chosen, bad = _chosen_before(target, op)
    if bad not in (None, live.number):
        message = f"{dataset_name}@r{bad} was to be rolled back; {live} has gone live since. Nothing changed."
        return Outcome(release=live, switched=False, message=message)
    goal = _goal(target, live, chosen or to)
    if goal.name == live.name:
        return Outcome(release=live, switched=False, message=f"{live} is live already. Nothing changed.")
    if not target.publisher.exists(goal.relation):
        raise IllegalTransition(f"{goal} cannot go live: its relation {goal.relation} is gone.")
    if chosen is None:
        store.releases.note(goal.name, CHOSEN, op, undoes=live.number)
    seconds = switch(target, goal, live, op, Action.ROLLBACK, lambda db: None)
    return Outcome(
        release=store.releases.get(goal.name),
        switched=True,
        previous=live,
        message=(
            f"{goal} is live again; {live} is rolled back. {_built_from(target, live)} "
            f"Switched in {seconds * 1000:.0f} ms."
        ),
    )


def _chosen_before(target: Target, op: Operation) -> tuple[ReleaseName | None, int | None]:
    """Return what an earlier try of this roll-back chose to go back to, and the release it was to undo."""
    noted = target.store.releases.noted(CHOSEN, op.op_id)
    return (noted[0], int(noted[1]["undoes"])) if noted else (None, None)


def _goal(target: Target, live: Release, to: ReleaseName | None) -> Release:
    if to is None:
        before = target.store.releases.predecessor(live.name)
        if before is None:
            raise IllegalTransition(f"{live} cannot be rolled back: nothing that was live before it can go live again.")
        return before
    if to.dataset != live.dataset.name:
        raise ConfigurationError(f"{to} is not a release of {live.dataset.name}.")
    goal = target.store.releases.get(to)
    if goal.name != live.name:
        transition(Action.RESTORE, goal.state, goal)
    return goal


def _built_from(target: Target, bad: Release) -> str:
    """Say who has read the release that is rolled back: what they built from it stands."""
    reads = target.store.usage.readers(dataset=bad.dataset.name)
    consumers = sorted({r["consumer"] for r in reads if r["release"] == bad.number})
    return f"Already built from it: {', '.join(consumers)}." if consumers else "Nobody has read it."
