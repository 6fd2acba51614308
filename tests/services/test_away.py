"""The store, the target or the disk is away in the middle: a clear error that a retry mends; readers never notice."""

from __future__ import annotations

import itertools
import resource
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from deadly import Fuse, Order, deadly, told
from explaining import explain
from nursery import Nursery, nursery
from sqlalchemy import event, make_url
from story import GATE, Story
from warehouses import Lake, Warehouse

from airflow_dataops.core.errors import DataOpsError, MeasureError, StoreUnavailable
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target
from airflow_dataops.stores.store import Store


def story_of(warehouse: Warehouse, store_url: str) -> Story:
    store, publisher = Store.open(store_url, create=True), publisher_for(warehouse, warehouse.publisher)
    return Story(Target(store=store, publisher=publisher, connector=warehouse, fingerprint=fingerprint))


def values(number: int) -> str:
    return f"SELECT {number} AS v UNION ALL SELECT {number}"


def staged(story: Story, number: int) -> Order:
    """Return the order to promote a new release whose rows all say ``number``."""
    release = story.stage(f"run {number}", values(number))
    story.gate(release, f"run {number}")
    op = story.op("promote", f"run {number}", release.name)
    return Order(action="promote", op=op, release=release.name, gates=(GATE,))


def fails_at_each_step(
    story: Story, error: type[DataOpsError], target_at: Callable[[int, Order], Target], mend: Callable[[], None]
) -> int:
    """Promote with what goes away at the first step, at the second, …; return how often that was an error."""
    story.live("first", values(0))
    for errors in itertools.count():
        step = errors + 1
        order = staged(story, step)
        target = target_at(step, order)
        raised = None
        try:
            order.carry_out(target)
        except error as caught:
            raised = caught
        mend()
        if raised is None:
            assert story.rows() == [(step,)] * 2
            return errors
        assert raised.retryable, raised
        assert "\n" not in str(raised)
        assert story.rows() in ([(step - 1,)] * 2, [(step,)] * 2)
        order.carry_out(story.target)
        assert story.rows() == [(step,)] * 2
        explain(story.target)
    raise AssertionError


def test_a_store_whose_file_is_away_is_told_at_every_step_and_no_other_is_made_in_its_place(tmp_path: Path) -> None:
    warehouse = Warehouse("sqlite", str(tmp_path / "warehouse"))
    file, elsewhere = tmp_path / "store.db", tmp_path / "elsewhere"
    story = story_of(warehouse, f"sqlite:///{file}")

    def go_away() -> None:
        elsewhere.mkdir()
        for part in tmp_path.glob("store.db*"):
            part.rename(elsewhere / part.name)

    def mend() -> None:
        assert not elsewhere.exists() or not file.exists(), "another store was made"
        for part in elsewhere.glob("*"):
            part.rename(tmp_path / part.name)
        if elsewhere.exists():
            elsewhere.rmdir()

    def target_at(step: int, order: Order) -> Target:
        return deadly(warehouse, f"sqlite:///{file}", Fuse(step, go_away))

    assert fails_at_each_step(story, StoreUnavailable, target_at, mend) > 15


def test_a_store_whose_server_ends_the_connection_is_told_at_every_statement(postgres_url: str, tmp_path: Path) -> None:
    warehouse = Warehouse("sqlite", str(tmp_path / "warehouse"))
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    story, ends = story_of(warehouse, url), Warehouse("postgres", postgres_url, "administrator")

    def target_at(step: int, order: Order) -> Target:
        store = Store.open(f"{url}&application_name=victim")
        fuse = Fuse(step, lambda: terminate(ends, "victim"))
        event.listen(store.engine, "before_cursor_execute", lambda *_: fuse.burn())
        event.listen(store.engine, "commit", lambda *_: fuse.burn())
        return replace(story.target, store=store)

    assert fails_at_each_step(story, StoreUnavailable, target_at, lambda: None) > 20


def test_a_target_whose_server_ends_the_connection_is_told_at_every_statement(
    postgres_url: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    victim, ends = Warehouse("postgres", postgres_url, "victim"), Warehouse("postgres", postgres_url, "administrator")
    story = story_of(Warehouse("postgres", postgres_url), url)
    story.live("first", values(0))
    errors = 0
    for step in itertools.count(1):
        order = staged(story, step)
        fuse = Fuse(step, lambda: terminate(ends, "victim"))
        words = told(order, deadly(victim, url, fuse))
        assert story.rows() in ([(step - 1,)] * 2, [(step,)] * 2)
        order.carry_out(story.target)
        assert story.rows() == [(step,)] * 2
        explain(story.target)
        if fuse.steps > 0:
            break
        # Where no session was open, nobody was hit.
        assert words.startswith(("MeasureError: PostgreSQL: terminating connection", "switched")), words
        errors += words.startswith("MeasureError")
    assert errors > 15


def terminate(administrator: Warehouse, application: str) -> None:
    """End every connection of an application, and wait until it has ended."""
    mine = "FROM pg_stat_activity WHERE application_name = ?"
    with administrator.open() as db:
        db.execute(f"SELECT pg_terminate_backend(pid) {mine}", (application,))
        while db.execute(f"SELECT 1 {mine}", (application,)):
            pass


# a full disk


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as opened:
        yield opened


MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i AS v FROM n"


def build_in_little_room(warehouse: Warehouse, store_url: str, order: Order, room: int) -> str:
    """Stage in this process, whose files must not become longer than ``room`` bytes."""
    target = Target(
        store=Store.open(store_url),
        publisher=publisher_for(warehouse, warehouse.publisher),
        connector=warehouse,
        fingerprint=fingerprint,
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    return told(order, target)


@pytest.mark.parametrize("kind", ["sqlite", "files"])
def test_a_build_that_finds_no_room_leaves_nothing_and_the_next_try_finishes(
    tmp_path: Path, children: Nursery, kind: str
) -> None:
    warehouse, url = Warehouse("sqlite", str(tmp_path / "warehouse")), f"sqlite:///{tmp_path}/store.db"
    if kind == "files":
        (tmp_path / "lake").mkdir()
        warehouse = Lake(where=str(tmp_path / "lake"))
    story = story_of(warehouse, url)
    first = story.live("first", values(0))
    order = Order(
        action="stage",
        op=story.op("stage", "big"),
        more={"sql": MANY.format(600_000).replace("i AS v", "i AS v, i * i * 7919 % 1000003 AS w")},
    )
    room = 2 * 1024 * 1024
    child = children.run(build_in_little_room, warehouse, url, order, room)
    assert child.said.startswith("MeasureError: "), child.said
    assert "\n" not in child.said
    assert story.rows() == [(0,)] * 2
    assert story.states() == {str(first): "LIVE", "nyc.flights@r2": "ABORTED"}
    assert not story.target.publisher.exists(story.target.publisher.physical("nyc.flights", 2))
    if kind == "files":
        assert {each.name for each in (tmp_path / "lake/nyc.flights").iterdir()} == {"_dataops", "r1"}
    again = story.stage("big", MANY.format(1000))
    assert len(story.rows_of(again.relation)) == 1000


def test_a_build_that_exceeds_the_servers_limit_leaves_nothing_and_the_next_try_finishes(
    postgres_url: str, tmp_path: Path
) -> None:
    warehouse = Warehouse("postgres", postgres_url)
    story = story_of(warehouse, f"sqlite:///{tmp_path}/store.db")
    first = story.live("first", values(0))
    name = make_url(postgres_url).database
    warehouse.run(*(f"ALTER DATABASE \"{name}\" SET {limit} = '64kB'" for limit in ("temp_file_limit", "work_mem")))
    sql = "SELECT i AS v FROM generate_series(1, {}) AS i ORDER BY md5(i::text)"
    with pytest.raises(MeasureError, match="temporary file size exceeds") as raised:
        story.stage("big", sql.format(200_000))
    assert raised.value.retryable
    assert story.rows() == [(0,)] * 2
    assert story.states() == {str(first): "LIVE", "nyc.flights@r2": "ABORTED"}
    assert not story.target.publisher.exists(story.target.publisher.physical("nyc.flights", 2))
    assert len(story.rows_of(story.stage("big", sql.format(10)).relation)) == 10


# two Airflows


def test_two_airflows_on_one_target_switch_by_turns_and_neither_loses_a_table(story: Story, tmp_path: Path) -> None:
    other = Story(replace(story.target, store=Store.open(f"sqlite:///{tmp_path}/other.db", create=True)))
    made = []
    for turn in range(1, 7):
        mine = story if turn % 2 else other
        made.append(mine.live(f"turn {turn}", values(turn)))
        assert mine.rows() == [(turn,)] * 2
    assert len({str(release.relation) for release in made}) == len(made)
    failed = other.stage("bad", values(7))
    assert str(other.stage("bad", values(8))) != str(failed)
    assert story.rollback("ops").switched
    assert other.rollback("their ops").switched
    for mine in (story, other):
        mine.live("last of all" + mine.store.label, values(9))
        assert mine.rows() == [(9,)] * 2
    for each in made:
        assert story.target.publisher.exists(each.relation)
    for mine in (story, other):
        Order(action="reconcile", op=mine.op("reconcile", "r")).carry_out(mine.target)
        pointer = mine.target.publisher.pointer("nyc.flights", "nyc.flights")
        assert [n for n, state in mine.states().items() if state == "LIVE"] == [f"nyc.flights@r{pointer.release}"]


def test_a_number_that_two_airflows_give_at_once_is_built_by_one_and_the_other_takes_the_next(
    story: Story, tmp_path: Path
) -> None:
    other = Story(replace(story.target, store=Store.open(f"sqlite:///{tmp_path}/other.db", create=True)))
    publisher = story.target.publisher
    theirs: list[object] = []

    class Beaten:
        """Lets the other Airflow stage first, as soon as a number is given here."""

        def __getattr__(self, name: str) -> object:
            if name == "build" and not theirs:
                theirs.append(other.stage("theirs", values(2)))
            return getattr(publisher, name)

    ours = Story(replace(story.target, publisher=Beaten()))  # type: ignore[arg-type]
    with pytest.raises(DataOpsError, match=r"There is a table .* already, and nothing is overwritten") as raised:
        ours.stage("ours", values(1))
    assert raised.value.retryable
    (release,) = theirs
    assert other.rows_of(release.relation) == [(2,)] * 2  # type: ignore[attr-defined]
    again = ours.stage("ours", values(1))
    other.gate(release)  # type: ignore[arg-type]
    assert other.promote(release).switched  # type: ignore[arg-type]
    # What this store has aborted under that number is live in the target, by the other one's word.
    story.gate(again)
    assert story.promote(again).switched
    assert story.rows() == [(1,)] * 2
