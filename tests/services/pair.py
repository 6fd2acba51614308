"""Two datasets that move together: what the tests of release sets tell."""

from __future__ import annotations

from dataclasses import replace

from deadly import Order
from story import Story

from airflow_dataops.core.releases import GateRef, Release
from airflow_dataops.services.releasing import Outcome, Promotion, Return, Target, promote_all, rollback_all

FLIGHTS, DAILY = "nyc.flights", "nyc.daily"


def values(number: int) -> str:
    """Return a SELECT of two rows that say ``number``."""
    return f"SELECT {number} AS v UNION ALL SELECT {number}"


class Member(Story):
    """One of them, with its gate behind its stage."""

    def stage(self, run: str, sql: str = "SELECT 1 AS v", **more: object) -> Release:
        return super().stage(run, sql, **{"gates": (gate_of(self.name),), **more})


class Pair:
    """Flights and their daily summary, of the same target."""

    def __init__(self, target: Target) -> None:
        self.target, self.store = target, target.store
        self.flights, self.daily = Member(target, FLIGHTS), Member(target, DAILY)
        self.stories = (self.flights, self.daily)

    def staged(self, run: str, number: int) -> list[Release]:
        """Stage and gate both."""
        releases = [story.stage(run, values(number)) for story in self.stories]
        for story, release in zip(self.stories, releases, strict=True):
            story.gate(release, run, task=f"gate_{story.name}")
        return releases

    def promotions(self, releases: list[Release], run: str, reason: str | None = None) -> list[Promotion]:
        """Return the members of the set, as one task would promote them, behind the gates of both."""
        gates = [gate_of(story.name) for story in self.stories]
        ops = [self.flights.op("promote", run, release.name, reason=reason) for release in releases]
        return [Promotion(name=r.name, op=op, required=gates) for r, op in zip(releases, ops, strict=True)]

    def promote(
        self, releases: list[Release], run: str = "r", reason: str | None = None, **more: object
    ) -> list[Outcome]:
        return list(promote_all(self.target, self.promotions(releases, run, reason), **more))

    def live(self, run: str, number: int) -> list[Release]:
        """Stage, gate and promote both."""
        return [outcome.release for outcome in self.promote(self.staged(run, number), run)]

    def returns(self, run: str) -> list[Return]:
        """Return the members of the set, as one task would roll them back."""
        ops = {story.name: story.op("rollback", run, reason="bad") for story in self.stories}
        return [Return(dataset=name, op=op) for name, op in ops.items()]

    def rollback(self, run: str = "r", **more: object) -> list[Outcome]:
        return list(rollback_all(self.target, self.returns(run), **more))

    def order(self, releases: list[Release], run: str) -> Order:
        """Return the order to promote both."""
        members = [
            Order(
                action="promote", op=each.op, dataset=each.name.dataset, release=each.name, gates=tuple(each.required)
            )
            for each in self.promotions(releases, run)
        ]
        return together(members)

    def order_back(self, run: str) -> Order:
        """Return the order to roll both back."""
        return together([Order(action="rollback", op=e.op, dataset=e.dataset) for e in self.returns(run)])

    def rows(self) -> set[object]:
        """Return what all rows of both say."""
        return {value for story in self.stories for (value,) in story.rows()}

    def states(self) -> dict[str, str]:
        return self.flights.states() | self.daily.states()


def gate_of(name: str) -> GateRef:
    """Return the gate that judges a dataset."""
    return GateRef(dag_id="flights", task_id=f"gate_{name}")


def together(members: list[Order]) -> Order:
    """Return the order to carry several out as one set."""
    return replace(members[0], also=tuple(members[1:]))
