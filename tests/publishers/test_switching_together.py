"""Several switches in one transaction: all or none, on each publisher that says it can."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import pytest
from processes import FatalWarehouse, forked
from warehouses import Bench, Warehouse, accept

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer
from airflow_dataops.publishers import publisher_for

NAMES = ("nyc.flights", "nyc.daily", "ops.crews")
"""One of them in a schema of its own, with a pointer table of its own."""
STRIDES = {"sqlite": 4, "postgres": 8, "duckdb": 16}
"""How many steps stand between two kills: the services' tests kill at each."""


@pytest.fixture(params=["sqlite", "duckdb", "postgres", "pointer_view"])
def benches(request: pytest.FixtureRequest) -> list[Bench]:
    """Three datasets, each with release 1 live and release 2 built."""
    benches = datasets(request.getfixturevalue(f"{request.param}_warehouse"))
    for bench in benches:
        bench.build(1)
        bench.build(2)
        bench.promote(1, 0, op_id=f"{bench.dataset} first")
    return benches


def datasets(warehouse: Warehouse) -> list[Bench]:
    return [Bench(warehouse, target=name, dataset=name) for name in NAMES]


def together(
    benches: Sequence[Bench], release: int, expects: Sequence[int], op: str = "op", verify: Any = accept
) -> tuple[Pointer, ...]:
    orders = [
        bench.order(release, expect, op_id=f"{op} {bench.dataset}")
        for bench, expect in zip(benches, expects, strict=True)
    ]
    return benches[0].publisher.switch_all([(order, verify) for order in orders])


def live(benches: Sequence[Bench]) -> list[int]:
    """Return what each dataset's readers get, having seen that pointer and log say the same."""
    found = []
    for bench in benches:
        pointer = bench.publisher.pointer(bench.dataset, bench.target)
        last = bench.publisher.last_switch(bench.dataset, bench.target)
        assert last is not None
        assert (last.epoch, last.release) == (pointer.epoch, pointer.release)
        assert bench.rows() == [(pointer.release,)] * 2
        found.append(last.release)
    return found


def test_all_go_live_and_each_has_its_own_epoch_and_row_in_the_log(benches: list[Bench]) -> None:
    benches[1].promote(2, 1)
    benches[1].promote(1, 2)
    done = together(benches, 2, [1, 3, 1])
    assert [(pointer.dataset, pointer.epoch, pointer.release) for pointer in done] == [
        ("nyc.flights", 2, 2),
        ("nyc.daily", 4, 2),
        ("ops.crews", 2, 2),
    ]
    assert live(benches) == [2, 2, 2]


@pytest.mark.parametrize("stale", [0, 1, 2])
def test_a_stale_epoch_of_one_keeps_all_back(benches: list[Bench], stale: int) -> None:
    expects = [1, 1, 1]
    expects[stale] = 7
    with pytest.raises(PublishConflict, match=rf"{NAMES[stale]}@r2 was not made live: .* epoch 1, expected 7.* r1 is"):
        together(benches, 2, expects)
    assert live(benches) == [1, 1, 1]


def test_the_same_again_changes_nothing_whatever_has_gone_live_since(benches: list[Bench]) -> None:
    done = together(benches, 2, [1, 1, 1])
    assert together(benches, 2, [1, 1, 1]) == done
    benches[2].promote(1, 2)
    assert together(benches, 2, [1, 1, 1]) == done
    assert live(benches) == [2, 2, 1]
    with pytest.raises(PublishConflict, match="expected 1"):
        together(benches, 2, [1, 1, 1], op="another")


def test_what_is_verified_of_one_is_of_all(benches: list[Bench]) -> None:
    asked = []

    def refuse(db: Database) -> None:
        asked.append(db)
        if len(asked) == 2:
            raise ConfigurationError("other data")

    with pytest.raises(ConfigurationError, match="other data"):
        together(benches, 2, [1, 1, 1], verify=refuse)
    assert live(benches) == [1, 1, 1]


def test_what_stands_in_the_way_of_one_stands_in_the_way_of_all(benches: list[Bench]) -> None:
    benches[1].publisher.drop(benches[1].publisher.physical(NAMES[1], 2))
    with pytest.raises(
        ConfigurationError, match=r"nyc.daily@r2 cannot go live: its table .* is not there.* r1 is still"
    ):
        together(benches, 2, [1, 1, 1])
    assert live(benches) == [1, 1, 1]


def test_a_fence_of_one_member_beats_a_zombie_set(benches: list[Bench]) -> None:
    benches[2].publisher.fence(NAMES[2], NAMES[2], 1)
    with pytest.raises(PublishConflict):
        together(benches, 2, [1, 1, 1])
    assert live(benches[:2]) == [1, 1]
    together(benches, 2, [1, 1, 2])
    assert live(benches) == [2, 2, 2]


def test_plain_tables_are_adopted_together(benches: list[Bench]) -> None:
    others = [Bench(benches[0].warehouse, target=name, dataset=name) for name in ("nyc.a", "nyc.b")]
    for bench in others:
        bench.warehouse.run(f"CREATE TABLE {bench.reader.sql} AS SELECT 0 AS v")
        bench.build(1)
    orders = [
        bench.order(1, 0, op_id=bench.dataset, adopt=bench.publisher.physical(bench.target, 0)) for bench in others
    ]
    others[0].publisher.switch_all([(order, accept) for order in orders])
    assert live(others) == [1, 1]


@pytest.mark.parametrize("benches", ["postgres"], indirect=True)
def test_a_reader_of_one_view_is_waited_for_and_named_and_readers_of_the_others_are_not_kept(
    benches: list[Bench],
) -> None:
    warehouse = benches[0].warehouse
    slow = Warehouse("postgres", warehouse.where, application="report")
    with slow.open() as reader, reader.transaction():
        reader.execute(f"SELECT * FROM {benches[0].reader.sql}")
        publisher = type(benches[0].publisher)(warehouse, deadline=1.0)
        orders = [bench.order(2, 1, op_id=bench.dataset) for bench in benches]
        with pytest.raises(LockTimeout, match=r"Could not make nyc\.flights@r2, nyc\.daily@r2.*application 'report'"):
            publisher.switch_all([(order, accept) for order in orders])
        assert live(benches) == [1, 1, 1]
    together(benches, 2, [1, 1, 1])
    assert live(benches) == [2, 2, 2]


@pytest.mark.parametrize("benches", ["postgres"], indirect=True)
def test_a_deadlock_with_somebody_else_is_waited_out(benches: list[Bench]) -> None:
    """Somebody has written to the candidate that the set locks last, and wants to write to the one it locks first."""
    first, last = (bench.publisher.physical(bench.target, 2).sql for bench in (benches[1], benches[0]))
    written = threading.Event()

    def write() -> None:
        with benches[0].warehouse.open() as writer, writer.transaction():
            writer.execute("SET LOCAL deadlock_timeout = '30s'")  # so that the set is who finds out
            writer.execute(f"INSERT INTO {last} VALUES (2)")
            written.set()
            time.sleep(0.5)
            writer.execute(f"INSERT INTO {first} VALUES (2)")

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(30)
    together(benches[:2], 2, [1, 1])
    thread.join()
    assert [bench.rows() for bench in benches[:2]] == [[(2,)] * 3] * 2


def test_mysql_says_why_it_cannot_and_switches_nothing(mysql_warehouse: Warehouse) -> None:
    benches = datasets(mysql_warehouse)[:2]
    for bench in benches:
        bench.build(1)
    assert "commit each DDL statement by itself" in (publisher_for(mysql_warehouse).one_by_one or "")
    with pytest.raises(ConfigurationError, match=r"Nothing was switched: MariaDB and MySQL .* one dataset at a time"):
        together(benches, 1, [0, 0])
    assert [bench.publisher.pointer(bench.dataset, bench.target).epoch for bench in benches] == [0, 0]
    assert together(benches[:1], 1, [0])[0].epoch == 1


def test_killed_at_each_step_all_have_switched_or_none(benches: list[Bench]) -> None:
    for at in itertools.count(0, STRIDES[benches[0].warehouse.dialect]):
        epoch = benches[0].publisher.pointer(NAMES[0], NAMES[0]).epoch
        release, fatal = 1 + epoch % 2, datasets(FatalWarehouse(**vars(benches[0].warehouse), at=at))
        child = forked().Process(target=together, args=(fatal, release, [epoch] * 3, f"op {at}"))
        child.start()
        child.join(60)
        assert child.exitcode in (0, -signal.SIGKILL)
        assert len(set(live(benches))) == 1
        assert {pointer.epoch for pointer in together(benches, release, [epoch] * 3, f"op {at}")} == {epoch + 1}
        assert live(benches) == [release] * 3
        if child.exitcode == 0:
            break
    assert at > 30


def contend(benches: Sequence[Bench], me: str, rounds: int, start: Any, answer: Connection) -> None:
    """Switch a set again and again; send how often it was the first."""
    won, lost = 0, 0
    start.wait(60)
    try:
        for turn in range(rounds):
            epochs = [bench.publisher.pointer(bench.dataset, bench.target).epoch for bench in benches]
            try:
                together(benches, 1 + turn % 2, epochs, f"{me} {turn}")
                won += 1
            except PublishConflict:
                lost += 1
        answer.send((won, lost))
    except BaseException as error:
        answer.send(repr(error))


def test_overlapping_sets_race_without_a_deadlock_and_each_goes_whole(benches: list[Bench]) -> None:
    a, b, c = benches
    sets = [[a, b], [b, c], [c, a], [c, b, a]]
    rounds = 4 if a.warehouse.dialect == "duckdb" else 12
    start = forked().Barrier(len(sets))
    pipes = [forked().Pipe(duplex=False) for _ in sets]
    children = [
        forked().Process(target=contend, args=(each, f"set {number}", rounds, start, answer))
        for number, (each, (_, answer)) in enumerate(zip(sets, pipes, strict=True))
    ]
    for child in children:
        child.start()
    heard = [receive.recv() for receive, _ in pipes if receive.poll(120)]
    for child in children:
        child.join(60)
    assert all(isinstance(each, tuple) for each in heard), heard
    assert [sum(each) for each in heard] == [rounds] * len(sets)
    assert sum(won for won, _ in heard) >= rounds // 2
    live(benches)
    made: dict[str, set[str]] = {}
    for bench in benches:
        table = Relation(schema=bench.reader.schema, name="dataops_switch")
        log = bench.warehouse.run(f"SELECT op_id FROM {table.sql} WHERE dataset = '{bench.dataset}' ORDER BY epoch")
        assert len(log) == bench.publisher.pointer(bench.dataset, bench.target).epoch
        for (op,) in log[1:]:
            made.setdefault(op.removesuffix(f" {bench.dataset}"), set()).add(bench.dataset)
    for op, names in made.items():
        assert names == {bench.dataset for bench in sets[int(op.split()[1])]}, f"{op} switched {names} alone"
    assert len(made) == sum(won for won, _ in heard)
