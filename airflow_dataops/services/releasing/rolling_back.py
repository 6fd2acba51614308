"""Roll back: the pointer is set to an earlier release, at once and without a rebuild."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition
from airflow_dataops.core.plans import Finding, Plan, Point, Step, Tell
from airflow_dataops.core.releases import Action, Dataset, Operation, Release, ReleaseName, State, transition
from airflow_dataops.services.releasing.canary import end_canary
from airflow_dataops.services.releasing.planning import examined, to_reconcile
from airflow_dataops.services.releasing.promoting import ANNOUNCED
from airflow_dataops.services.releasing.sets import Deed, all_or_none, refuse_apart
from airflow_dataops.services.releasing.switching import CHOSEN, reconcile, refuse_lost
from airflow_dataops.services.releasing.target import Outcome, Target, built_from, readers_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Return:
    """The dataset that is to go back, as whose operation.

    :param to: the release to go back to; without it, what was live before.
    :param undoes: what the caller takes to be live; nothing is done if something else is by now. A canary is taken
        back from its consumers, if it is the only one.
    """

    dataset: str
    op: Operation
    to: ReleaseName | None = None
    undoes: ReleaseName | None = None


def rollback(
    target: Target,
    dataset_name: str,
    op: Operation,
    *,
    to: ReleaseName | None = None,
    undoes: ReleaseName | None = None,
    emits: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> Outcome:
    """Take one dataset back by itself: the set of one of :func:`rollback_all`."""
    returning = Return(dataset=dataset_name, op=op, to=to, undoes=undoes)
    return rollback_all(target, [returning], emits=emits, dry_run=dry_run, say=say)[0]


def rollback_all(
    target: Target,
    returns: Sequence[Return],
    *,
    emits: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = log.info,
) -> tuple[Outcome, ...]:
    """Make live what was live before, of each dataset or of none. No freeze window stands against it.

    What to undo and what to go back to are resolved once: a retry does what the first try meant to do, or nothing.

    :param emits: the caller announces the roll-back: a retry of one that was switched and not announced is news.
    :param dry_run: print the plan and end as the roll-back would, refusals included, but change nothing.
    :param say: prints a line of the plan.
    :raises IllegalTransition: there is nothing to go back to, or ``to`` cannot be gone back to.
    :raises SetRefused: the same, where they are several: every refusal of each.
    :raises ConfigurationError: no transaction holds them all, or something in the target stands against a switch.
    """
    target = target.looking() if dry_run else target
    store = target.store
    datasets = [store.releases.dataset(each.dataset) for each in returns]
    refuse_apart(target, datasets)
    for dataset in datasets:
        (refuse_lost if dry_run else reconcile)(target, dataset)
    (first, *others) = returns
    if not others and first.undoes is not None and (canary := _canary(target, first.undoes, first.op)) is not None:
        return (end_canary(target, canary, first.op, dry_run=dry_run, say=say),)

    def planned(returning: Return, dataset: Dataset) -> Deed | Outcome:
        name, op, undoes = dataset.name, returning.op, returning.undoes
        live = store.releases.live(name)
        done = target.publisher.switched(name, dataset.target, op.op_id)
        if live is None:
            raise IllegalTransition(f"Dataset {name} has no live release: there is nothing to roll back.")
        chosen, bad = _chosen_before(target, op)
        if done is not None:
            return _done_before(target, live, done.release, bad, op, emits=emits and not dry_run)
        if undoes not in (None, live.name):
            raise IllegalTransition(
                f"{undoes} is not live: {live} is. Nothing was rolled back; look at that one first."
            )
        if bad not in (None, live.number):
            message = f"{name}@r{bad} was to be rolled back; {live} has gone live since. Nothing changed."
            return Outcome(release=live, switched=False, message=message, overtaken=True)
        goal = _goal(target, live, chosen or returning.to)
        if goal.name == live.name:
            return Outcome(release=live, switched=False, message=f"{live} is live already. Nothing changed.")
        if not target.publisher.exists(goal.relation):
            raise IllegalTransition(f"{goal} cannot go live: its relation {goal.relation} is gone.")
        readers = readers_of(target, live)
        steps: list[Step] = [
            to_reconcile(target, dataset, dry_run=dry_run),
            Point(release=goal, live=live, leaves=Action.ROLLBACK),
            *([Tell(dataset=name)] if emits else []),
        ]
        left = _left_live(target, live, [each.dataset for each in returns])
        found = examined(target, goal, op, goes_back=True)
        findings = (Finding(text=built_from(readers)), *left, *found)
        plan = Plan(what=f"roll back {live}", steps=tuple(steps), findings=findings)
        return Deed(plan=plan, op=op, release=live, done=partial(_done, target, goal, live, readers))

    members = [partial(planned, each, dataset) for each, dataset in zip(returns, datasets, strict=True)]
    return all_or_none(target, members, dry_run=dry_run, say=say)


def _done(target: Target, goal: Release, live: Release, readers: tuple[str, ...], seconds: float) -> Outcome:
    """Return what has come of a switch."""
    message = f"{goal} is live again; {live} is rolled back. {built_from(readers)} Switched in {seconds * 1000:.0f} ms."
    return Outcome(
        release=target.store.releases.get(goal.name), switched=True, previous=live, readers=readers, message=message
    )


def _left_live(target: Target, live: Release, going: Sequence[str]) -> list[Finding]:
    """Return a note where others that went live together with what goes back stay live.

    :param going: the datasets that go back.
    """
    releases = target.store.releases
    others = [name for name in target.store.switches.together(live.name) if name.dataset not in going]
    stay = [name for name in others if (now := releases.live(name.dataset)) and now.name == name]
    if not stay:
        return []
    every = " ".join([*going, *(name.dataset for name in stay)])
    text = (
        f"{live} went live together with {', '.join(map(str, stay))}, still live and not taken back with it. To take "
        f"all back together: airflow dataops release rollback {every} --reason '…'"
    )
    return [Finding(text=text)]


def _canary(target: Target, name: ReleaseName, op: Operation) -> Release | None:
    """Return the release if it is a canary, or was until this very operation took it back."""
    release = target.store.releases.get(name)
    if release.state is State.CANARY:
        return release
    last = target.store.releases.events(name)[-1]
    ours = (last["op_id"], last["from_state"], last["to_state"]) == (op.op_id, State.CANARY, State.ROLLED_BACK)
    return release if ours else None


def _done_before(
    target: Target, live: Release, went_to: int, bad: int | None, op: Operation, *, emits: bool
) -> Outcome:
    """Return what a roll-back that has happened before comes to: no more than its news, if that is not out yet."""
    name = live.dataset.name
    undone = target.store.releases.get(ReleaseName(dataset=name, number=bad)) if bad is not None else None
    due = emits and live.number == went_to and target.store.releases.noted(ANNOUNCED, op.op_id) is None
    message = f"This roll-back to {name}@r{went_to} has been done; {live} is live. Nothing changed."
    return Outcome(release=live, switched=due, message=message, previous=undone, readers=readers_of(target, undone))


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
