"""A process that stands still at some step while somebody else switches, and then goes on: it loses, and says so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from deadly import Order, stop_within, told
from explaining import explain, log_of
from nursery import Nursery, nursery
from processes import stride
from story import GATE, Story

from airflow_dataops.publishers.view import ViewPublisher
from airflow_dataops.services.releasing.switching import CHOSEN

STRIDE = stride(5)
BEATEN = ("PublishConflict: ", "IllegalTransition: ", "kept: ")


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as opened:
        yield opened


def values(number: int) -> str:
    return f"SELECT {number} AS v UNION ALL SELECT {number}"


def promotion(story: Story, number: int) -> Order:
    """Return the order to promote a release whose rows all say ``number``."""
    release = story.stage(f"run {number}", values(number))
    story.gate(release, f"run {number}")
    op = story.op("promote", f"run {number}", release.name)
    return Order(action="promote", op=op, release=release.name, gates=(GATE,))


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_zombie_loses_to_who_has_switched_meanwhile(story: Story, children: Nursery, action: str) -> None:
    warehouse = story.target.connector
    hurried = replace(story.target, publisher=ViewPublisher(warehouse, deadline=0.5))
    story.live("first", values(0))
    numbers, stops, beaten = itertools.count(1), 0, 0
    for step in itertools.count(1, STRIDE):
        order = promotion(story, next(numbers))
        if action == "rollback":
            order.carry_out(story.target)
            order = Order(action="rollback", op=story.op("rollback", f"step {step}", reason="bad"))
        newest = next(numbers)
        rival = promotion(story, newest)
        # DuckDB lets nobody in while a session is open: there a zombie stands between two of its sessions.
        inside = warehouse.dialect != "duckdb"
        zombie = children.run(stop_within, warehouse, str(story.store.engine.url), order, step, inside)
        if not zombie.stands_still:
            assert zombie.said.startswith("switched"), zombie
            break
        stops += 1
        decided = action == "promote" or story.store.releases.noted(CHOSEN, order.op.op_id) is not None
        heard = told(rival, hurried)
        last = children.resume(zombie).said
        if not decided and last.startswith("switched"):
            # A roll-back that had not looked at what is live yet begins when it goes on.
            explain(story.target)
            continue
        if heard.startswith("switched"):
            beaten += 1
            assert story.rows() == [(newest,)] * 2
            # Its switch may have been made before it stood still; then it only has not said so yet.
            had_switched = order.op.op_id in {op_id for _, op_id, _ in log_of(story.target)[:-1]}
            assert last.startswith("switched" if had_switched else BEATEN), last
        else:
            # It stood still with the lock in its hands: nobody can take that away, and the rival says who has it.
            assert heard.startswith("LockTimeout: Could not "), heard
            assert "PID" in heard or warehouse.dialect == "sqlite"
            assert last.startswith(("switched", "PublishConflict")), last
            rival.carry_out(story.target)
        explain(story.target)
        log = log_of(story.target)
        told(order, story.target)
        assert log_of(story.target) == log
        assert story.rows() == [(newest,)] * 2
    assert stops >= (8 if inside else 3)
    assert beaten > stops // 3
