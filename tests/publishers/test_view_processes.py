"""Switches among real processes: readers that never stop, rivals for one epoch, and SIGKILL at every step."""

from __future__ import annotations

import itertools
import signal
import zlib
from typing import Any

import pytest
from processes import ROWS, FatalWarehouse, big, forked, race, readers, stride, switch_and_die
from warehouses import Bench, Warehouse

STRIDE = stride(4)
"""From another first step on each database."""


@pytest.fixture
def bench(warehouse: Warehouse) -> Bench:
    bench = Bench(warehouse)
    for release in (1, 2):
        bench.build(release, big(release))
    return bench


def test_readers_see_the_old_or_the_new_never_neither_never_a_mixture(bench: Bench) -> None:
    bench.promote(1, 0)
    with readers(bench, 2) as found:
        for flip in range(30):
            bench.promote(2 - flip % 2, flip + 1)
    assert len(found) == 2
    assert [wrong for _, wrong in found] == [[], []]
    assert {release for seen, _ in found for release in seen} == {1, 2}


def test_two_processes_race_for_each_epoch_and_exactly_one_wins(bench: Bench) -> None:
    rounds = 15
    barrier = forked().Barrier(2)
    pipes = [forked().Pipe(duplex=False) for _ in range(2)]
    children = [
        forked().Process(target=race, args=(bench, release, rounds, barrier, answer))
        for release, (_, answer) in enumerate(pipes, start=1)
    ]
    for child in children:
        child.start()
    won = [receive.recv() for receive, _ in pipes if receive.poll(60)]
    for child in children:
        child.join(60)
    assert [type(each) for each in won] == [list, list], won
    assert sorted(won[0] + won[1]) == list(range(rounds))
    log = bench.log()
    assert [epoch for epoch, _ in log] == list(range(1, rounds + 1))
    assert {epoch - 1 for epoch, release in log if release == 1} == set(won[0])
    agree(bench)


@pytest.mark.tables
def test_killed_at_each_step_a_switch_happened_or_did_not_and_a_retry_finishes_it(bench: Bench) -> None:
    bench.promote(1, 0)
    switched = []
    with readers(bench, 1) as found:
        for epoch, at in enumerate(itertools.count(first(bench), STRIDE), start=1):
            release = 1 + epoch % 2
            died = kill(bench, release, epoch, at)
            live = agree(bench)
            assert live in ((epoch, 3 - release), (epoch + 1, release))
            switched.append(live[0] > epoch)
            # The retry is the same operation: it finishes what did not happen and finds what did.
            assert bench.promote(release, epoch).epoch == epoch + 1
            assert agree(bench) == (epoch + 1, release)
            if not died:
                break
    # What came before the commit undid itself, and what came after it stands: the last step, and the one that lived.
    assert switched == sorted(switched)
    undone = switched.count(False)
    assert undone > 12 // STRIDE
    assert switched.count(True) >= 1 if bench.warehouse.dialect == "mysql" or STRIDE > 1 else switched.count(True) == 2
    ((seen, wrong),) = found
    assert wrong == []
    assert set(seen) == {1, 2}


@pytest.mark.tables
def test_killed_at_each_step_an_adoption_happened_or_did_not(bench: Bench) -> None:
    adopt = bench.publisher.physical(bench.target, 0)
    bench.warehouse.run(f"CREATE TABLE {bench.publisher.reader(bench.target).sql} AS {big(0)}")
    at, kills = first(bench), 0
    with readers(bench, 1) as found:
        while bench.publisher.adoptable(bench.target):
            assert bench.publisher.pointer(bench.dataset, bench.target).epoch == 0
            assert not bench.publisher.exists(adopt)
            died = kill(bench, 1, 0, at, adopt=adopt)
            assert died or STRIDE > 1  # the last step may lie between two
            at, kills = at + STRIDE, kills + died
    assert kills > 12 // STRIDE
    assert agree(bench) == (1, 1)
    assert bench.warehouse.run(f"SELECT min(v), count(*) FROM {adopt.sql}") == [(0, ROWS)]
    assert found[0][1] == []


def first(bench: Bench) -> int:
    """Return the first step at which is killed."""
    return zlib.crc32(bench.publisher.name.encode() + bench.warehouse.dialect.encode()) % STRIDE


def kill(bench: Bench, release: int, expect: int, at: int, **more: Any) -> bool:
    """Switch in a child process that is killed before step ``at``; return whether it died of that."""
    fatal = Bench(FatalWarehouse(**vars(bench.warehouse), at=at))
    child = forked().Process(target=switch_and_die, args=(fatal, release, expect, more))
    child.start()
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def agree(bench: Bench) -> tuple[int, int]:
    """Return epoch and release, having seen that pointer, log and view say the same."""
    pointer = bench.publisher.pointer(bench.dataset, bench.target)
    assert bench.log()[-1] == (pointer.epoch, pointer.release)
    assert pointer.release is not None
    assert bench.warehouse.run(f"SELECT min(v), max(v), count(*) FROM {bench.publisher.reader(bench.target).sql}") == [
        (pointer.release, pointer.release, ROWS)
    ]
    return pointer.epoch, pointer.release
