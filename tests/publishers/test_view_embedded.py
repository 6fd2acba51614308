"""What only SQLite or DuckDB has: frozen tables, views that follow names, conflicts instead of waits."""

from __future__ import annotations

import contextlib
import threading

import pytest
from warehouses import Bench, Warehouse, accept

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, MeasureError, PublishConflict
from airflow_dataops.publishers.view import ViewPublisher


class TestSqlite:
    @pytest.fixture
    def bench(self, sqlite_warehouse: Warehouse) -> Bench:
        return Bench(sqlite_warehouse)

    def test_the_file_is_in_wal_mode(self, bench: Bench) -> None:
        bench.build(1)
        assert bench.warehouse.run("PRAGMA journal_mode") == [("wal",)]

    @pytest.mark.parametrize(
        "write",
        ["INSERT INTO nyc_flights__r1 VALUES (7)", "UPDATE nyc_flights__r1 SET v = 7", "DELETE FROM nyc_flights__r1"],
    )
    def test_a_release_is_frozen(self, bench: Bench, write: str) -> None:
        bench.build(1)
        with pytest.raises(MeasureError, match="nyc_flights__r1 is a frozen release: stage a new one"):
            bench.warehouse.run(write)

    def test_a_table_that_is_taken_or_adopted_is_frozen_too(self, bench: Bench) -> None:
        bench.warehouse.run("CREATE TABLE nyc_flights AS SELECT 0 AS v", "CREATE TABLE built AS SELECT 1 AS v")
        publisher = bench.publisher
        publisher.take(publisher.reader("built"), publisher.physical(bench.target, 1))
        bench.promote(1, 0, adopt=publisher.physical(bench.target, 0))
        for release in (0, 1):
            with pytest.raises(MeasureError, match=f"r{release} is a frozen release"):
                bench.warehouse.run(f"DELETE FROM nyc_flights__r{release}")

    def test_the_triggers_go_with_the_table(self, bench: Bench) -> None:
        bench.build(1)
        bench.publisher.drop(bench.publisher.physical(bench.target, 1))
        assert bench.warehouse.run("SELECT name FROM sqlite_master WHERE type = 'trigger'") == []

    def test_views_follow_the_name_through_an_adoption_and_broken_ones_do_not_matter(self, bench: Bench) -> None:
        bench.warehouse.run(
            "CREATE TABLE nyc_flights AS SELECT 0 AS v",
            "CREATE VIEW report AS SELECT v FROM nyc_flights",
            "CREATE VIEW broken AS SELECT * FROM nowhere",
        )
        bench.build(1)
        bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        assert bench.warehouse.run("SELECT v FROM report") == [(1,), (1,)]

    def test_a_writer_that_does_not_end(self, bench: Bench) -> None:
        bench.build(1)
        publisher = ViewPublisher(bench.warehouse, deadline=0.5)
        with (
            bench.warehouse.open() as writer,
            writer.transaction(),
            pytest.raises(LockTimeout, match=r"Could not make nyc.flights@r1 live .* says: SQLite: database is locked"),
        ):
            publisher.switch(bench.order(1, 0), accept)
        bench.promote(1, 0)

    def test_an_open_reader_does_not_hold_a_switch_up(self, bench: Bench) -> None:
        bench.build(1)
        bench.build(2)
        bench.promote(1, 0)
        with bench.warehouse.open() as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT v FROM nyc_flights") == [(1,), (1,)]
            bench.promote(2, 1)
            assert reader.execute("SELECT v FROM nyc_flights") == [(1,), (1,)]
            reader.execute("COMMIT")
            assert reader.execute("SELECT v FROM nyc_flights") == [(2,), (2,)]


class TestDuckdb:
    @pytest.fixture
    def bench(self, duckdb_warehouse: Warehouse) -> Bench:
        return Bench(duckdb_warehouse)

    def test_an_indexed_table_is_not_adopted(self, bench: Bench) -> None:
        bench.warehouse.run(
            "CREATE SCHEMA nyc", "CREATE TABLE nyc.flights AS SELECT 0 AS v", "CREATE INDEX by_v ON nyc.flights (v)"
        )
        bench.build(1)
        with pytest.raises(ConfigurationError, match=r"nyc.flights has the index by_v, and DuckDB renames no indexed"):
            bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))

    def test_views_follow_the_name(self, bench: Bench) -> None:
        bench.warehouse.run(
            "CREATE SCHEMA nyc", "CREATE TABLE nyc.flights AS SELECT 0 AS v", "CREATE VIEW report AS FROM nyc.flights"
        )
        bench.build(1)
        bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        assert bench.warehouse.run("SELECT v FROM report") == [(1,), (1,)]

    def test_a_session_that_reads_keeps_what_it_began_with(self, bench: Bench) -> None:
        bench.build(1)
        bench.build(2)
        bench.promote(1, 0)
        with bench.warehouse.open() as reader, reader.transaction():
            assert reader.execute("SELECT v FROM nyc.flights") == [(1,), (1,)]
            bench.promote(2, 1)
            assert reader.execute("SELECT v FROM nyc.flights") == [(1,), (1,)]
        assert bench.rows() == [(2,), (2,)]

    def test_threads_that_race_for_one_epoch_have_one_winner(self, bench: Bench) -> None:
        won: list[int] = []

        def attempt(release: int) -> None:
            with contextlib.suppress(PublishConflict):
                won.append(bench.promote(release, 0).release)

        for release in (1, 2, 3):
            bench.build(release)
        threads = [threading.Thread(target=attempt, args=(release,)) for release in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert bench.rows() == [(won[0],)] * 2
