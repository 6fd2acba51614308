"""A release's life: its name, its states, the one table of legal transitions, and what may go live."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.verdicts import Verdict

if TYPE_CHECKING:
    from airflow_dataops.core.approvals import ApprovalRef

_DATASET = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)?")
_RELEASE = re.compile(r"(?P<dataset>.+)@r(?P<number>[0-9]{1,9})")
# Line ends are welcome in a reason; these no database keeps.
_NOT_KEPT = re.compile(r"[\x00\ud800-\udfff]")


OF_NOTHING = -1
"""The base of a part that was built when readers got nothing."""


class State(StrEnum):
    """What the store records; VALIDATED, APPROVED and REJECTED are derived from evidence (:func:`shown_state`)."""

    BUILDING = "BUILDING"
    CANDIDATE = "CANDIDATE"
    CANARY = "CANARY"
    LIVE = "LIVE"
    SUPERSEDED = "SUPERSEDED"
    ROLLED_BACK = "ROLLED_BACK"
    ABORTED = "ABORTED"
    RETIRED = "RETIRED"


class Action(StrEnum):
    """What moves a release from one state to another."""

    BUILT = "built"
    CANARY = "canary"
    UNROUTE = "unroute"
    PROMOTE = "promote"
    SUPERSEDE = "supersede"
    ROLLBACK = "rollback"
    RESTORE = "restore"
    ABORT = "abort"
    ADOPT = "adopt"
    UNADOPT = "unadopt"
    RETIRE = "retire"


TRANSITIONS: Mapping[Action, Mapping[State, State]] = {
    Action.BUILT: {State.BUILDING: State.CANDIDATE},
    # Some consumers read it, then more: it is a canary until it goes live or is rolled back.
    Action.CANARY: {State.CANDIDATE: State.CANARY, State.CANARY: State.CANARY},
    Action.ABORT: {State.BUILDING: State.ABORTED, State.CANDIDATE: State.ABORTED},
    # SUPERSEDED and ROLLED_BACK go live again only by an explicit promote with a reason (services ask for it).
    Action.PROMOTE: {
        State.CANDIDATE: State.LIVE,
        State.CANARY: State.LIVE,
        State.SUPERSEDED: State.LIVE,
        State.ROLLED_BACK: State.LIVE,
    },
    Action.SUPERSEDE: {State.LIVE: State.SUPERSEDED},
    Action.ROLLBACK: {State.LIVE: State.ROLLED_BACK},
    # Not a roll-back: of what has gone live meanwhile it must undo nothing.
    Action.UNROUTE: {State.CANARY: State.ROLLED_BACK},
    Action.RESTORE: {State.SUPERSEDED: State.LIVE},
    Action.RETIRE: {
        State.SUPERSEDED: State.RETIRED,
        State.ROLLED_BACK: State.RETIRED,
        State.ABORTED: State.RETIRED,
    },
    # The plain table that was there before: handed back, and adopted again by a later promotion.
    Action.UNADOPT: {State.LIVE: State.RETIRED},
    Action.ADOPT: {State.RETIRED: State.LIVE},
}

NOT_YET_LIVE = (State.CANDIDATE, State.CANARY)
"""The states of a release that is whole and has never been live."""
KEPT = tuple(state for state in State if state not in (State.RETIRED, State.ABORTED))
"""The states of a release of which there is still something."""


def transition(action: Action, state: State, release: object) -> State:
    """Return the state that ``action`` leads to.

    :raises IllegalTransition: the table does not allow it.
    """
    after = TRANSITIONS[action].get(state)
    if after is None:
        allowed = " or ".join(TRANSITIONS[action])
        raise IllegalTransition(f"{release} is {state} and cannot {action}: that needs {allowed}.")
    return after


@dataclass(frozen=True, kw_only=True)
class ReleaseName:
    """``sales.orders@r42``: the string that tasks pass to each other."""

    dataset: str
    number: int

    def __str__(self) -> str:
        return f"{self.dataset}@r{self.number}"

    @classmethod
    def parse(cls, value: object) -> ReleaseName:
        """Read the string strictly.

        :raises ConfigurationError: it is anything else; a list says how mapped tasks are wired.
        """
        if isinstance(value, str):
            match = _RELEASE.fullmatch(value.strip())
            if match:
                return cls(dataset=check_dataset(match["dataset"]), number=int(match["number"]))
            raise ConfigurationError(
                f"release={value[:80]!r} is not a release: expected 'dataset@r42', as StageReleaseOperator "
                "returns it. Pass release=stage.output."
            )
        if isinstance(value, Sequence):
            raise ConfigurationError(
                f"release is a sequence of {len(value)} values ({type(value).__name__}): the stage task is mapped "
                "and this one is not. Map this task too: .partial(…).expand(release=stage.output)."
            )
        raise ConfigurationError(
            f"release is a {type(value).__name__}, not a string like 'dataset@r42'. Pass release=stage.output."
        )

    @classmethod
    def parse_set(cls, value: object) -> tuple[ReleaseName, ...]:
        """Read one release, or the list of a release set's.

        :raises ConfigurationError: it is neither, or the list is empty.
        """
        return tuple(cls.parse(each) for each in members("release", value))


def members(argument: str, value: object) -> tuple[object, ...]:
    """Return the values of an argument that takes one, or a list of several that belong together.

    :raises ConfigurationError: the list is empty.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,)
    if not value:
        raise ConfigurationError(f"{argument}=[] names nothing: expected at least one. Was the stage task skipped?")
    return tuple(value)


def check_dataset(name: object) -> str:
    """Return ``name`` if it can name a dataset.

    :raises ConfigurationError: it cannot; says which characters may.
    """
    if not isinstance(name, str) or not _DATASET.fullmatch(name) or len(name) > 200:
        shown = repr(name[:80]) if isinstance(name, str) else type(name).__name__
        raise ConfigurationError(
            f"dataset={shown} cannot name a dataset: use 'name' or 'schema.name' with letters, digits, '_' and '-', "
            "such as 'sales.orders'. A relation with another name is given as target=."
        )
    return name


def op_id(*parts: object) -> str:
    """Return the identity of an operation: the same parts give the same id on every retry."""
    return hashlib.sha256(json.dumps([str(p) for p in parts]).encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class TaskKey:
    """Where in Airflow something happened; all ``None`` outside of it (CLI, notebook)."""

    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int = -1
    try_number: int = 0


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Who does something, as what operation, and when.

    :param now: aware, UTC: core and services have no clock.
    """

    op_id: str
    by: str
    now: datetime
    key: TaskKey = TaskKey()
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a reason that could not be kept.

        :raises ConfigurationError: it is no text, or holds what no database keeps.
        """
        if self.reason is not None and not isinstance(self.reason, str):
            raise ConfigurationError(f"reason is a {type(self.reason).__name__}, not a text. Say why in words.")
        if self.reason is not None and _NOT_KEPT.search(self.reason):
            raise ConfigurationError(
                f"reason={self.reason[:80]!r} cannot be kept: it holds a NUL, or half of a character that is encoded "
                "in two. Say why without it."
            )


@dataclass(frozen=True, kw_only=True)
class GateRef:
    """A gate that promotion demands: a task, in the promoting DAG or in another."""

    dag_id: str
    task_id: str

    def __str__(self) -> str:
        return f"{self.dag_id}.{self.task_id}"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One stored run of a gate, as far as promotion asks about it.

    :param sequence: rises with time; the highest of a gate and map index counts.
    """

    gate: GateRef
    sequence: int
    run_id: str | None
    map_index: int
    dataset: str | None
    release: int | None
    fingerprint: str | None
    verdict: Verdict
    suite_hash: str


def latest(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the newest of each gate and map index."""
    newest: dict[tuple[GateRef, int], Evidence] = {}
    for item in sorted(evidence, key=lambda e: e.sequence):
        newest[(item.gate, item.map_index)] = item
    return list(newest.values())


def missing_evidence(
    required: Sequence[GateRef],
    evidence: Sequence[Evidence],
    *,
    release: ReleaseName,
    fingerprint: str | None,
    run_id: str | None,
) -> tuple[str, ...]:
    """Return a line for each required gate that does not stand behind this release; empty if all do.

    A gate that judged this dataset must have passed this very release with this fingerprint. A gate in place, or of
    another dataset, that stands upstream must have passed in this DAG run.
    """
    lines = []
    for gate in required:
        runs = [e for e in evidence if e.gate == gate]
        ours = latest(e for e in runs if e.dataset == release.dataset and e.release == release.number)
        others = latest(e for e in runs if e.dataset != release.dataset and run_id is not None and e.run_id == run_id)
        counted = ours or others
        if not counted:
            lines.append(f"gate {gate} has not run on {release}")
        elif refused := [e for e in counted if not e.verdict.passes]:
            lines.append(f"gate {gate} says {refused[0].verdict}")
        elif ours and any(e.fingerprint != fingerprint for e in ours):
            lines.append(f"gate {gate} judged other data: {release} has changed since (fingerprint differs)")
    return tuple(lines)


def shown_state(
    state: State, evidence: Iterable[Evidence], fingerprint: str | None, approval: str | None = None
) -> str:
    """Return the state with VALIDATED, APPROVED and REJECTED derived from the newest evidence on this fingerprint.

    :param approval: ``APPROVED`` or ``REJECTED`` where people have said so.
    """
    if state is not State.CANDIDATE:
        return str(state)
    runs = [e for e in latest(evidence) if e.fingerprint == fingerprint]
    if not all(e.verdict.passes for e in runs):
        return "REJECTED"
    return approval or ("VALIDATED" if runs else str(state))


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A logical name that consumers read, and what it is bound to since its first stage.

    :param target: the reader-facing name, ``schema.name``.
    :param reader: the same as the database has it: where it has no schemas, dots are ``_``.
    """

    name: str
    conn_id: str
    publisher: str
    target: str
    reader: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """One built version of a dataset, in its own physical relation.

    :param interval_end: the end of the data interval it was built for; ``None`` where the run has none.
    :param sources: the tables its SQL reads, as written.
    :param gates: the enforced gates behind its stage, which must have passed it wherever it is promoted from.
    :param base: the release of which it keeps rows, which must still be live when it goes live; ``OF_NOTHING`` for a
        part that was built when nothing was live.
    :param approvals: the tasks behind its stage that ask people: promotion from anywhere demands their approval.
    """

    dataset: Dataset
    number: int
    relation: Relation
    state: State
    op_id: str
    created_at: datetime
    key: TaskKey = TaskKey()
    fingerprint: str | None = None
    columns: tuple[Column, ...] = ()
    interval_end: datetime | None = None
    sources: tuple[str, ...] = ()
    gates: tuple[GateRef, ...] = ()
    base: int | None = None
    approvals: tuple[ApprovalRef, ...] = ()

    @property
    def name(self) -> ReleaseName:
        """The string that tasks pass to each other, as a value."""
        return ReleaseName(dataset=self.dataset.name, number=self.number)

    def __str__(self) -> str:
        return str(self.name)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A switch that is about to be made: what reconcile looks up when its process was killed.

    :param from_epoch: the pointer's epoch when it was resolved.
    :param leaves: what becomes of the release that was live: SUPERSEDE, or ROLLBACK for a roll-back.
    :param together: the releases of the set that go live in the same transaction; none for a switch by itself.
    """

    op: Operation
    dataset: Dataset
    release: ReleaseName
    from_epoch: int
    leaves: Action
    together: tuple[ReleaseName, ...] = ()
