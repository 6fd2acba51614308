"""MariaDB's and MySQL's locks, and what happens between the flip and its record."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from warehouses import Bench, Warehouse, accept

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, LockTimeout, MeasureError, PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.publishers.mysql_locks import NAMED
from airflow_dataops.publishers.view import ViewPublisher


@pytest.fixture
def bench(mysql_warehouse: Warehouse) -> Bench:
    return Bench(mysql_warehouse)


@dataclass(frozen=True)
class MeddledWarehouse(Warehouse):
    """A connector whose sessions call ``meddle``, once, when they have flipped a view."""

    meddle: Callable[[Database], object] = lambda db: None

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Any]:
        with super().open(read_only=read_only) as db:
            run, done = db.execute, []

            def execute(sql: str, parameters: Any = ()) -> Any:
                rows = run(sql, parameters)
                if "CREATE OR REPLACE" in sql and not done:
                    done.append(sql)
                    self.meddle(db)
                return rows

            db.execute = execute  # type: ignore[method-assign]
            yield db


def meddled(bench: Bench, meddle: Callable[[Database], object]) -> Bench:
    return Bench(MeddledWarehouse(bench.warehouse.dialect, bench.warehouse.where, meddle=meddle))


class TestBetweenFlipAndRecord:
    @pytest.mark.parametrize("next_comer", ["pointer", "switch", "adoptable"])
    def test_a_lost_connection_leaves_a_view_that_the_next_comer_puts_right(
        self, bench: Bench, next_comer: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        bench.build_two()

        def lose(db: Database) -> None:
            ((number,),) = db.execute("SELECT CONNECTION_ID()")
            bench.warehouse.run(f"KILL CONNECTION {number}")

        with pytest.raises(MeasureError) as caught:
            meddled(bench, lose).promote(2, 1)
        assert caught.value.retryable
        assert bench.rows() == [(2,), (2,)]
        if next_comer == "pointer":
            assert bench.publisher.pointer(bench.dataset, bench.target).release == 1
        elif next_comer == "adoptable":
            assert not bench.publisher.adoptable(bench.target)
        else:
            with pytest.raises(PublishConflict):
                bench.promote(2, 0)
            bench.publisher.preflight(bench.order(2, 1))
        assert bench.rows() == [(1,), (1,)]
        assert "nyc_flights shows nyc_flights__r1 again, and not nyc_flights__r2: that switch was" in caplog.text
        assert bench.promote(2, 1).epoch == 2
        assert bench.rows() == [(2,), (2,)]

    def test_a_fence_that_comes_first_wins_and_the_view_goes_back(self, bench: Bench) -> None:
        bench.build_two()
        late = meddled(bench, lambda db: bench.publisher.fence(bench.dataset, bench.target, 1))
        with pytest.raises(PublishConflict, match="epoch 2, expected 1"):
            late.promote(2, 1)
        assert bench.rows() == [(1,), (1,)]

    def test_what_would_keep_it_from_being_recorded_is_told_before_readers_see_anything(self, bench: Bench) -> None:
        bench.build_two()
        seen: list[Database] = []
        watched = meddled(bench, seen.append)
        with pytest.raises(MeasureError, match="Duplicate entry"):
            watched.promote(2, 1, op_id="op-1-0")
        assert (seen, bench.rows()) == ([], [(1,), (1,)])

    def test_a_dataset_of_another_name_does_not_take_the_view_for_a_killed_ones(self, bench: Bench) -> None:
        bench.build(1)
        bench.promote(1, 0)
        assert bench.publisher.pointer("their.flights", bench.target).release is None
        with pytest.raises(ConfigurationError, match="is a view that no release stands behind"):
            replace(bench, dataset="their.flights").promote(1, 0, op_id="theirs")
        assert bench.rows() == [(1,), (1,)]

    def test_a_view_whose_record_was_lost_is_left_alone(self, bench: Bench) -> None:
        bench.build(1)
        bench.promote(1, 0)
        bench.warehouse.run("DELETE FROM dataops_pointer")
        with pytest.raises(ConfigurationError, match="is a view that no release stands behind"):
            bench.publisher.adoptable(bench.target)
        assert bench.rows() == [(1,), (1,)]


class TestLocks:
    def test_a_reader_that_does_not_end_is_named_and_nothing_changes(self, bench: Bench) -> None:
        bench.build_two()
        with bench.warehouse.open() as slow, slow.transaction():
            slow.execute("SELECT 'secret words', v FROM nyc_flights")
            with pytest.raises(LockTimeout) as caught:
                ViewPublisher(bench.warehouse, deadline=1.0).switch(bench.order(2, 1), accept)
            number = connection(slow)
        message = str(caught.value)
        assert message.startswith("Could not make nyc.flights@r2 live within 1 s, nothing was changed: ")
        assert f"connection {number} (user root from " in message
        assert ", in a transaction for " in message
        assert "secret" not in message
        assert bench.publisher.pointer("nyc.flights", bench.target).epoch == 1
        assert bench.rows() == [(1,), (1,)]

    def test_where_the_server_tells_who_holds_what_nobody_else_is_named(self, bench: Bench, told: None) -> None:
        bench.build_two()
        with (
            bench.warehouse.open() as slow,
            slow.transaction(),
            bench.warehouse.open() as writing,
            writing.transaction(),
            bench.warehouse.open() as other,
            other.transaction(),
        ):
            slow.execute("SELECT v FROM nyc_flights")
            other.execute("SELECT v FROM nyc_flights__r2")
            publisher = ViewPublisher(bench.warehouse, deadline=1.0)
            with pytest.raises(LockTimeout) as caught:
                publisher.switch(bench.order(2, 1), accept)
            assert f"connection {connection(slow)} (" in str(caught.value)
            assert "holds nyc_flights." in str(caught.value)
            assert f"connection {connection(other)} " not in str(caught.value)
            writing.execute("UPDATE nyc_flights__r2 SET v = 9")
            with pytest.raises(LockTimeout, match=rf"connection {connection(writing)} \(.* holds nyc_flights__r2"):
                publisher.switch(bench.order(2, 1), accept)

    @pytest.fixture
    def told(self, bench: Bench) -> Iterator[None]:
        """Have MariaDB's plugin tell who holds what; MySQL knows without."""
        if "MariaDB" not in bench.warehouse.run("SELECT VERSION()")[0][0]:
            yield
            return
        with contextlib.suppress(MeasureError):  # another run of these tests has it
            bench.warehouse.run("INSTALL SONAME 'metadata_lock_info'")
        yield
        with contextlib.suppress(MeasureError):
            bench.warehouse.run("UNINSTALL SONAME 'metadata_lock_info'")

    def test_another_switch_of_the_same_name_is_named(self, bench: Bench) -> None:
        bench.build_two()
        with bench.warehouse.open() as other:
            assert other.execute(f"SELECT GET_LOCK({NAMED}, 0)", ("nyc_flights",)) == [(1,)]
            with pytest.raises(LockTimeout, match=rf"connection {connection(other)} \(.*\) is switching nyc_flights"):
                ViewPublisher(bench.warehouse, deadline=0.5).switch(bench.order(2, 1), accept)
        bench.promote(2, 1)

    def test_a_reader_that_ends_is_waited_for_and_the_check_is_not_repeated(self, bench: Bench) -> None:
        bench.build_two()
        verified: list[Database] = []
        with bench.warehouse.open() as slow:
            slow.execute("BEGIN")
            slow.execute("SELECT * FROM nyc_flights")
            ending = threading.Timer(0.5, lambda: slow.execute("COMMIT"))
            ending.start()
            bench.publisher.switch(bench.order(2, 1), verified.append)
            ending.join()
        assert len(verified) == 1
        assert bench.rows() == [(2,), (2,)]

    def test_a_fence_beats_a_switch_that_waits_for_a_reader(self, bench: Bench) -> None:
        bench.build_two()
        caught: list[DataOpsError] = []

        def attempt() -> None:
            try:
                bench.promote(2, 1)
            except DataOpsError as error:
                caught.append(error)

        waiting = threading.Thread(target=attempt)
        with bench.warehouse.open() as slow, slow.transaction():
            slow.execute("SELECT * FROM nyc_flights")
            waiting.start()
            while bench.warehouse.run(f"SELECT IS_USED_LOCK({NAMED.replace('?', repr('nyc_flights'))})") == [(None,)]:
                time.sleep(0.01)
            bench.publisher.fence(bench.dataset, bench.target, 1)
        waiting.join(60)
        assert [type(error) for error in caught] == [PublishConflict]
        assert bench.rows() == [(1,), (1,)]

    def test_what_was_verified_cannot_change_before_the_flip(self, bench: Bench) -> None:
        bench.build(1)
        refused: list[str] = []

        def meddle(db: Database) -> None:
            with bench.warehouse.open() as other:
                other.execute("SET SESSION lock_wait_timeout = 1")
                for write in ("INSERT INTO nyc_flights__r1 VALUES (7)", "TRUNCATE TABLE nyc_flights__r1"):
                    with pytest.raises(LockTimeout) as caught:
                        other.execute(write)
                    refused.append(str(caught.value))

        bench.publisher.switch(bench.order(1, 0), meddle)
        assert len(refused) == 2

    def test_a_drop_that_waits_for_a_promotion_does_not_drop_what_is_live_now(self, bench: Bench) -> None:
        bench.build_two()
        caught: list[DataOpsError] = []

        def attempt() -> None:
            try:
                bench.publisher.drop(bench.publisher.physical(bench.target, 2))
            except DataOpsError as error:
                caught.append(error)

        dropping = threading.Thread(target=attempt)

        def verify(db: Database) -> None:
            dropping.start()
            while not db.execute(
                "SELECT id FROM information_schema.processlist WHERE info LIKE 'LOCK TABLES `nyc_flights__r2` WRITE%'"
            ):
                time.sleep(0.005)

        bench.publisher.switch(bench.order(2, 1), verify)
        dropping.join(60)
        assert [str(error).partition(":")[0] for error in caught] == ["nyc_flights__r2 is live"]
        assert bench.rows() == [(2,), (2,)]


def connection(db: Database) -> int:
    """Return what the server calls a session."""
    ((number,),) = db.execute("SELECT CONNECTION_ID()")
    return int(number)
