"""SIGKILL at each step of a release set, with a reader of both datasets: never a mix, and the retry finishes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from deadly import Order
from nursery import Nursery
from pair import DAILY, Pair
from processes import forked
from story import Story
from test_kills import SLOW, STRIDE, Deed, children, kill_at_each_step, reader

from airflow_dataops.services.releasing import Target, reconcile

__all__ = ["children"]  # a fixture

LEAST = 110
"""Steps that each has, at least, on whatever database."""
TARGETS = ["sqlite", "duckdb", "postgres", "pointer_view"]


class PromoteTogether(Deed):
    def __init__(self, pair: Pair) -> None:
        super().__init__(pair.flights)
        self.pair = pair
        self.turns = itertools.cycle([None, *pair.stories])

    @property
    def stories(self) -> tuple[Story, ...]:
        return self.pair.stories

    def before_retry(self) -> None:
        """Reconcile nothing, the first member or the last, by turns: all were switched, or none."""
        story = next(self.turns)
        if story is not None:
            reconcile(self.pair.target, story.dataset)
            assert len(self.pair.rows()) == 1

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        order = self.pair.order(self.pair.staged(f"run {number}", number), f"run {number}")
        return order, lambda: self.read_both(number)

    def read_both(self, number: int) -> None:
        assert self.pair.rows() == {number}


class RollBackTogether(PromoteTogether):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        self.pair.live(f"run {number}", number)
        return self.pair.order_back(f"run {number}"), lambda: self.read_both(1)


@pytest.mark.parametrize("target", TARGETS, indirect=True)
@pytest.mark.parametrize("kind", [PromoteTogether, RollBackTogether])
def test_a_kill_at_any_step_of_a_set_switches_all_or_none_and_the_retry_finishes(
    target: Target, request: pytest.FixtureRequest, children: Nursery, kind: type[PromoteTogether]
) -> None:
    pair, current = Pair(target), forked().Value("i", 1)
    pair.live("first", 1)
    place = TARGETS.index(request.node.callspec.params["target"])
    # Without the flag every other step is killed, in one of the two kinds on one of the databases.
    stride, first = 1, 1
    if STRIDE > 1:
        stride = 4 * len(TARGETS) * SLOW.get(target.connector.dialect, 1)
        first = 1 + 2 * place + (2 * len(TARGETS) if kind is RollBackTogether else 0)
    with reader(pair.flights, current, several=False, also=(DAILY,)):
        kills = kill_at_each_step(kind(pair), children, current, first, stride)
    print(f"{kills} kills of a set on {TARGETS[place]}")
    assert kills >= LEAST // stride
