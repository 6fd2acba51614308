"""A plain table that was adopted is handed back, as it was."""

from __future__ import annotations

import itertools
import signal
from typing import Any

import pytest
from deadly import Deadly, Fuse, deadly_connector
from processes import forked, stride
from seeing import everything
from story import Story

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition
from airflow_dataops.core.releases import Operation, ReleaseName
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target, reconcile, unadopt
from airflow_dataops.stores.store import Store

R0 = ReleaseName(dataset="nyc.flights", number=0)


STRIDE = stride(3)


def adopted(story: Story, *, back: bool = True) -> None:
    """Let the first promotion adopt a plain table; go back to it."""
    reader = story.target.publisher.reader("nyc.flights")
    with story.target.connector.open() as db:
        if reader.schema:
            db.execute(f'CREATE SCHEMA "{reader.schema}"')
        db.execute(f"CREATE TABLE {reader.sql} AS SELECT 0 AS v")
    story.live("jan")
    if back:
        story.rollback("ops", to=R0)


def kind_of_reader(story: Story) -> str:
    reader = story.target.publisher.reader("nyc.flights")
    with story.target.connector.open(read_only=True) as db:
        if db.dialect == "sqlite":
            return str(db.execute("SELECT type FROM sqlite_master WHERE name = ?", (reader.name,))[0][0])
        query = "SELECT table_type FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
        return {"BASE TABLE": "table", "VIEW": "view"}[db.execute(query, (reader.schema, reader.name))[0][0]]


def test_the_table_has_its_name_again_and_pointer_log_and_store_say_so(story: Story) -> None:
    adopted(story)
    op = story.op("unadopt", "ops", reason="the pilot is over")
    before = story.target.publisher.pointer("nyc.flights", "nyc.flights")
    outcome = unadopt(story.target, "nyc.flights", op)
    assert f"{story.dataset.reader} is a plain table again" in outcome.message
    assert (kind_of_reader(story), story.rows()) == ("table", [(0,)])
    pointer = story.target.publisher.pointer("nyc.flights", "nyc.flights")
    assert (pointer.epoch, pointer.release, pointer.relation) == (before.epoch + 1, None, None)
    record = story.target.publisher.last_switch("nyc.flights", "nyc.flights")
    assert record is not None
    assert (record.release, record.epoch, record.op_id) == (0, pointer.epoch, op.op_id)
    assert story.states() == {"nyc.flights@r0": "RETIRED", "nyc.flights@r1": "ROLLED_BACK"}
    (*_, event) = story.store.releases.events(R0)
    assert (event["action"], event["reason"]) == ("unadopt", "the pilot is over")
    with story.target.connector.open() as db:  # it is nobody's but its owner's: it may be written to
        db.execute(f"INSERT INTO {story.target.publisher.reader('nyc.flights').sql} VALUES (5)")
    assert story.rows() == [(0,), (5,)]
    with pytest.raises(IllegalTransition, match="r0 is RETIRED, and nothing is live: there is nothing to hand back"):
        unadopt(story.target, "nyc.flights", story.op("unadopt", "again"))


def test_what_was_handed_back_is_adopted_again_by_the_next_promotion(story: Story) -> None:
    adopted(story)
    unadopt(story.target, "nyc.flights", story.op("unadopt", "ops"))
    assert reconcile(story.target, story.dataset) == []
    second = story.live("feb", "SELECT 2 AS v")
    assert story.rows() == [(2,)]
    assert story.states()["nyc.flights@r0"] == "SUPERSEDED"
    assert str(story.rollback("back").release) == "nyc.flights@r0"
    assert story.rows() == [(0,)]
    assert story.states()[str(second)] == "ROLLED_BACK"
    unadopt(story.target, "nyc.flights", story.op("unadopt", "once more"))
    assert (kind_of_reader(story), story.rows()) == ("table", [(0,)])


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_where_another_release_is_live_the_way_back_is_told(story: Story) -> None:
    adopted(story, back=False)
    before = everything(story.target)
    with pytest.raises(
        IllegalTransition,
        match=r"r0 cannot be handed back: nyc.flights@r1 is live.*rollback nyc.flights --to nyc.flights@r0 --reason",
    ):
        unadopt(story.target, "nyc.flights", story.op("unadopt", "ops"))
    assert everything(story.target) == before


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_dataset_that_adopted_nothing_says_so(story: Story) -> None:
    story.live("jan")
    with pytest.raises(IllegalTransition, match=r"nyc.flights has adopted no table: .* nothing to hand back"):
        unadopt(story.target, "nyc.flights", story.op("unadopt", "ops"))


@pytest.mark.parametrize("over", ["reader", "table"])
def test_where_views_depend_nothing_changes(story: Story, over: str) -> None:
    adopted(story)
    publisher = story.target.publisher
    view = publisher.reader("nyc.report")
    read = publisher.reader("nyc.flights") if over == "reader" else publisher.physical("nyc.flights", 0)
    with story.target.connector.open() as db:
        db.execute(f"CREATE VIEW {view.sql} AS SELECT v FROM {read.sql}")
    before = everything(story.target)
    with pytest.raises(ConfigurationError, match=rf"{view} depend on {read}. Drop or change these first"):
        unadopt(story.target, "nyc.flights", story.op("unadopt", "ops"))
    assert everything(story.target) == before
    assert story.rows() == [(0,)]


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_table_that_is_gone_cannot_be_handed_back(story: Story) -> None:
    adopted(story)
    table = story.target.publisher.physical("nyc.flights", 0)
    with story.target.connector.open() as db:
        db.execute(f"DROP VIEW {story.target.publisher.reader('nyc.flights').sql}")
        db.execute(f"DROP TABLE {table.sql}")
    with pytest.raises(ConfigurationError, match=rf"its table {table} is not there"):
        unadopt(story.target, "nyc.flights", story.op("unadopt", "ops"))


@pytest.mark.parametrize("target", ["sqlite", "postgres"], indirect=True)
def test_a_kill_at_any_step_leaves_the_view_or_the_table_and_reconcile_records_it(story: Story) -> None:
    adopted(story)
    url = str(story.store.engine.url)
    kills = 0
    for step in itertools.count(1, STRIDE):
        child = forked().Process(target=unadopt_and_die, args=(story.target.connector, url, step))
        child.start()
        child.join()
        assert story.rows() == [(0,)]
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
        reconcile(story.target, story.dataset)
        assert story.store.switches.intents("nyc.flights") == []
        live = story.target.publisher.pointer("nyc.flights", "nyc.flights").release
        assert (story.states()["nyc.flights@r0"], kind_of_reader(story)) == (
            ("LIVE", "view") if live == 0 else ("RETIRED", "table")
        )
        if live is None:  # adopt it again, for the next kill
            story.live(f"again {kills}", f"SELECT {kills} AS v")
            story.rollback(f"again {kills}", to=R0)
    assert kills > 10 // STRIDE


def unadopt_and_die(warehouse: Any, url: str, steps: int) -> None:
    """Unadopt in this process, which dies at a step."""
    fuse = Fuse(steps)
    connector = deadly_connector(warehouse, fuse)
    publisher = publisher_for(connector, warehouse.publisher)
    store: Any = Deadly(Store.open(url), fuse)
    target = Target(store=store, publisher=publisher, connector=connector, fingerprint=lambda db, r: "")
    from datetime import UTC, datetime

    op = Operation(op_id=f"unadopt {steps}", by="tests", now=datetime(2013, 3, 1, tzinfo=UTC), reason="over")
    unadopt(target, "nyc.flights", op)
