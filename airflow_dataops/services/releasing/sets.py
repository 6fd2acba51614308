"""A release set: several datasets that go live, or back, all or none; one by itself is the set of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_dataops.core.errors import (
    ConfigurationError,
    DataOpsError,
    EvidenceMissing,
    Frozen,
    IllegalTransition,
    ReleaseNotFound,
)
from airflow_dataops.core.plans import Plan
from airflow_dataops.core.releases import Dataset, Operation, Release
from airflow_dataops.services.releasing.planning import DRY, carry_out
from airflow_dataops.services.releasing.target import Outcome, Target

_REFUSALS = (ConfigurationError, EvidenceMissing, Frozen, IllegalTransition, ReleaseNotFound)
"""What is against a member whatever comes of the others; any other error ends the planning at once."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What is going to be done to one dataset, as whose operation, and how to tell what has come of it.

    :param release: what the outcome names where nothing is done after all.
    :param done: tells, given the seconds that the switch took.
    """

    plan: Plan
    op: Operation
    release: Release
    done: Callable[[float], Outcome]


def refuse_apart(target: Target, datasets: Sequence[Dataset]) -> None:
    """Refuse several datasets that no one transaction can switch.

    :raises ConfigurationError: says why, and what to do instead.
    """
    if len(datasets) < 2:
        return
    names, first = [dataset.name for dataset in datasets], datasets[0]
    what = f"{', '.join(names[:-1])} and {names[-1]} cannot be one release set"
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"{what}: {name} is in it {names.count(name)} times, and only one of its releases can be live. Name "
                "each dataset once; where a mapped stage makes several releases of one, map this task too: "
                ".partial(…).expand(release=stage.output)."
            )
    for other in datasets[1:]:
        for part, word in (("conn_id", "connection"), ("publisher", "publisher")):
            one, two = getattr(first, part), getattr(other, part)
            if one != two:
                raise ConfigurationError(
                    f"{what}: {first.name} is bound to the {word} {one!r}, {other.name} to {two!r}, and no transaction "
                    f"holds both. Give each a task of its own, or stage both with one {word}."
                )
    if target.publisher.one_by_one is not None:
        raise ConfigurationError(f"{what}: {target.publisher.one_by_one}. Give each dataset a task of its own.")


def all_or_none(
    target: Target,
    members: Sequence[Callable[[], Deed | Outcome]],
    *,
    dry_run: bool,
    say: Callable[[str], None],
) -> tuple[Outcome, ...]:
    """Plan each member, refuse all where one is refused, and else carry them out together.

    Where readers have something newer than one of them, nothing is done to any.

    :param members: each returns what it is going to do or, where there is nothing to do, what that comes to.
    :raises SetRefused: names every refusal of every member.
    """
    found: list[Deed | Outcome] = []
    refusals: list[DataOpsError] = []
    for member in members:
        try:
            found.append(member())
        except _REFUSALS as error:
            if len(members) == 1:
                raise
            refusals.append(error)
    overtaken = [each.message for each in found if isinstance(each, Outcome) and each.overtaken]
    if overtaken and not refusals:
        return tuple(_left(each, overtaken) if isinstance(each, Deed) else each for each in found)
    plans = [(each.plan, each.op) for each in found if isinstance(each, Deed)]
    seconds = carry_out(target, plans, dry_run=dry_run, say=say, refusals=refusals)
    if dry_run:
        return tuple(_nothing(each.release, DRY) if isinstance(each, Deed) else each for each in found)
    return tuple(each.done(seconds) if isinstance(each, Deed) else each for each in found)


def _left(deed: Deed, overtaken: Sequence[str]) -> Outcome:
    """Return what comes of a member whose set is past."""
    return _nothing(deed.release, f"{deed.release} is left as it is, for its set goes all or none: {overtaken[0]}")


def _nothing(release: Release, message: str) -> Outcome:
    return Outcome(release=release, switched=False, message=message)
