"""What only MariaDB and MySQL have: DDL that commits by itself, locks of sessions, grants that stay with names."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from warehouses import Bench, Warehouse

from airflow_dataops.core.errors import ConfigurationError, MeasureError, PublishConflict
from airflow_dataops.core.relations import Relation

_USERS = itertools.count()
RIGHTS = "SELECT, INSERT, UPDATE, CREATE, ALTER, DROP, CREATE VIEW, SHOW VIEW, LOCK TABLES"
"""What a user needs who stages and promotes; docs/engines.md says so."""


@pytest.fixture
def bench(mysql_warehouse: Warehouse) -> Bench:
    return Bench(mysql_warehouse)


@pytest.fixture
def user(bench: Bench) -> Iterator[Callable[[str], str]]:
    """Create users with given rights in the database; they belong to the whole server, so they go at the end."""
    made: list[str] = []

    def create(rights: str = "") -> str:
        made.append(f"u{os.getpid()}_{next(_USERS)}")
        bench.warehouse.run(f"CREATE USER '{made[-1]}'@'%'")
        if rights:
            bench.warehouse.run(f"GRANT {rights} ON {database(bench)}.* TO '{made[-1]}'@'%'")
        return made[-1]

    yield create
    for name in made:
        bench.warehouse.run(f"DROP USER '{name}'@'%'")


def database(bench: Bench) -> str:
    return bench.warehouse.where.rpartition("/")[2]


class TestGrants:
    def test_they_stay_with_the_name_through_an_adoption_and_switches(
        self, bench: Bench, user: Callable[..., str]
    ) -> None:
        reader, clerk, stranger = user(), user(), user("CREATE")
        bench.warehouse.run(
            "CREATE TABLE nyc_flights AS SELECT -1 AS v, 2 AS w",
            f"GRANT SELECT ON nyc_flights TO '{reader}'@'%'",
            f"GRANT SELECT (v) ON nyc_flights TO '{clerk}'@'%'",
        )
        bench.build(1, "SELECT 1 AS v, 2 AS w")
        bench.build(2, "SELECT 'two' AS w, 2 AS v")
        bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        for release, row in ((1, (1, 2)), (2, ("two", 2))):
            if release == 2:
                bench.promote(2, 1)
            assert read_as(bench, reader) == [row]
            assert read_as(bench, clerk, "v") == [(release,)]
            for name, columns in ((clerk, "w"), (stranger, "v")):
                with pytest.raises(MeasureError, match="denied"):
                    read_as(bench, name, columns)
            with pytest.raises(MeasureError, match="denied"):  # the release itself is nobody's
                replace(bench.warehouse, role=reader).run(f"SELECT * FROM nyc_flights__r{release}")

    def test_who_has_the_rights_that_are_told_needs_no_more(self, bench: Bench, user: Callable[..., str]) -> None:
        bench.warehouse.run("CREATE TABLE nyc_flights AS SELECT 0 AS v", "CREATE TABLE built AS SELECT 2 AS v")
        worker = Bench(replace(bench.warehouse, role=user(RIGHTS)))
        worker.build(1)
        worker.publisher.take(Relation(name="built"), worker.publisher.physical(worker.target, 2))
        worker.promote(1, 0, adopt=worker.publisher.physical(worker.target, 0))
        worker.promote(2, 1)
        worker.promote(1, 2)
        worker.publisher.drop(worker.publisher.physical(worker.target, 2))
        assert worker.rows() == [(1,), (1,)]

    def test_a_view_that_cannot_be_looked_into_is_an_obstacle(self, bench: Bench, user: Callable[..., str]) -> None:
        bench.build_two()
        blind = Bench(replace(bench.warehouse, role=user(RIGHTS.replace("SHOW VIEW, ", ""))))
        with pytest.raises(ConfigurationError, match=r"definition of nyc_flights cannot be read. Grant SHOW VIEW"):
            blind.promote(2, 1)
        assert bench.rows() == [(1,), (1,)]

    def test_a_view_that_reads_with_its_readers_rights_goes_on_doing_so(self, bench: Bench) -> None:
        bench.build_two()
        bench.warehouse.run("ALTER SQL SECURITY INVOKER VIEW nyc_flights AS SELECT * FROM nyc_flights__r1")
        bench.promote(2, 1)
        assert bench.warehouse.run(
            "SELECT security_type FROM information_schema.views WHERE table_schema = DATABASE()"
        ) == [("INVOKER",)]

    @pytest.mark.parametrize(
        "write", ["INSERT INTO nyc_flights VALUES (7)", "UPDATE nyc_flights SET v = 7", "DELETE FROM nyc_flights"]
    )
    def test_nobody_changes_a_release_through_the_view(self, bench: Bench, write: str) -> None:
        bench.build(1)
        bench.promote(1, 0)
        with pytest.raises(MeasureError, match=r"is not (insertable-into|updatable)"):
            bench.warehouse.run(write)


def read_as(bench: Bench, user: str, columns: str = "*") -> list[tuple[object, ...]]:
    return replace(bench.warehouse, role=user).run(f"SELECT {columns} FROM nyc_flights")


class TestNames:
    def test_long_names_are_shortened_and_stay_apart(self, bench: Bench) -> None:
        first, second = (Bench(bench.warehouse, target="ü" * 31 + end, dataset=end) for end in "ab")
        for each in (first, second):
            each.build(42, f"SELECT '{each.dataset}' AS v")
            each.promote(42, 0, op_id=each.dataset)
        assert (first.rows(), second.rows()) == ([("a",)], [("b",)])

    @pytest.mark.parametrize(("target", "told"), [("x" * 65, "1 to 64 bytes"), ("x ", "no blank"), ("😀", "U[+]FFFF")])
    def test_what_the_database_would_not_keep_as_it_is_is_refused(self, bench: Bench, target: str, told: str) -> None:
        with pytest.raises(ConfigurationError, match=told):
            bench.publisher.reader(target)

    def test_a_source_in_another_database_is_taken_over(self, bench: Bench) -> None:
        other = f"{database(bench)}_raw"
        bench.warehouse.run(f"CREATE DATABASE {other}", f"CREATE TABLE {other}.built AS SELECT 1 AS v")
        try:
            bench.publisher.take(Relation.parse(f"{other}.built"), bench.publisher.physical(bench.target, 1))
        finally:
            bench.warehouse.run(f"DROP DATABASE {other}")
        bench.promote(1, 0)
        assert bench.rows() == [(1,)]

    def test_a_connection_without_a_database_is_refused(self, bench: Bench) -> None:
        nowhere = Bench(replace(bench.warehouse, where=bench.warehouse.where.rpartition("/")[0]))
        with pytest.raises(ConfigurationError, match="names no database, and releases live in one"):
            nowhere.build(1)


class TestAdoption:
    def test_foreign_keys_would_follow_the_table(self, bench: Bench) -> None:
        bench.warehouse.run(
            "CREATE TABLE nyc_flights (v INT PRIMARY KEY)",
            "CREATE TABLE tickets (v INT, FOREIGN KEY (v) REFERENCES nyc_flights (v))",
        )
        bench.build(1)
        with pytest.raises(ConfigurationError, match=r"foreign keys of these would follow it .*tickets\. Drop them"):
            bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        assert bench.publisher.adoptable(bench.target)

    def test_views_follow_the_name(self, bench: Bench) -> None:
        bench.warehouse.run(
            "CREATE TABLE nyc_flights AS SELECT 0 AS v", "CREATE VIEW report AS SELECT v FROM nyc_flights"
        )
        bench.build(1)
        bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        assert bench.warehouse.run("SELECT v FROM report") == [(1,), (1,)]


@dataclass(frozen=True)
class ConnectorsWarehouse(Warehouse):
    """A connector through mysql-connector-python, which talks to the server between two statements."""

    def _connect(self, read_only: bool) -> Any:
        import mysql.connector

        url = make_url(self.where)
        place = {"host": url.host, "port": url.port or 3306, "database": url.database}
        return mysql.connector.connect(**place, user=url.username, password=url.password or "")


def test_another_driver_moves_the_pointer_and_loses_to_a_fence_alike(bench: Bench) -> None:
    other = Bench(ConnectorsWarehouse(bench.warehouse.dialect, bench.warehouse.where))
    other.build_two()
    assert other.promote(2, 1).epoch == 2
    with pytest.raises(PublishConflict, match="epoch 2, expected 1"):
        other.promote(1, 1)
    assert other.publisher.fence(bench.dataset, bench.target, 2).epoch == 3
    assert (other.rows(), bench.rows()) == ([(2,), (2,)], [(2,), (2,)])


def test_a_release_that_views_read_is_not_dropped(bench: Bench) -> None:
    bench.build(1)
    bench.warehouse.run("CREATE VIEW fixed AS SELECT v FROM nyc_flights__r1")
    with pytest.raises(ConfigurationError, match=r"nyc_flights__r1 cannot be dropped: \w+\.fixed depend on it"):
        bench.publisher.drop(bench.publisher.physical(bench.target, 1))


def test_a_transaction_that_is_older_than_the_release_is_told_so(bench: Bench) -> None:
    bench.build(1)
    bench.promote(1, 0)
    with bench.warehouse.open() as old, old.snapshot():
        bench.build(2)
        bench.promote(2, 1)
        with pytest.raises(MeasureError, match="Table definition has changed, please retry transaction") as caught:
            old.execute("SELECT v FROM nyc_flights")
    assert caught.value.retryable
