"""What an operation is going to do, as data: steps in the order they are taken, each one line for people.

A plan is made by looking alone. It is printed, refused where something stands against it, and then taken step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import TRANSITIONS, Action, GateRef, Release, ReleaseName, State


@dataclass(frozen=True, kw_only=True)
class Reconcile:
    """Settle what killed processes left, before anything else.

    :param stranded: a line for each switch that is to be settled.
    """

    dataset: str
    stranded: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.stranded:
            return f"reconcile {self.dataset}: nothing is stranded"
        return f"reconcile {self.dataset} first, after which the rest is planned anew: {'; '.join(self.stranded)}"


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A freeze window that holds now: no promotion, unless it is overridden.

    :param overridden: why it may happen all the same.
    """

    release: ReleaseName
    window: str
    overridden: str | None = None

    def __str__(self) -> str:
        return f"the freeze window {self.window} " + (
            f"is overridden, and that is recorded: {self.overridden}" if self.overridden else "holds: no promotion now"
        )


@dataclass(frozen=True, kw_only=True)
class RequireGate:
    """A gate that must stand behind the release.

    :param missing: why it does not.
    """

    gate: GateRef
    missing: str | None = None

    def __str__(self) -> str:
        return f"missing: {self.missing}" if self.missing else f"gate {self.gate} stands behind it"


@dataclass(frozen=True, kw_only=True)
class Ungated:
    """No gate is required, and why."""

    reason: str

    def __str__(self) -> str:
        return f"no gate is required: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class RequireApproval:
    """People who were asked must have approved the release.

    :param missing: a line for each approval that does not stand.
    :param waived: why it may go live without.
    """

    release: ReleaseName
    missing: tuple[str, ...] = ()
    waived: str | None = None

    def __str__(self) -> str:
        if self.waived is not None:
            return f"no approval is waited for, and that is recorded: {self.waived}"
        return f"missing: {'; '.join(self.missing)}" if self.missing else "people have approved it"


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """Record the plain table that readers read as release 0; the switch renames it in its own transaction."""

    release: Release

    def __str__(self) -> str:
        return (
            f"adopt the plain table {self.release.dataset.reader} as {self.release}, renamed to {self.release.relation}"
        )


@dataclass(frozen=True, kw_only=True)
class Point:
    """Point the reader-facing name to a release's relation: the switch.

    :param leaves: what becomes of the release that was live.
    :param fingerprint: the content that the gates judged, which is compared in the switch's transaction.
    """

    release: Release
    live: Release | None
    leaves: Action
    fingerprint: str | None = None

    def __str__(self) -> str:
        before = f"{self.live.relation} ({self.live})" if self.live else "nothing"
        if_same = ", if its content is still what the gates judged" if self.fingerprint else ""
        after = f"; {self.live} becomes {TRANSITIONS[self.leaves][State.LIVE]}" if self.live else ""
        reader = self.release.dataset.reader
        return f"point {reader} from {before} to {self.release.relation} ({self.release}){if_same}{after}"


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Emit the dataset's asset event; the task does, once the switch has happened."""

    dataset: str

    def __str__(self) -> str:
        return f"emit the asset event of {self.dataset}"


@dataclass(frozen=True, kw_only=True)
class Keep:
    """A release that stays.

    :param why: everything that it is needed for.
    """

    release: Release
    why: tuple[str, ...]

    def __str__(self) -> str:
        return f"keep {self.release} ({self.release.state}): {'; '.join(self.why)}"


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Drop a release's relation, never what depends on it, and record that it is retired."""

    release: Release
    why: str

    def __str__(self) -> str:
        return f"drop {self.release.relation} and retire {self.release} ({self.release.state}): {self.why}"


@dataclass(frozen=True, kw_only=True)
class Unroute:
    """Take a canary back from the consumers that read it."""

    release: Release
    live: Release | None

    def __str__(self) -> str:
        return f"route all consumers to {self.live or 'nothing'}; {self.release} is rolled back"


@dataclass(frozen=True, kw_only=True)
class Unowned:
    """A relation named like a release that no release stands for: told, and left where it is."""

    relation: Relation

    def __str__(self) -> str:
        return f"leave {self.relation}: no release of this store owns it. Drop it yourself if nobody needs it"


Step = (
    Reconcile
    | Freeze
    | RequireGate
    | RequireApproval
    | Ungated
    | Adopt
    | Point
    | Tell
    | Keep
    | Retire
    | Unroute
    | Unowned
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A line of the preflight: what readers will find changed or, where it ``stops``, what is against the switch."""

    text: str
    stops: bool = False

    def __str__(self) -> str:
        return f"stops it: {self.text}" if self.stops else f"note: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an operation is going to do.

    :param what: the operation in words, such as ``promote sales.orders@r42``.
    :param findings: the preflight's report.
    """

    what: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """A line for each gate and each approval that does not stand."""
        gates = [step.missing for step in self.steps if isinstance(step, RequireGate) and step.missing]
        asked = [step for step in self.steps if isinstance(step, RequireApproval) and step.waived is None]
        return (*gates, *(line for step in asked for line in step.missing))

    @property
    def obstacles(self) -> tuple[str, ...]:
        """A line for each finding that stops the switch."""
        return tuple(finding.text for finding in self.findings if finding.stops)


def explain(plan: Plan) -> tuple[str, ...]:
    """Return the plan as a person reads it: what, each step with its number, and the preflight's report."""
    steps = [f"  {number}. {step}" for number, step in enumerate(plan.steps, start=1)]
    return (f"Plan: {plan.what}", *steps, *(f"  preflight, {finding}" for finding in plan.findings))
