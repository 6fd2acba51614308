"""What only PostgreSQL has: grants, owners, lock queues, name limits."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from processes import InterruptedWarehouse
from warehouses import Bench, Warehouse, accept

from airflow_dataops.core.errors import ConfigurationError, LockTimeout, MeasureError, PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.publishers.view import ViewPublisher

_ROLES = itertools.count()

VIEW = "nyc.flights"


@pytest.fixture
def bench(postgres_warehouse: Warehouse, request: pytest.FixtureRequest) -> Bench:
    postgres_warehouse.run("CREATE SCHEMA nyc")
    return Bench(replace(postgres_warehouse, publisher=getattr(request, "param", "view")))


each_publisher = pytest.mark.parametrize("bench", ["view", "pointer_view"], indirect=True)


@pytest.fixture
def role(bench: Bench) -> Iterator[Callable[[], str]]:
    """Create roles that can use the schema; they belong to the whole server, so they go at the end."""
    made: list[str] = []

    def create() -> str:
        made.append(f"role {next(_ROLES)}")
        bench.warehouse.run(f'CREATE ROLE "{made[-1]}"', f'GRANT USAGE, CREATE ON SCHEMA nyc TO "{made[-1]}"')
        return made[-1]

    yield create
    for name in made:
        bench.warehouse.run(f'DROP OWNED BY "{name}" CASCADE', f'DROP ROLE "{name}"')


def read_as(bench: Bench, role: str, columns: str = "*") -> list[tuple[object, ...]]:
    return replace(bench.warehouse, role=role).run(f"SELECT {columns} FROM {VIEW}")


@each_publisher
def test_adoption_carries_owner_grants_and_comment(bench: Bench, role: Callable[[], str]) -> None:
    owner, reader, clerk, stranger = role(), role(), role(), role()
    bench.warehouse.run(
        "CREATE TABLE nyc.flights AS SELECT -1 AS v, 2 AS w",
        f'ALTER TABLE nyc.flights OWNER TO "{owner}"',
        f'GRANT SELECT ON nyc.flights TO "{reader}" WITH GRANT OPTION',
        f'GRANT SELECT (v), UPDATE (v) ON nyc.flights TO "{clerk}"',
        "COMMENT ON TABLE nyc.flights IS 'all of ''2013'''",
        f'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{stranger}"',
    )
    bench.build(1, "SELECT 1 AS v, 2 AS w")
    bench.promote(1, 0, adopt=bench.publisher.physical(VIEW, 0))
    assert read_as(bench, reader) == [(1, 2)]
    assert read_as(bench, clerk, "v") == [(1,)]
    for role_, columns in ((clerk, "w"), (stranger, "v")):
        with pytest.raises(MeasureError, match="permission denied for view flights"):
            read_as(bench, role_, columns)
    (described,) = bench.warehouse.run(
        "SELECT pg_get_userbyid(relowner), obj_description(oid), has_table_privilege"
        f"('{reader}', oid, 'SELECT WITH GRANT OPTION') FROM pg_class WHERE oid = 'nyc.flights'::regclass"
    )
    assert described == (owner, "all of '2013'", True)

    # The same through a switch that has to drop the view, by way of a column that goes and comes again.
    bench.build(2, "SELECT 'two' AS w, 2 AS v")
    bench.promote(2, 1)
    assert read_as(bench, reader) == [("two", 2)]
    assert read_as(bench, clerk, "v") == [(2,)]
    with pytest.raises(MeasureError, match="permission denied"):
        read_as(bench, stranger)


@each_publisher
def test_a_views_own_options_survive(bench: Bench) -> None:
    bench.build(1)
    bench.build(2)
    bench.build(3, "SELECT 3 AS other")
    bench.promote(1, 0)
    bench.warehouse.run("ALTER VIEW nyc.flights SET (security_barrier = true)")
    for release in (2, 3):
        bench.promote(release, release - 1)
        (options,) = bench.warehouse.run("SELECT reloptions FROM pg_class WHERE oid = 'nyc.flights'::regclass")
        assert options == (["security_barrier=true"],)


@each_publisher
def test_nobody_changes_a_release_through_the_view(bench: Bench) -> None:
    bench.build(1)
    bench.promote(1, 0)
    with pytest.raises(MeasureError, match='cannot insert into view "flights"'):
        bench.warehouse.run("INSERT INTO nyc.flights VALUES (7)")


@each_publisher
def test_without_the_right_it_says_whose_the_view_is(bench: Bench, role: Callable[[], str]) -> None:
    owner, other = role(), role()
    owned = Bench(replace(bench.warehouse, role=owner))
    owned.build(1)
    owned.promote(1, 0)
    bench.warehouse.run(f'GRANT ALL ON ALL TABLES IN SCHEMA nyc TO "{other}"')
    intruder = Bench(replace(bench.warehouse, role=other))
    intruder.build(2)
    with pytest.raises(ConfigurationError, match=rf"nyc.flights belongs to {owner}. Connect as {owner}, or as a mem"):
        intruder.promote(2, 1)
    # A member of the owner's role may, and readers go on reading although the release belongs to somebody else.
    bench.warehouse.run(f'GRANT "{owner}" TO "{other}"', f'GRANT SELECT ON nyc.flights TO "{other}"')
    intruder.promote(2, 1)
    assert read_as(bench, owner) == [(2,), (2,)]


@each_publisher
def test_two_roles_that_share_the_pointers_need_not_own_them(bench: Bench, role: Callable[[], str]) -> None:
    first, second = role(), role()
    planes = Bench(replace(bench.warehouse, role=first), target="nyc.planes", dataset="nyc.planes")
    planes.build(1)
    planes.promote(1, 0, op_id="planes")
    bench.warehouse.run(f'GRANT SELECT, INSERT, UPDATE ON nyc.dataops_pointer, nyc.dataops_switch TO "{second}"')
    flights = Bench(replace(bench.warehouse, role=second))
    for release in (1, 2):
        flights.build(release)
        flights.promote(release, release - 1)
    assert read_as(bench, second) == [(2,), (2,)]


def test_row_level_security_is_not_adopted_away(bench: Bench) -> None:
    bench.warehouse.run("CREATE TABLE nyc.flights (v int)", "ALTER TABLE nyc.flights ENABLE ROW LEVEL SECURITY")
    bench.build(1)
    with pytest.raises(ConfigurationError, match=r"nyc.flights has row-level security, which a view over releases"):
        bench.promote(1, 0, adopt=bench.publisher.physical(VIEW, 0))


def test_what_depends_on_a_plain_table_would_stay_with_it(bench: Bench) -> None:
    bench.warehouse.run(
        "CREATE TABLE nyc.flights (v int PRIMARY KEY)",
        "CREATE VIEW nyc.report AS SELECT v FROM nyc.flights",
        "CREATE TABLE nyc.tickets (v int REFERENCES nyc.flights)",
    )
    bench.build(1)
    with pytest.raises(ConfigurationError, match=r"is adopted, and these depend on it .*: nyc.report, nyc.tickets\. "):
        bench.promote(1, 0, adopt=bench.publisher.physical(VIEW, 0))


def test_a_release_that_views_read_is_not_dropped(bench: Bench) -> None:
    bench.build(1)
    bench.warehouse.run("CREATE VIEW nyc.fixed AS SELECT v FROM nyc.flights__r1")
    with pytest.raises(ConfigurationError, match=r"nyc.flights__r1 cannot be dropped: nyc.fixed depend on it"):
        bench.publisher.drop(bench.publisher.physical(VIEW, 1))


def test_a_materialized_view_is_not_replaced(bench: Bench) -> None:
    bench.warehouse.run("CREATE MATERIALIZED VIEW nyc.flights AS SELECT 1 AS v")
    bench.build(1)
    with pytest.raises(ConfigurationError, match="is a materialized view that no release stands behind"):
        bench.promote(1, 0)


def test_a_source_in_another_schema_is_taken_over(bench: Bench) -> None:
    bench.warehouse.run("CREATE SCHEMA raw", "CREATE TABLE raw.built AS SELECT 1 AS v")
    bench.publisher.take(bench.publisher.reader("raw.built"), bench.publisher.physical(VIEW, 1))
    bench.promote(1, 0)
    assert bench.rows() == [(1,)]


class TestNames:
    @each_publisher
    def test_long_names_are_shortened_and_stay_apart(self, bench: Bench) -> None:
        first, second = (Bench(bench.warehouse, target="nyc." + "ü" * 30 + end, dataset=end) for end in "ab")
        names = {str(each.publisher.physical(each.target, 42)) for each in (first, second)}
        assert len(names) == 2
        assert all(name.endswith("__r42") and len(name.removeprefix("nyc.").encode()) <= 63 for name in names)
        for each in (first, second):
            each.build(1, f"SELECT '{each.dataset}' AS v")
            each.promote(1, 0, op_id=each.dataset)
        assert (first.rows(), second.rows()) == ([("a",)], [("b",)])

    def test_a_name_that_the_database_would_cut_is_refused(self, bench: Bench) -> None:
        with pytest.raises(ConfigurationError, match=r"cannot be a name here: expected 1 to 63 bytes"):
            bench.publisher.reader("nyc." + "x" * 64)


def test_a_rival_that_commits_between_two_looks_is_a_conflict_and_not_an_obstacle(bench: Bench) -> None:
    """The first switch makes the view: a rival that has read the pointer before must not take it for a stranger's."""
    bench.build(1)
    bench.build(2)
    first = InterruptedWarehouse("postgres", bench.warehouse.where, interrupt=lambda: bench.promote(1, 0))
    with pytest.raises(PublishConflict, match="epoch 1, expected 0"):
        Bench(first).promote(2, 0)
    assert bench.rows() == [(1,), (1,)]


class TestLocks:
    def test_a_reader_that_does_not_end_is_named_and_nothing_changes(self, bench: Bench) -> None:
        bench.build(1)
        bench.build(2)
        bench.promote(1, 0)
        publisher = ViewPublisher(bench.warehouse, deadline=2.0)
        with replace(bench.warehouse, application="night report").open() as slow, slow.transaction():
            pid = slow.execute("SELECT pg_backend_pid(), 'secret words', v FROM nyc.flights")[0][0]
            waits = [time.monotonic()]
            attempt = threading.Thread(target=lambda: caught.append(fails_with(publisher, bench)))
            caught: list[str] = []
            attempt.start()
            while attempt.is_alive():
                assert bench.rows() == [(1,), (1,)]
                waits.append(time.monotonic())
            attempt.join()
        (message,) = caught
        assert message.startswith("Could not make nyc.flights@r2 live within 2 s, nothing was changed: PID ")
        assert f"PID {pid} (application 'night report', user postgres, in a transaction for " in message
        assert "secret" not in message
        assert bench.publisher.pointer("nyc.flights", VIEW).epoch == 1
        # Other readers queue behind our wait for the lock, which is short.
        assert max(after - before for before, after in itertools.pairwise(waits)) < 1.0

    @each_publisher
    def test_a_reader_that_ends_is_waited_for_and_the_check_is_not_repeated(self, bench: Bench) -> None:
        bench.build(1)
        bench.build(2)
        bench.promote(1, 0)
        verified: list[Database] = []
        with bench.warehouse.open() as slow:
            slow.execute("BEGIN")
            slow.execute("SELECT * FROM nyc.flights")
            ending = threading.Timer(0.5, lambda: slow.execute("COMMIT"))
            ending.start()
            bench.publisher.switch(bench.order(2, 1), verified.append)
            ending.join()
        assert len(verified) == 1
        assert bench.rows() == [(2,), (2,)]

    def test_who_writes_the_release_is_named_and_who_only_reads_it_is_not(self, bench: Bench) -> None:
        bench.build(1)
        publisher = ViewPublisher(bench.warehouse, deadline=0.3)
        writing, reading = (replace(bench.warehouse, application=name) for name in ("loader", "report"))
        with reading.open() as r, r.transaction(), writing.open() as w, w.transaction():
            r.execute("SELECT * FROM nyc.flights__r1")
            w.execute("UPDATE nyc.flights__r1 SET v = 9")
            with pytest.raises(LockTimeout, match=r"'loader', user postgres, .* holds nyc.flights__r1") as caught:
                publisher.switch(bench.order(1, 0), accept)
        assert "report" not in str(caught.value)

    @each_publisher
    def test_what_was_verified_cannot_change_before_the_flip(self, bench: Bench) -> None:
        bench.build(1)
        refused: list[str] = []

        def meddle(db: Database) -> None:
            with bench.warehouse.open() as other, other.transaction():
                other.execute("SET LOCAL lock_timeout = '50ms'")
                with pytest.raises(LockTimeout) as caught:
                    other.execute("INSERT INTO nyc.flights__r1 VALUES (7)")
                refused.append(str(caught.value))

        bench.publisher.switch(bench.order(1, 0), meddle)
        assert len(refused) == 1

    def test_a_release_that_is_being_read_is_not_dropped_by_force(self, bench: Bench) -> None:
        bench.build(1)
        publisher = ViewPublisher(bench.warehouse, deadline=0.3)
        with bench.warehouse.open() as reading, reading.transaction():
            reading.execute("SELECT * FROM nyc.flights__r1")
            with pytest.raises(
                LockTimeout, match=r"Could not drop nyc.flights__r1 within 0.3 s, .* holds nyc.flights_"
            ):
                publisher.drop(publisher.physical(VIEW, 1))
        publisher.drop(publisher.physical(VIEW, 1))


def fails_with(publisher: ViewPublisher, bench: Bench) -> str:
    try:
        publisher.switch(bench.order(2, 1), accept)
    except LockTimeout as error:
        return str(error)
    return "did not fail"
