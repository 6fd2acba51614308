"""What only the pointer view has: old snapshots that stay whole, switches that wait for nobody, a view that is kept."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from warehouses import Bench, Warehouse, accept

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, MeasureError, PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.publishers import publisher_for
from airflow_dataops.publishers.pointer_view import RELEASES, PointerViewPublisher

VIEW = "nyc.flights"


@pytest.fixture
def bench(pointer_view_warehouse: Warehouse) -> Bench:
    return Bench(pointer_view_warehouse)


@pytest.fixture
def live(bench: Bench) -> Bench:
    """Two releases, of which the second is live."""
    for release in (1, 2):
        bench.build(release)
        bench.promote(release, release - 1)
    return bench


@contextlib.contextmanager
def old_snapshot(bench: Bench) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Open a transaction that reads what was there when it began, and yield what reads in it."""
    with bench.warehouse.open() as db:
        db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        db.execute("SELECT 1")
        yield db.execute
        db.execute("ROLLBACK")


class TestOldSnapshots:
    @pytest.mark.parametrize(
        ("publisher", "read"),
        [
            ("view", []),  # the new release's table is empty to a transaction that is older than its rows
            ("pointer_view", [(1,), (1,)]),
        ],
    )
    def test_a_transaction_older_than_the_switch(
        self, postgres_warehouse: Warehouse, publisher: str, read: list[tuple[int]]
    ) -> None:
        bench = Bench(replace(postgres_warehouse, publisher=publisher))
        bench.build(1)
        bench.promote(1, 0)
        with old_snapshot(bench) as ask:
            bench.build(2)
            bench.promote(2, 1)
            assert ask(f"SELECT v FROM {VIEW}") == read
        assert bench.rows() == [(2,), (2,)]

    def test_older_than_the_adoption_it_reads_the_plain_table(self, bench: Bench) -> None:
        bench.warehouse.run("CREATE SCHEMA nyc", f"CREATE TABLE {VIEW} AS SELECT 0 AS v")
        with old_snapshot(bench) as ask:
            bench.build(1)
            bench.promote(1, 0, adopt=bench.publisher.physical(VIEW, 0))
            assert ask(f"SELECT v FROM {VIEW}") == [(0,)]
        assert bench.rows() == [(1,), (1,)]

    def test_older_than_all_that_is_kept_it_is_an_error_and_not_an_empty_table(self, live: Bench) -> None:
        with old_snapshot(live) as ask:
            live.promote(1, 2)
            live.publisher.drop(live.publisher.physical(VIEW, 2))
            with pytest.raises(MeasureError, match="invalid input syntax for type bigint"):
                ask(f"SELECT v FROM {VIEW}")
        assert live.rows() == [(1,), (1,)]

    @pytest.mark.parametrize(
        ("sql", "read"),
        [
            ("SELECT 2 AS a, 'x' AS b, 5 AS c", [(1, "x", None)]),
            ("SELECT 2 AS a", [(1,)]),
            ("SELECT 'x' AS b, 2 AS a", [("x", 1)]),
            ("SELECT 'two' AS a, 'x' AS b", [("1", "x")]),
            ("""SELECT 2 AS a, CAST('x' AS text) COLLATE "C" AS b""", [(1, "x")]),
            ("SELECT 2 AS a, CAST('x' AS varchar(9)) AS b, 3 AS dataops_release", [(1, "x", None)]),
        ],
    )
    def test_where_columns_change_it_reads_its_release_in_the_new_ones(
        self, bench: Bench, sql: str, read: list[tuple[Any, ...]]
    ) -> None:
        bench.build(1, "SELECT 1 AS a, 'x' AS b")
        bench.promote(1, 0)
        with old_snapshot(bench) as ask:
            bench.build(2, sql)
            bench.promote(2, 1)
            assert ask(f"SELECT * FROM {VIEW}") == read

    def test_what_does_not_fit_the_new_type_is_an_error_and_not_another_value(self, bench: Bench) -> None:
        bench.build(1, "SELECT 'one' AS a")
        bench.promote(1, 0)
        with old_snapshot(bench) as ask:
            bench.build(2, "SELECT 2 AS a")
            bench.promote(2, 1)
            with pytest.raises(MeasureError, match="invalid input syntax for type integer"):
                ask(f"SELECT * FROM {VIEW}")
        assert bench.rows() == [(2,)]


def test_what_is_not_live_is_never_executed(live: Bench) -> None:
    live.warehouse.run(*[f"CREATE INDEX ON nyc.flights__r{release} (v)" for release in (1, 2)])
    for query in (f"SELECT * FROM {VIEW}", f"SELECT n FROM generate_series(1, 3) AS n JOIN {VIEW} ON v = n"):
        with live.warehouse.open() as db:
            db.execute("SET enable_seqscan = off")
            ((plan,),) = db.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
        loops = {node["Relation Name"]: node["Actual Loops"] for node in nodes(plan) if "Relation Name" in node}
        assert loops["flights__r1"] == 0
        assert loops["flights__r2"] > 0
        assert loops["dataops_pointer"] == 1


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield each node of a plan in JSON."""
    (top,) = json.loads(plan) if isinstance(plan, str) else plan
    waiting = [top["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node


class TestSwitching:
    def test_an_open_reader_does_not_hold_it_up(self, live: Bench) -> None:
        publisher = PointerViewPublisher(live.warehouse, deadline=0)
        with live.warehouse.open() as reading, reading.transaction():
            assert reading.execute(f"SELECT v FROM {VIEW}") == [(2,), (2,)]
            publisher.switch(live.order(1, 2), accept)
            assert live.rows() == [(1,), (1,)]
            assert reading.execute(f"SELECT v FROM {VIEW}") == [(1,), (1,)]  # READ COMMITTED: each statement anew

    def test_the_first_of_a_release_waits_for_readers_and_names_them(self, live: Bench) -> None:
        live.build(3)
        publisher = PointerViewPublisher(live.warehouse, deadline=0.5)
        with replace(live.warehouse, application="night report").open() as reading, reading.transaction():
            reading.execute(f"SELECT v FROM {VIEW}")
            with pytest.raises(LockTimeout, match=r"make nyc.flights@r3 live .* 'night report', .* holds nyc.flights"):
                publisher.switch(live.order(3, 2), accept)
        assert read_by(live) == {1, 2}
        publisher.switch(live.order(3, 2), accept)
        assert live.rows() == [(3,), (3,)]

    def test_no_release_is_lost_while_others_come_and_go(self, live: Bench) -> None:
        """Whoever changes the view's text, and a switch, each hold the pointer: none undoes what another has done."""
        lost: list[str] = []

        def come_and_go(releases: range) -> None:
            for release in releases:
                live.build(release)
                with contextlib.suppress(ConfigurationError, PublishConflict):
                    epoch = live.publisher.pointer(live.dataset, VIEW).epoch
                    live.publisher.switch(live.order(release, epoch), partial(refuse, release))
                live.publisher.drop(live.publisher.physical(VIEW, release))

        def refuse(release: int, db: Database) -> None:
            if release not in read_by(live):
                lost.append(f"r{release} had been made ready")
            raise ConfigurationError("other data")

        others = [threading.Thread(target=come_and_go, args=(range(first, 13, 2),)) for first in (3, 4)]
        for other in others:
            other.start()
        epoch = 2
        while any(other.is_alive() for other in others):
            release = 2 - (epoch - 1) % 2
            live.promote(release, epoch)
            epoch += 1
            assert live.rows() == [(release,), (release,)]
        assert lost == []
        assert (read_by(live), live.publisher.pointer(live.dataset, VIEW).epoch) == ({1, 2}, epoch)

    def test_the_views_text_is_left_alone(self, live: Bench) -> None:
        def text() -> list[tuple[Any, ...]]:
            return live.warehouse.run(
                "SELECT xmin::text, ev_action::text FROM pg_rewrite WHERE ev_class::regclass::text = 'nyc.flights'"
            )

        before = text()
        live.promote(1, 2)
        live.promote(2, 3)
        assert text() == before

    def test_a_loser_does_not_touch_the_view(self, live: Bench) -> None:
        live.build(3)
        with pytest.raises(PublishConflict, match="epoch 2, expected 1"):
            live.promote(3, 1)
        live.publisher.drop(live.publisher.physical(VIEW, 3))
        assert read_by(live) == {1, 2}

    def test_a_view_that_somebody_has_replaced_is_ours_again(self, live: Bench) -> None:
        live.warehouse.run(f"CREATE OR REPLACE VIEW {VIEW} AS SELECT 9 AS v")
        live.promote(1, 2)
        assert live.rows() == [(1,), (1,)]

    def test_a_dead_switch_has_made_ready_what_a_later_drop_takes_away(self, live: Bench) -> None:
        def refuse(db: Database) -> None:
            raise ConfigurationError("other data")

        live.build(3)
        with pytest.raises(ConfigurationError, match="other data"):
            live.publisher.switch(live.order(3, 2), refuse)
        assert (read_by(live), live.rows()) == ({1, 2, 3}, [(2,), (2,)])
        live.publisher.drop(live.publisher.physical(VIEW, 3))
        assert (read_by(live), live.rows()) == ({1, 2}, [(2,), (2,)])


class TestWhatIsKept:
    def test_those_that_were_live_last_and_each_can_be_gone_back_to(self, bench: Bench) -> None:
        last = RELEASES + 3
        for release in range(1, last + 1):
            bench.build(release)
            bench.promote(release, release - 1)
        assert read_by(bench) == set(range(4, last + 1))
        bench.promote(1, last)
        assert bench.rows() == [(1,), (1,)]
        assert read_by(bench) == {1, *range(5, last + 1)}

    def test_a_release_is_taken_out_to_be_dropped_unless_it_is_live(self, live: Bench) -> None:
        with pytest.raises(ConfigurationError, match=r"nyc\.flights__r2 is live: nyc\.flights@r2 is what readers get"):
            live.publisher.drop(live.publisher.physical(VIEW, 2))
        live.publisher.drop(live.publisher.physical(VIEW, 1))
        assert (read_by(live), live.rows()) == ({2}, [(2,), (2,)])

    def test_a_view_of_the_users_own_keeps_its_release(self, live: Bench) -> None:
        live.warehouse.run("CREATE VIEW nyc.fixed AS SELECT v FROM nyc.flights__r1")
        with pytest.raises(ConfigurationError, match=r"nyc\.flights__r1 cannot be dropped: nyc\.fixed depend on it"):
            live.publisher.drop(live.publisher.physical(VIEW, 1))
        assert read_by(live) == {1, 2}


def test_readers_need_a_right_on_the_view_alone(live: Bench) -> None:
    live.warehouse.run('CREATE ROLE "only reads"', 'GRANT USAGE ON SCHEMA nyc TO "only reads"')
    live.warehouse.run(f'GRANT SELECT ON {VIEW} TO "only reads"')
    try:
        reader = replace(live.warehouse, role="only reads")
        assert reader.run(f"SELECT v FROM {VIEW}") == [(2,), (2,)]
        live.promote(1, 2)
        assert reader.run(f"SELECT v FROM {VIEW}") == [(1,), (1,)]
    finally:
        live.warehouse.run('DROP OWNED BY "only reads" CASCADE', 'DROP ROLE "only reads"')


def test_where_there_is_none_it_is_refused(tmp_path: Any) -> None:
    for dialect in ("sqlite", "duckdb"):
        with pytest.raises(ConfigurationError, match=rf"'pointer_view' is for postgres alone, .* is a {dialect} data"):
            publisher_for(Warehouse(dialect, str(tmp_path / "file")), "pointer_view")
    for name in ("pointer view", "", None, ["view"]):
        with pytest.raises(
            ConfigurationError, match=r"There is no publisher .*: expected one of files, iceberg, pointer_view, view\."
        ):
            publisher_for(Warehouse("postgres", "nowhere"), name)  # type: ignore[arg-type]


def read_by(bench: Bench) -> set[int]:
    """Return the numbers of the releases that the view reads."""
    rows = bench.warehouse.run(
        "SELECT DISTINCT substring(refobjid::regclass::text FROM '__r(\\d+)$')::int FROM pg_depend"
        " JOIN pg_rewrite AS rule ON classid = 'pg_rewrite'::regclass AND objid = rule.oid"
        f" WHERE ev_class = '{VIEW}'::regclass AND refobjid::regclass::text ~ '__r'"
    )
    return {number for (number,) in rows}
