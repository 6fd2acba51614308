"""What every publisher promises, wherever it keeps releases; and, with ``tables``, where these are bench."""

from __future__ import annotations

import pytest
from warehouses import AT, Bench, Lake, Warehouse

from airflow_dataops.core.errors import ConfigurationError, DataOpsError, MeasureError, PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Pointer, SwitchRecord
from airflow_dataops.publishers import publisher_for


def test_a_database_that_is_not_covered_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"'trino_under_test' is a trino.* duckdb, mysql, postgres"):
        publisher_for(Warehouse("trino", "nowhere"))


def test_names(warehouse: Warehouse) -> None:
    publisher = publisher_for(warehouse, warehouse.publisher)
    reader = publisher.reader("nyc.flights")
    if isinstance(warehouse, Lake):
        assert str(reader) == warehouse.place("nyc.flights").text
        assert str(publisher.physical("nyc.flights", 42)) == f"{reader}/r42"
        return
    assert str(reader) == ("nyc_flights" if warehouse.dialect in ("sqlite", "mysql") else "nyc.flights")
    assert str(publisher.physical("nyc.flights", 42)) == f"{reader}__r42"


def test_before_the_first_switch_nothing_is_live_and_nothing_is_made(bench: Bench) -> None:
    assert bench.publisher.pointer("nyc.flights", bench.target) == Pointer(dataset="nyc.flights", epoch=0)
    assert bench.publisher.switched("nyc.flights", bench.target, "op") is None
    assert not bench.publisher.adoptable(bench.target)
    assert not bench.publisher.exists(bench.publisher.reader(bench.target))
    assert bench.log() == []


def test_a_switch_moves_view_pointer_and_log_together(bench: Bench) -> None:
    bench.build(1)
    bench.build(2)
    first = bench.promote(1, 0)
    assert bench.rows() == [(1,), (1,)]
    second = bench.promote(2, 1, op_id="op-two", by="ada")
    assert bench.rows() == [(2,), (2,)]
    relation = str(bench.publisher.physical(bench.target, 2))
    assert (first.epoch, second) == (1, Pointer(dataset="nyc.flights", epoch=2, release=2, relation=relation))
    assert bench.publisher.pointer("nyc.flights", bench.target) == second
    assert bench.publisher.switched("nyc.flights", bench.target, "op-two") == SwitchRecord(
        dataset="nyc.flights", epoch=2, op_id="op-two", release=2, at=AT, by="ada"
    )
    assert not bench.publisher.adoptable(bench.target)


def test_rolling_back_is_a_switch_to_an_earlier_release(bench: Bench) -> None:
    for release in (1, 2):
        bench.build(release)
        bench.promote(release, release - 1)
    assert bench.promote(1, 2).epoch == 3
    assert bench.rows() == [(1,), (1,)]


def test_a_stale_epoch_loses_and_changes_nothing(bench: Bench) -> None:
    for release in (1, 2, 3):
        bench.build(release)
    bench.promote(1, 0)
    bench.promote(2, 1)
    for stale in (0, 1, 7):
        with pytest.raises(PublishConflict, match=rf"r3 was not made live: .* epoch 2, expected {stale}.* r2 is still"):
            bench.promote(3, stale, op_id="late")
    assert bench.rows() == [(2,), (2,)]
    assert bench.publisher.switched("nyc.flights", bench.target, "late") is None


def test_the_same_operation_again_changes_nothing(bench: Bench) -> None:
    bench.build(1)
    bench.build(2)
    done = bench.promote(1, 0, op_id="one")
    assert bench.promote(1, 0, op_id="one") == done
    bench.promote(2, 1)
    assert bench.promote(1, 0, op_id="one") == done
    assert bench.rows() == [(2,), (2,)]
    with pytest.raises(PublishConflict):
        bench.promote(2, 0, op_id="one")


def test_a_fence_beats_a_zombie(bench: Bench) -> None:
    bench.build(1)
    bench.build(2)
    bench.promote(1, 0)
    before = bench.publisher.pointer("nyc.flights", bench.target)
    after = bench.publisher.fence("nyc.flights", bench.target, 1)
    assert (after.epoch, after.release, after.relation) == (2, before.release, before.relation)
    with pytest.raises(PublishConflict):
        bench.promote(2, 1)
    with pytest.raises(PublishConflict, match=r"nyc.flights was not fenced: .* epoch 2, expected 1"):
        bench.publisher.fence("nyc.flights", bench.target, 1)
    assert bench.rows() == [(1,), (1,)]
    assert bench.promote(2, 2).epoch == 3


def test_a_fence_before_the_first_switch(bench: Bench) -> None:
    after = bench.publisher.fence("nyc.flights", bench.target, 0)
    assert (after.epoch, after.release) == (1, None)
    bench.build(1)
    with pytest.raises(PublishConflict):
        bench.promote(1, 0)
    assert bench.promote(1, 1).epoch == 2


def test_what_verify_refuses_is_not_switched(bench: Bench) -> None:
    def refuse(db: Database) -> None:
        assert db.execute(f"SELECT count(*) FROM {bench.warehouse.sql(order.relation)}") == [(2,)]
        raise ConfigurationError("other data")

    bench.build(1)
    bench.build(2)
    bench.promote(1, 0)
    order = bench.order(2, 1)
    with pytest.raises(ConfigurationError, match="other data"):
        bench.publisher.switch(order, refuse)
    assert bench.rows() == [(1,), (1,)]
    assert bench.publisher.pointer("nyc.flights", bench.target).epoch == 1


def test_two_datasets_share_the_tables_and_not_the_epoch(bench: Bench) -> None:
    other = Bench(bench.warehouse, target="nyc.planes", dataset="nyc.planes")
    for each in (bench, other):
        each.build(1)
        each.promote(1, 0, op_id=f"op-{each.dataset}")
    other.build(2)
    other.promote(2, 1)
    assert (bench.rows(), other.rows()) == ([(1,), (1,)], [(2,), (2,)])


def test_a_name_without_a_schema(warehouse: Warehouse) -> None:
    bench = Bench(warehouse, target="flights", dataset="flights")
    bench.build(1)
    assert bench.promote(1, 0).relation == str(bench.publisher.physical("flights", 1))
    assert bench.rows() == [(1,), (1,)]


@pytest.mark.parametrize("target", ['n y."fli;ghts" -- DROP', "Select.From", "straße.flüge'n", "nyc.a?b%c"])
def test_names_that_hold_quotes_spaces_and_sql(warehouse: Warehouse, target: str) -> None:
    if isinstance(warehouse, Lake):
        target = target.replace("?", "")  # it would be a pattern
    bench = Bench(warehouse, target=target, dataset="odd")
    sql = 'SELECT 1 AS "a ""b"" c", 2 AS "select", 3 AS "x;y?%s"'
    for release in (1, 2):
        bench.build(release, sql)
        bench.promote(release, release - 1)
    assert bench.rows() == [(1, 2, 3)]
    assert not bench.publisher.adoptable(target)


class TestBuilding:
    def test_a_failed_build_leaves_nothing(self, bench: Bench) -> None:
        relation = bench.publisher.physical(bench.target, 1)
        with pytest.raises(MeasureError, match="nothere"):
            bench.publisher.build(relation, "SELECT * FROM nothere")
        assert not bench.publisher.exists(relation)

    def test_a_build_overwrites_nothing(self, bench: Bench) -> None:
        bench.build(1, "SELECT 'a?b%' AS v, 5 AS w; ")
        with pytest.raises(ConfigurationError, match="already, and nothing is overwritten"):
            bench.build(1, "SELECT 0 AS other")
        bench.promote(1, 0)
        assert bench.rows() == [("a?b%", 5)]

    def test_what_is_live_is_neither_rebuilt_nor_taken_over_nor_dropped(self, bench: Bench) -> None:
        bench.build(1)
        bench.promote(1, 0)
        relation = bench.publisher.physical(bench.target, 1)
        bench.publisher.build(bench.publisher.reader("nyc.loose"), "SELECT 3 AS v")
        loose = bench.publisher.reader("nyc.loose")
        with pytest.raises(ConfigurationError, match=r"r1 is live: nyc\.flights@r1 is what readers get"):
            bench.publisher.drop(relation)
        for attempt in (lambda: bench.build(1), lambda: bench.publisher.take(loose, relation)):
            with pytest.raises(ConfigurationError, match=r"r1 already, and nothing is overwritten"):
                attempt()
        assert bench.rows() == [(1,), (1,)]

    def test_drop(self, bench: Bench) -> None:
        bench.build(1)
        relation = bench.publisher.physical(bench.target, 1)
        bench.publisher.drop(relation)
        assert not bench.publisher.exists(relation)
        bench.publisher.drop(relation)

    @pytest.mark.tables
    def test_take_renames_and_a_retry_is_fine(self, bench: Bench) -> None:
        source, relation = bench.publisher.reader("nyc.built"), bench.publisher.physical(bench.target, 1)
        bench.warehouse.run(*schema(bench), f"CREATE TABLE {source.sql} AS SELECT 1 AS v")
        for _ in range(2):
            bench.publisher.take(source, relation)
            assert (bench.publisher.exists(source), bench.publisher.exists(relation)) == (False, True)
        bench.promote(1, 0)
        assert bench.rows() == [(1,)]

    @pytest.mark.tables
    def test_take_refuses_what_is_no_table(self, bench: Bench) -> None:
        source, relation = bench.publisher.reader("nyc.built"), bench.publisher.physical(bench.target, 1)
        with pytest.raises(ConfigurationError, match=r"nyc.built is not there: to become the release nyc.flights__r1"):
            bench.publisher.take(source, relation)
        bench.warehouse.run(*schema(bench), f"CREATE VIEW {source.sql} AS SELECT 1 AS v")
        with pytest.raises(ConfigurationError, match=r"nyc.built is a view"):
            bench.publisher.take(source, relation)


@pytest.mark.tables
class TestAdoption:
    def test_a_plain_table_is_renamed_in_the_same_switch(self, bench: Bench) -> None:
        publisher = bench.publisher
        plain(bench)
        assert publisher.adoptable(bench.target)
        bench.build(1)
        adopt = publisher.physical(bench.target, 0)
        bench.promote(1, 0, adopt=adopt)
        assert bench.rows() == [(1,), (1,)]
        assert bench.warehouse.run(f"SELECT v FROM {adopt.sql}") == [(-1,)]
        assert not publisher.adoptable(bench.target)

    def test_without_a_place_for_it_the_table_stays(self, bench: Bench) -> None:
        plain(bench)
        bench.build(1)
        assert any("plain table" in line for line in bench.publisher.preflight(bench.order(1, 0)))
        with pytest.raises(
            ConfigurationError, match=r"flights@r1 cannot go live: .* is a plain table.* Nothing is liv"
        ):
            bench.promote(1, 0)
        assert bench.rows() == [(-1,)]

    def test_a_place_that_is_taken_is_refused(self, bench: Bench) -> None:
        plain(bench)
        bench.build(1)
        bench.build(0)
        with pytest.raises(ConfigurationError, match=r"cannot be renamed to .*__r0: that name is taken"):
            bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        assert bench.rows() == [(-1,)]

    def test_a_failed_adoption_leaves_the_plain_table(self, bench: Bench) -> None:
        def refuse(db: Database) -> None:
            raise ConfigurationError("other data")

        plain(bench)
        bench.build(1)
        with pytest.raises(ConfigurationError, match="other data"):
            bench.publisher.switch(bench.order(1, 0, adopt=bench.publisher.physical(bench.target, 0)), refuse)
        assert bench.rows() == [(-1,)]
        assert bench.publisher.adoptable(bench.target)

    def test_somebody_elses_view_is_refused(self, bench: Bench) -> None:
        reader = bench.publisher.reader(bench.target)
        bench.warehouse.run(*schema(bench), f"CREATE VIEW {reader.sql} AS SELECT 9 AS v")
        bench.build(1)
        with pytest.raises(ConfigurationError, match=r"is a view that no release stands behind"):
            bench.publisher.adoptable(bench.target)
        with pytest.raises(ConfigurationError, match=r"is a view that no release stands behind"):
            bench.promote(1, 0)
        assert bench.rows() == [(9,)]


CHANGED = {
    "added": "SELECT 2 AS a, 'x' AS b, 5 AS c",
    "dropped": "SELECT 2 AS a",
    "retyped": "SELECT 'two' AS a, 'x' AS b",
    "reordered": "SELECT 'x' AS b, 2 AS a",
    "renamed": "SELECT 2 AS a, 'x' AS bee",
}
READ = {
    "added": [(2, "x", 5)],
    "dropped": [(2,)],
    "retyped": [("two", "x")],
    "reordered": [("x", 2)],
    "renamed": [(2, "x")],
}


@pytest.mark.parametrize("change", CHANGED)
def test_changed_columns(bench: Bench, change: str) -> None:
    bench.build(1, "SELECT 1 AS a, 'x' AS b")
    bench.build(2, CHANGED[change])
    bench.promote(1, 0)
    assert bench.publisher.preflight(bench.order(2, 1)) == ()
    bench.promote(2, 1)
    assert bench.rows() == READ[change]
    bench.promote(1, 2)
    assert bench.rows() == [(1, "x")]


@pytest.mark.tables
def test_a_column_that_dependent_views_read_is_not_taken_away(bench: Bench) -> None:
    bench.build(1, "SELECT 1 AS a, 'x' AS b")
    bench.build(2, "SELECT 2 AS a")
    bench.build(3, "SELECT 3 AS a, 'z' AS b, 7 AS c")
    bench.promote(1, 0)
    reader, dependent = bench.publisher.reader(bench.target), bench.publisher.reader("nyc.report")
    bench.warehouse.run(f"CREATE VIEW {dependent.sql} AS SELECT b FROM {reader.sql}")
    (line,) = bench.publisher.preflight(bench.order(2, 1))
    assert str(dependent) in line
    with pytest.raises(ConfigurationError, match=rf"r2 cannot go live: .*{dependent}.* r1 is still live"):
        bench.promote(2, 1)
    assert bench.rows() == [(1, "x")]
    bench.promote(3, 1)
    assert bench.warehouse.run(f"SELECT b FROM {dependent.sql}") == [("z",)]


def test_a_release_whose_table_is_gone_is_not_switched_to(bench: Bench) -> None:
    bench.build(1)
    bench.promote(1, 0)
    (moved,) = bench.publisher.preflight(bench.order(2, 4))
    assert "epoch 1, expected 4" in moved
    (gone,) = bench.publisher.preflight(bench.order(2, 1))
    assert f"{bench.publisher.physical(bench.target, 2)} is not there" in gone
    with pytest.raises(DataOpsError, match=r"r2 cannot go live: its .*flights.*r2 is not there"):
        bench.promote(2, 1)
    assert bench.rows() == [(1,), (1,)]


@pytest.mark.tables
def test_a_view_that_was_dropped_by_hand_comes_back(bench: Bench) -> None:
    bench.build(1)
    bench.promote(1, 0)
    bench.warehouse.run(f"DROP VIEW {bench.publisher.reader(bench.target).sql}")
    bench.promote(1, 1)
    assert bench.rows() == [(1,), (1,)]


def schema(bench: Bench) -> list[str]:
    name = bench.publisher.reader(bench.target).schema
    return [f"CREATE SCHEMA IF NOT EXISTS {Relation(name=name).sql}"] if name else []


def plain(bench: Bench) -> None:
    reader = bench.publisher.reader(bench.target)
    bench.warehouse.run(*schema(bench), f"CREATE TABLE {reader.sql} AS SELECT -1 AS v")


def test_the_publisher_is_one_of_the_port(warehouse: Warehouse) -> None:
    assert isinstance(publisher_for(warehouse, warehouse.publisher), type(Bench(warehouse).publisher))
    assert publisher_for(warehouse, warehouse.publisher).name == warehouse.publisher
