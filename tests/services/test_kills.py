"""SIGKILL at each step of each operation, with a reader running: nothing is torn, and the retry finishes.

In all at least 200 times, and as often as ``DATAOPS_KILLS`` says: beyond the steps at any moment, in a statement too.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from deadly import Order, act, read_all_the_while
from explaining import explain, log_of
from nursery import Nursery, nursery
from processes import forked, stride
from story import GATE, Story

from airflow_dataops.core.releases import Action, Intent
from airflow_dataops.core.switching import Switch

LEAST = {"stage": 20, "take": 28, "promote": 40, "adopt": 45, "rollback": 38, "retire": 20, "reconcile": 15}
"""Steps that each operation has, at least, on whatever database."""
DATABASES = ["sqlite", "duckdb", "postgres", "mysql"]
WANTED = int(os.environ.get("DATAOPS_KILLS", "200"))
# With as many databases as steps are left out between two, each step is killed on one of them.
STRIDE = stride(len(DATABASES))
SLOW = {} if "DATAOPS_KILLS" in os.environ else {"duckdb": 4, "mysql": 2}
"""Where a step takes so many times as long: DuckDB's file is opened anew for each."""


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as opened:
        yield opened


def values(number: int) -> str:
    return f"SELECT {number} AS v UNION ALL SELECT {number}"


@dataclass
class Deed:
    """One operation, over and over on one target: what precedes it, and what must be true when its retry is done."""

    story: Story
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    @property
    def stories(self) -> tuple[Story, ...]:
        """The datasets that it is done to."""
        return (self.story,)

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        """Return an order that can be carried out now, and what looks at the end whether it has been."""
        raise NotImplementedError

    def before_retry(self) -> None:
        """What happens between a kill and the retry."""

    def staged(self, number: int) -> Order:
        """Return the order to promote a release whose rows all say ``number``."""
        run = f"run {number}"
        release = self.story.stage(run, values(number))
        self.story.gate(release, run)
        op = self.story.op("promote", run, release.name)
        return Order(action="promote", op=op, dataset=self.story.name, release=release.name, gates=(GATE,))

    def read(self, number: int) -> None:
        assert self.story.rows() == [(number,)] * 2


class Stage(Deed):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        op = self.story.op("stage", f"run {number}")

        def look() -> None:
            self.read(1)
            (made,) = self.story.store.releases.staged_by(op.op_id)
            assert made.state == "CANDIDATE"
            assert self.story.rows_of(made.relation) == [(number,)] * 2
            kept = [r for r in self.story.store.releases.of(self.story.name) if r.state != "ABORTED"]
            tables = {str(r.relation) for r in kept}
            gone = [r for r in self.story.store.releases.of(self.story.name) if str(r.relation) not in tables]
            assert not any(self.story.target.publisher.exists(r.relation) for r in gone), "a killed build left a table"

        return Order(action="stage", op=op, more={"sql": values(number)}), look


class Take(Deed):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        with self.story.target.connector.open() as db:
            db.execute(f"CREATE TABLE built_{number} AS {values(number)}")
        op = self.story.op("stage", f"run {number}")

        def look() -> None:
            self.read(1)
            (made,) = self.story.store.releases.staged_by(op.op_id)
            assert made.state == "CANDIDATE"
            assert self.story.rows_of(made.relation) == [(number,)] * 2

        return Order(action="stage", op=op, more={"relation": f"built_{number}"}), look


class Promote(Deed):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        return self.staged(number), lambda: self.read(number)


class Adopt(Deed):
    """The first promote of a dataset whose reader-facing name is a plain table: another dataset each time."""

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        self.story.name = f"nyc.flights{number}"
        reader = self.story.target.publisher.reader(self.story.name)
        with self.story.target.connector.open() as db:
            db.execute(f"CREATE TABLE {self.story.sql(reader)} AS {values(0)}")
        order = self.staged(number)

        def look() -> None:
            self.read(number)
            adopted = self.story.target.publisher.physical(self.story.name, 0)
            assert self.story.rows_of(adopted) == [(0,)] * 2
            assert self.story.states()[f"{self.story.name}@r0"] == "SUPERSEDED"

        return order, look


class Rollback(Deed):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        self.staged(number).carry_out(self.story.target)
        op = self.story.op("rollback", f"run {number}", reason="bad")
        return Order(action="rollback", op=op, dataset=self.story.name), lambda: self.read(1)


class Retire(Deed):
    """Of three that were live the first goes: the second is what a roll-back would go to."""

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        releases = self.story.store.releases
        old = releases.live(self.story.name)
        assert old is not None
        for number in (next(self.numbers), next(self.numbers)):
            self.staged(number).carry_out(self.story.target)
        op = self.story.op("retire", f"run {number}")

        def look() -> None:
            self.read(number)
            assert releases.get(old.name).state == "RETIRED"
            assert not self.story.target.publisher.exists(old.relation)

        return Order(action="retire", op=op, dataset=self.story.name), look


class Reconcile(Deed):
    """Settles an intent whose switch never was, and another whose switch nobody has recorded, by turns."""

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        order, target = self.staged(number), self.story.target
        assert order.release is not None
        before = self.story.rows()
        pointer = target.publisher.pointer(self.story.name, self.story.name)
        intent = Intent(
            op=order.op,
            dataset=self.story.dataset,
            release=order.release,
            from_epoch=pointer.epoch,
            leaves=Action.SUPERSEDE,
        )
        target.store.switches.intend(intent)
        if number % 2:
            target.publisher.switch(
                Switch(
                    dataset=self.story.name,
                    reader=target.publisher.reader(self.story.name),
                    relation=target.store.releases.get(order.release).relation,
                    release=order.release.number,
                    expect=pointer.epoch,
                    op_id=order.op.op_id,
                    by=order.op.by,
                    at=order.op.now,
                ),
                lambda db: None,
            )
            before = [(number,)] * 2

        def look() -> None:
            assert self.story.rows() == before

        return Order(action="reconcile", op=order.op), look


DEEDS = {
    "stage": Stage,
    "take": Take,
    "promote": Promote,
    "adopt": Adopt,
    "rollback": Rollback,
    "retire": Retire,
    "reconcile": Reconcile,
}


def share(action: str, dialect: str) -> int:
    """Return how many of all the kills that are wanted fall to an operation on one database, rounded up."""
    weights = sum(1 / SLOW.get(each, 1) for each in DATABASES)
    return math.ceil(WANTED * LEAST[action] / sum(LEAST.values()) / SLOW.get(dialect, 1) / weights)


@pytest.mark.parametrize("target", DATABASES, indirect=True)
@pytest.mark.parametrize("action", LEAST)
def test_a_kill_at_any_step_tears_nothing_and_the_retry_finishes(story: Story, children: Nursery, action: str) -> None:
    dialect = story.target.connector.dialect
    story.live("first", values(1))
    deed = DEEDS[action](story)
    current = forked().Value("i", 1)
    with reader(story, current, several=action == "adopt"):
        stride = STRIDE * SLOW.get(dialect, 1)
        kills = kill_at_each_step(deed, children, current, 1 + DATABASES.index(dialect) % stride, stride)
        assert kills >= LEAST[action] // stride
        kills += kill_at_any_moment(deed, children, current, max(1, share(action, dialect) - kills))
    print(f"{kills} kills of {action} on {dialect}")
    assert kills >= share(action, dialect)
    story.name = "nyc.flights"


def kill_at_each_step(deed: Deed, children: Nursery, current: object, first: int, stride: int) -> int:
    """Kill at the first step, at the next, …, until it lives; return how often."""
    for kills, step in enumerate(itertools.count(first, stride)):
        order, look = deed.prepare()
        current.value = last_number(deed)  # type: ignore[attr-defined]
        child = children.run(act, deed.story.target.connector, url_of(deed.story), order, step)
        settle(deed, order, look)
        if not child.killed:
            assert child.said == "done"
            return kills
    raise AssertionError


def kill_at_any_moment(deed: Deed, children: Nursery, current: object, times: int) -> int:
    """Kill in the midst of whatever it does; those that were quicker do not count."""
    killed, longest, dice = 0, 0.05, random.Random(times)
    while killed < times:
        order, look = deed.prepare()
        current.value = last_number(deed)  # type: ignore[attr-defined]
        after = dice.uniform(0, longest)
        child = children.run(act, deed.story.target.connector, url_of(deed.story), order, -1, after=after)
        settle(deed, order, look)
        killed += child.killed
        longest = longest * 1.1 if child.killed else longest * 0.8
    return killed


def settle(deed: Deed, order: Order, look: Callable[[], None]) -> None:
    """See that readers have one whole release, that the retry does all that was asked, and that all is explained."""
    assert len({row for story in deed.stories for row in story.rows()}) == 1
    deed.before_retry()
    order.carry_out(deed.story.target)
    look()
    for story in deed.stories:
        explain(story.target, story.name)
        switches = len(log_of(story.target, story.name))
        replace(order, action="reconcile", dataset=story.name).carry_out(story.target)
        assert len(log_of(story.target, story.name)) == switches
        assert story.store.switches.intents(story.name) == []


def last_number(deed: Deed) -> int:
    """Return the number in the name that readers read, where it has one."""
    return int(deed.story.name.removeprefix("nyc.flights") or 1)


def url_of(story: Story) -> str:
    return str(story.store.engine.url)


@contextlib.contextmanager
def reader(story: Story, current: object, *, several: bool, also: tuple[str, ...] = ()) -> Iterator[None]:
    """Run a reader during a block, and see that it never saw anything but one whole release.

    :param several: it follows the block from one dataset to the next.
    :param also: the other datasets that it reads, all in one transaction.
    """
    stop, findings = forked().Event(), forked().Queue()
    name = "nyc.flights{}" if several else "nyc.flights"
    if several:
        with story.target.connector.open() as db:
            db.execute(f"CREATE TABLE {story.sql(story.target.publisher.reader('nyc.flights1'))} AS {values(1)}")
    sql = [story.sql(story.target.publisher.reader(each)) for each in (name, *also)]
    process = forked().Process(target=read_all_the_while, args=(story.target.connector, sql, current, stop, findings))
    process.start()
    try:
        yield
    finally:
        stop.set()
        reads, torn = findings.get(timeout=60)
        process.join(60)
    assert torn == []
    assert reads > 2
