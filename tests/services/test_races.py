"""Many processes at once: each epoch has one winner, every loser is told so, and the logs explain the end."""

from __future__ import annotations

from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from deadly import Order, told
from explaining import explain, log_of
from processes import forked
from story import GATE, Story
from warehouses import Lake, Warehouse, lake

from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target
from airflow_dataops.stores.store import Store

LOST = (
    "Somebody else switched first",
    "Another operation is under way",
    "Could not make",
    "Could not fence",
    "the pointer keeps moving",
    "was not fenced",
    "SQLite: database is locked",
)
"""What a loser hears that may try again."""
NOTHING_TO_DO = ("Nothing changed", "is live already", "nothing to roll back", "nothing that was live before it")
"""What one hears whom somebody else has left nothing to do."""


def target_of(warehouse: Warehouse, store_url: str) -> Target:
    publisher = publisher_for(warehouse, warehouse.publisher)
    return Target(store=Store.open(store_url), publisher=publisher, connector=warehouse, fingerprint=fingerprint)


def contend(warehouse: Warehouse, store_url: str, orders: list[Order], start: Any, answer: Connection) -> None:
    """Carry the orders out together with everybody else; send what came of each."""
    target = target_of(warehouse, store_url)
    start.wait(120)
    answer.send([(order.op.op_id, told(order, target)) for order in orders])


@pytest.mark.parametrize(
    ("dialect", "count"), [("sqlite", 20), ("postgres", 20), ("duckdb", 4), ("files", 20), ("iceberg", 4)]
)
def test_of_many_that_switch_at_once_one_wins_each_epoch_and_every_loser_is_told(
    dialect: str, count: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where, store_url = f"{tmp_path}/warehouse", f"sqlite:///{tmp_path}/store.db"
    if dialect == "postgres":
        where = request.getfixturevalue("postgres_url")
        store_url = where.replace("postgresql://", "postgresql+psycopg://")  # beside the data, in its own tables
    warehouse = Warehouse(dialect, where)
    if dialect == "files":
        Path(where).mkdir()
        warehouse = Lake(where=where)
    if dialect == "iceberg":
        warehouse = lake(tmp_path / "lake")
    Store.open(store_url, create=True)
    story = Story(target_of(warehouse, store_url))
    story.live("first")
    start = forked().Barrier(count)
    contenders = []
    for number in range(count):
        release = story.stage(f"run {number}", f"SELECT {number} AS v")
        story.gate(release, f"run {number}")
        promote = Order(
            action="promote",
            op=story.op("promote", f"run {number}", release.name),
            release=release.name,
            gates=(GATE,),
            more={"replace_newer": True},
        )
        back = Order(action="rollback", op=story.op("rollback", f"run {number}", reason="bad"))
        receive, send = forked().Pipe(duplex=False)
        orders = [promote, back] if number % 2 else [back, promote]
        process = forked().Process(target=contend, args=(warehouse, store_url, orders, start, send))
        process.start()
        contenders.append((process, receive))
    heard = []
    for process, receive in contenders:
        assert receive.poll(300)
        heard += receive.recv()
        process.join(60)
    explain(story.target)
    log = log_of(story.target)[1:]
    won = [op_id for op_id, words in heard if words.startswith("switched")]
    assert sorted(won) == sorted(op_id for _, op_id, _ in log)
    assert len(won) > 1
    tally = Counter(kind_of(words) for _, words in heard)
    assert set(tally) <= {"won", "lost", "nothing to do"}, [w for _, w in heard if kind_of(w) == w]
    assert len(heard) == 2 * count


def kind_of(words: str) -> str:
    if words.startswith("switched"):
        return "won"
    if words.startswith(("PublishConflict", "LockTimeout")) and any(said in words for said in LOST):
        return "lost"
    if words.startswith(("kept", "IllegalTransition")) and any(said in words for said in NOTHING_TO_DO):
        return "nothing to do"
    return words
