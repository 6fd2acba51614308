"""Releases that the database itself keeps from being changed: by triggers, or by grants."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from warehouses import Bench, Warehouse

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers.freezing import lock_against_writers

WAYS = [
    ("sqlite", "triggers"),
    ("mysql", "triggers"),
    ("postgres", "triggers"),
    ("postgres", "grants"),
    ("pointer_view", "triggers"),
    ("pointer_view", "grants"),
]
WRITES = {
    "insert": "INSERT INTO {} VALUES (7)",
    "update": "UPDATE {} SET v = 7",
    "delete": "DELETE FROM {}",
    "truncate": "TRUNCATE {}",
}


@pytest.fixture(params=WAYS, ids="-".join)
def frozen(request: pytest.FixtureRequest) -> tuple[Bench, str]:
    """A dataset, and how it is frozen; on PostgreSQL its owner is no superuser, whom nothing stops."""
    name, by = request.param
    warehouse: Warehouse = request.getfixturevalue(f"{name}_warehouse")
    if warehouse.dialect == "postgres":
        warehouse.run(
            "DO $$ BEGIN CREATE ROLE loader; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            "DO $$ BEGIN CREATE ROLE intern; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            "DROP SCHEMA IF EXISTS nyc CASCADE",
            "CREATE SCHEMA nyc AUTHORIZATION loader",
            "GRANT USAGE ON SCHEMA nyc TO intern",
            "ALTER DEFAULT PRIVILEGES FOR ROLE loader IN SCHEMA nyc GRANT ALL ON TABLES TO intern",
        )
        warehouse = Warehouse("postgres", warehouse.where, role="loader", publisher=warehouse.publisher)
    return Bench(warehouse), by


def build(bench: Bench, by: str, release: int) -> Relation:
    relation = bench.publisher.physical(bench.target, release)
    bench.publisher.freezing(by).build(relation, f"SELECT {release} AS v UNION ALL SELECT {release}")
    return relation


def test_a_write_is_refused_in_the_databases_own_words(frozen: tuple[Bench, str]) -> None:
    bench, by = frozen
    relation = build(bench, by, 1)
    roles = ["loader", "intern"] if bench.warehouse.dialect == "postgres" else [None]
    for role in roles:
        for what, sql in WRITES.items():
            if what == "truncate" and bench.warehouse.dialect != "postgres":
                continue  # SQLite has none, and MySQL asks no trigger
            said = rf"{relation} is a frozen release: stage a new one" if by == "triggers" else rf"{relation.name}"
            writer = Warehouse(bench.warehouse.dialect, bench.warehouse.where, role=role)
            with pytest.raises(MeasureError, match=said):
                writer.run(sql.format(relation.sql))
    assert bench.warehouse.run(f"SELECT v FROM {relation.sql}") == [(1,), (1,)]


def test_it_goes_live_back_and_away_as_any_other(frozen: tuple[Bench, str]) -> None:
    bench, by = frozen
    relations = [build(bench, by, release) for release in (1, 2, 3)]
    bench.promote(1, 0)
    bench.promote(2, 1)
    assert bench.rows() == [(2,), (2,)]
    bench.promote(1, 2)
    assert bench.rows() == [(1,), (1,)]
    bench.promote(3, 3)
    bench.publisher.drop(relations[1])
    assert not bench.publisher.exists(relations[1])
    build(bench, by, 2)
    for relation in relations:
        with pytest.raises(MeasureError):
            bench.warehouse.run(f"DELETE FROM {relation.sql}")
    assert bench.rows() == [(3,), (3,)]


def test_freezing_is_no_change_of_the_data(frozen: tuple[Bench, str]) -> None:
    bench, by = frozen
    source, relation = bench.publisher.reader("nyc.built"), bench.publisher.physical(bench.target, 1)
    bench.warehouse.run(f"CREATE TABLE {source.sql} AS SELECT 1 AS v")
    with bench.warehouse.open() as db:
        before = fingerprint(db, source)
    bench.publisher.freezing(by).take(source, relation)
    with bench.warehouse.open() as db:
        assert fingerprint(db, relation) == before
        with pytest.raises(MeasureError):
            db.execute(f"INSERT INTO {bench.warehouse.sql(relation)} VALUES (2)")
    bench.promote(1, 0)
    assert bench.rows() == [(1,)]


def test_a_plain_table_that_is_adopted_and_handed_back_can_be_written_to(frozen: tuple[Bench, str]) -> None:
    bench, by = frozen
    if bench.warehouse.dialect == "mysql":
        pytest.skip("nothing is handed back there")
    bench.warehouse.run(f"CREATE TABLE {bench.reader.sql} AS SELECT 0 AS v")
    build(bench, by, 1)
    adopt = bench.publisher.physical(bench.target, 0)
    bench.promote(1, 0, adopt=adopt)
    bench.promote(0, 1)
    bench.publisher.hand_back(bench.order(0, 2))
    bench.warehouse.run(f"INSERT INTO {bench.reader.sql} VALUES (5)")
    assert bench.rows() == [(0,), (5,)]


def test_by_grants_readers_keep_theirs(postgres_warehouse: Warehouse, request: pytest.FixtureRequest) -> None:
    postgres_warehouse.run(
        "DO $$ BEGIN CREATE ROLE intern; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DO $$ BEGIN CREATE ROLE friend; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "CREATE SCHEMA IF NOT EXISTS nyc",
        "GRANT USAGE ON SCHEMA nyc TO intern, friend",
        "CREATE TABLE nyc.built AS SELECT 1 AS v",
        "GRANT SELECT ON nyc.built TO friend",
        "GRANT SELECT, INSERT, UPDATE (v) ON nyc.built TO intern WITH GRANT OPTION",
    )
    Warehouse("postgres", postgres_warehouse.where, role="intern").run("GRANT INSERT ON nyc.built TO friend")
    bench = Bench(postgres_warehouse)
    bench.publisher.freezing("grants").take(Relation.parse("nyc.built"), Relation.parse("nyc.flights__r1"))
    for role in ("intern", "friend"):
        writer = Warehouse("postgres", postgres_warehouse.where, role=role)
        assert writer.run("SELECT v FROM nyc.flights__r1") == [(1,)]
        for sql in ("INSERT INTO nyc.flights__r1 VALUES (2)", "UPDATE nyc.flights__r1 SET v = 2"):
            with pytest.raises(MeasureError, match="permission denied for table flights__r1"):
                writer.run(sql)


@pytest.mark.parametrize("publisher", ["view", "pointer_view"])
def test_by_grants_a_switch_that_meets_another_one_is_tried_again(postgres_url: str, publisher: str) -> None:
    """Both grant their owner the right to lock the table: PostgreSQL refuses the second, once the first commits."""
    bench = Bench(Warehouse("postgres", postgres_url, publisher=publisher))
    bench.warehouse.run(
        "DO $$ BEGIN CREATE ROLE loader; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DROP SCHEMA IF EXISTS nyc CASCADE",
        "CREATE SCHEMA nyc AUTHORIZATION loader",
    )
    bench = Bench(Warehouse("postgres", postgres_url, "second", role="loader", publisher=publisher))
    relation = build(bench, "grants", 1)
    waits = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
    watcher = Warehouse("postgres", postgres_url)
    with Warehouse("postgres", postgres_url, role="loader").open() as first, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            lock_against_writers(first, relation, patience="2s", after="50ms")
            second = pool.submit(bench.promote, 1, 0)
            while not watcher.run(waits) and not second.done():
                time.sleep(0.01)
        assert second.result().release == 1
    assert bench.rows() == [(1,), (1,)]


@pytest.mark.parametrize(
    ("name", "by", "said"),
    [
        ("duckdb", "triggers", "'duckdb_under_test': DuckDB has neither triggers nor grants. Leave it out"),
        ("duckdb", "grants", "DuckDB has neither triggers nor grants"),
        ("sqlite", "grants", "SQLite has no grants, and always has the triggers"),
        ("mysql", "grants", "take none back for one table"),
        ("sqlite", "ice", "frozen_by='ice' is no way to freeze a release: expected triggers or grants"),
        ("sqlite", ["triggers"], r"frozen_by=\['triggers'\] is no way"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(
    name: str, by: object, said: str, request: pytest.FixtureRequest
) -> None:
    bench = Bench(request.getfixturevalue(f"{name}_warehouse"))
    with pytest.raises(ConfigurationError, match=said):
        bench.publisher.freezing(by)
