"""Iceberg's switches among real processes: readers that never stop, and rivals for one epoch, on each SQL catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import ROWS, big, forked, race, readers
from warehouses import Bench, lake

from airflow_dataops.publishers.iceberg.pointer import switches

ROUNDS = 8


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    uri = ""
    if request.param == "postgres":
        uri = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    bench = Bench(lake(tmp_path / "lake", uri))
    for release in (1, 2):
        bench.build(release, big(release))
    return bench


def test_two_processes_race_for_each_epoch_and_exactly_one_wins_while_readers_read(bench: Bench) -> None:
    bench.promote(1, 0, op_id="first")
    barrier = forked().Barrier(2)
    pipes = [forked().Pipe(duplex=False) for _ in range(2)]
    children = [
        forked().Process(target=race, args=(bench, release, ROUNDS, barrier, answer, 1))
        for release, (_, answer) in enumerate(pipes, start=1)
    ]
    with readers(bench, 1) as found:
        for child in children:
            child.start()
        won = [receive.recv() for receive, _ in pipes if receive.poll(120)]
        for child in children:
            child.join(60)
    assert [type(each) for each in won] == [list, list], won
    assert sorted(won[0] + won[1]) == list(range(1, ROUNDS + 1))
    table = bench.warehouse.table()  # type: ignore[attr-defined]
    table.catalog.close()
    log = switches(table, bench.dataset)
    assert [record.epoch for record in log] == list(range(1, ROUNDS + 2))
    assert {record.epoch - 1 for record in log[1:] if record.release == 1} == set(won[0])
    assert bench.rows("min(v), max(v), count(*)") == [(log[-1].release, log[-1].release, ROWS)]
    assert [wrong for _, wrong in found] == [[]]
