"""Plans are data: what they say, and what stands against them, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_dataops.core.plans import (
    Adopt,
    Finding,
    Freeze,
    Keep,
    Plan,
    Point,
    Reconcile,
    RequireGate,
    Retire,
    Step,
    Tell,
    Ungated,
    Unowned,
    explain,
)
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Action, Dataset, GateRef, Release, State

DATASET = Dataset(name="nyc.flights", conn_id="warehouse", publisher="view", target="nyc.flights", reader="nyc.flights")
GATE = GateRef(dag_id="d", task_id="gate")


def release(number: int, state: State = State.CANDIDATE) -> Release:
    return Release(
        dataset=DATASET,
        number=number,
        relation=Relation(schema="nyc", name=f"flights__r{number}"),
        state=state,
        op_id="op",
        created_at=datetime(2013, 1, 1, tzinfo=UTC),
    )


R0, R1, R2 = release(0, State.LIVE), release(1, State.LIVE), release(2)

SAID: list[tuple[Step, str]] = [
    (Reconcile(dataset="nyc.flights"), "reconcile nyc.flights: nothing is stranded"),
    (
        Reconcile(dataset="nyc.flights", stranded=("a", "b")),
        "reconcile nyc.flights first, after which the rest is planned anew: a; b",
    ),
    (
        Freeze(release=R2.name, window="Fri 18:00/Mon 06:00"),
        "the freeze window Fri 18:00/Mon 06:00 holds: no promotion",
    ),
    (
        Freeze(release=R2.name, window="w", overridden="hotfix"),
        "the freeze window w is overridden, and that is recorded",
    ),
    (RequireGate(gate=GATE), "gate d.gate stands behind it"),
    (RequireGate(gate=GATE, missing="gate d.gate says FAIL"), "missing: gate d.gate says FAIL"),
    (Ungated(reason="a lookup"), "no gate is required: a lookup"),
    (Adopt(release=R0), "adopt the plain table nyc.flights as nyc.flights@r0, renamed to nyc.flights__r0"),
    (
        Point(release=R2, live=R1, leaves=Action.SUPERSEDE, fingerprint="f"),
        "point nyc.flights from nyc.flights__r1 (nyc.flights@r1) to nyc.flights__r2 (nyc.flights@r2), "
        "if its content is still what the gates judged; nyc.flights@r1 becomes SUPERSEDED",
    ),
    (Point(release=R1, live=R2, leaves=Action.ROLLBACK), "nyc.flights@r2 becomes ROLLED_BACK"),
    (Point(release=R1, live=None, leaves=Action.SUPERSEDE), "from nothing to nyc.flights__r1 (nyc.flights@r1)"),
    (Tell(dataset="nyc.flights"), "emit the asset event of nyc.flights"),
    (Keep(release=R1, why=("it is live", "it was read")), "keep nyc.flights@r1 (LIVE): it is live; it was read"),
    (Retire(release=R2, why="old"), "drop nyc.flights__r2 and retire nyc.flights@r2 (CANDIDATE): old"),
    (Unowned(relation=Relation(schema="nyc", name="flights__r7")), "leave nyc.flights__r7: no release of this store"),
]


@pytest.mark.parametrize(("step", "said"), SAID)
def test_each_step_is_one_line(step: Step, said: str) -> None:
    assert said in str(step)
    assert "\n" not in str(step)


def test_a_plan_is_explained_in_the_order_of_its_steps_with_the_report_behind() -> None:
    plan = Plan(
        what="promote nyc.flights@r2",
        steps=(Reconcile(dataset="nyc.flights"), RequireGate(gate=GATE), Tell(dataset="nyc.flights")),
        findings=(Finding(text="x is taken.", stops=True), Finding(text="columns dropped: b")),
    )
    assert explain(plan) == (
        "Plan: promote nyc.flights@r2",
        "  1. reconcile nyc.flights: nothing is stranded",
        "  2. gate d.gate stands behind it",
        "  3. emit the asset event of nyc.flights",
        "  preflight, stops it: x is taken.",
        "  preflight, note: columns dropped: b",
    )
    assert plan.obstacles == ("x is taken.",)
    assert plan.missing == ()


def test_what_is_missing_is_every_gate_that_does_not_stand() -> None:
    steps = (RequireGate(gate=GATE, missing="one"), RequireGate(gate=GATE), RequireGate(gate=GATE, missing="two"))
    assert Plan(what="promote", steps=steps).missing == ("one", "two")
