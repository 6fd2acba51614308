"""What the preflight tells of a switch that nothing stands against, on each database."""

from __future__ import annotations

import pytest
from test_view_contract import schema
from warehouses import Bench, Warehouse

from airflow_dataops.core.plans import Finding
from airflow_dataops.core.relations import Column
from airflow_dataops.publishers.differences import changed_columns
from airflow_dataops.publishers.sqlite import SqliteTarget


def columns(text: str) -> list[Column]:
    return [Column(name=part.split(":")[0], type=part.split(":")[1]) for part in text.split()]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("a:int b:text", "a:int b:text", []),
        ("a:int b:text", "A:int b:text c:text", ["columns added: c"]),
        ("a:int b:text c:text", "b:text", ["columns dropped: a, c"]),
        ("a:int b:text", "a:text b:text", ["columns of another type: a (int, then text)"]),
        ("a:int b:text", "b:text a:int", ["columns in another order: a, b; then b, a"]),
        ("a:int b:text", "c:int a:int", ["columns dropped: b", "columns added: c"]),
    ],
)
def test_columns_that_change(before: str, after: str, said: list[str]) -> None:
    assert changed_columns(columns(before), columns(after)) == said


@pytest.mark.parametrize(
    ("written", "kept"), [("BIGINT", "INT"), ("VARCHAR(7)", "TEXT"), ("DATE", "NUM"), ("", "BLOB")]
)
def test_types_that_hold_the_same_in_sqlite_are_no_change(written: str, kept: str) -> None:
    assert SqliteTarget().comparable(written) == kept == SqliteTarget().comparable(kept or "")


FITTED = {
    "sqlite": "CREATE TABLE {t} (id INTEGER PRIMARY KEY, v INT NOT NULL DEFAULT 7, w TEXT UNIQUE)",
    "duckdb": "CREATE TABLE {t} (id INTEGER PRIMARY KEY, v INT NOT NULL DEFAULT 7, w TEXT UNIQUE)",
    "postgres": (
        "CREATE TABLE {t} (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s SERIAL, v INT NOT NULL DEFAULT 7,"
        " w TEXT UNIQUE, CHECK (v > 0))"
    ),
    "mysql": (
        "CREATE TABLE {t} (id INT AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL DEFAULT 7, w VARCHAR(9) UNIQUE, INDEX (v))"
    ),
}
LOST = {
    "sqlite": "PRIMARY KEY (id), unique index (w), NOT NULL on v, the default of v",
    "duckdb": "NOT NULL on id, NOT NULL on v, PRIMARY KEY(id), UNIQUE(w), the default of v: 7",
    "postgres": (
        "CHECK ((v > 0)), index btree (v), NOT NULL on id, NOT NULL on s, NOT NULL on v, PRIMARY KEY (id), "
        "the default of s: nextval('nyc.flights_s_seq'::regclass), the default of v: 7, "
        "the identity of id, with its sequence, UNIQUE (w)"
    ),
    # NOT NULL and defaults go with the rows there.
    "mysql": "AUTO_INCREMENT of id, PRIMARY KEY (id), UNIQUE (w), index btree (v)",
}


def notes(bench: Bench, release: int, expect: int, **more: object) -> list[str]:
    findings = bench.publisher.report(bench.order(release, expect, **more))
    assert not any(finding.stops for finding in findings)
    return [finding.text for finding in findings if " are free where " not in finding.text]


@pytest.mark.tables
def test_what_the_new_table_lacks_is_told(bench: Bench) -> None:
    dialect = bench.warehouse.dialect
    reader = bench.publisher.reader(bench.target)
    bench.warehouse.run(*schema(bench), FITTED[dialect].format(t=bench.warehouse.sql(reader)))
    if dialect == "postgres":
        bench.warehouse.run("CREATE INDEX ON nyc.flights (v)")
    bench.build(1, f"SELECT * FROM {bench.warehouse.sql(reader)}")
    adopt = bench.publisher.physical(bench.target, 0)
    (line,) = notes(bench, 1, 0, adopt=adopt)
    said = line.removeprefix(f"{bench.publisher.physical(bench.target, 1)} lacks what {reader} has: ")
    assert sorted(said.split(", ")) == sorted(LOST[dialect].split(", "))
    if dialect == "duckdb":  # which renames no table that has a constraint's index
        return
    bench.promote(1, 0, adopt=adopt)
    bench.build(2, f"SELECT * FROM {bench.warehouse.sql(reader)}")
    # A table's defaults go with its rows there, and a view has none.
    lost = "nyc_flights__r2 lacks what nyc_flights__r1 has: the default of id: 0, the default of v: 7"
    assert notes(bench, 2, 1) == ([lost] if dialect == "mysql" else [])
    assert notes(bench, 1, 1) == []


@pytest.mark.tables
def test_the_room_that_is_left_is_told_where_the_database_is_a_file(bench: Bench) -> None:
    bench.build(1)
    room = [finding for finding in bench.publisher.report(bench.order(1, 0)) if "B are free where" in finding.text]
    assert [bench.warehouse.where in finding.text for finding in room] == (
        [True] if bench.warehouse.dialect in ("sqlite", "duckdb") else []
    )


@pytest.mark.tables
def test_dependent_views_and_changed_columns_are_told(bench: Bench) -> None:
    bench.build(1, "SELECT 1 AS a, 'x' AS b")
    bench.build(2, "SELECT 2 AS a, 'x' AS b, 3 AS c")
    assert notes(bench, 1, 0) == []  # the first: there is nothing to compare with
    bench.promote(1, 0)
    reader, view = bench.publisher.reader(bench.target), bench.publisher.reader("nyc.report")
    bench.warehouse.run(f"CREATE VIEW {view.sql} AS SELECT b FROM {reader.sql}")
    dependent = (
        f"{bench.warehouse.run('SELECT DATABASE()')[0][0]}.{view}" if bench.warehouse.dialect == "mysql" else view
    )
    assert notes(bench, 2, 1) == ["columns added: c", f"these depend on {reader}: {dependent}"]


@pytest.mark.tables
def test_what_stands_against_it_is_part_of_the_report(bench: Bench) -> None:
    bench.build(1)
    bench.promote(1, 0)
    (gone,) = [finding for finding in bench.publisher.report(bench.order(2, 1)) if finding.stops]
    assert gone == Finding(
        text=f"its table {bench.publisher.physical(bench.target, 2)} is not there. Stage a new release.", stops=True
    )
    assert not any(finding.stops for finding in bench.publisher.report(bench.order(2, 7)))  # the switch tells of that


def test_grants_that_move_are_told(postgres_warehouse: Warehouse) -> None:
    bench = Bench(postgres_warehouse)
    bench.warehouse.run("CREATE SCHEMA nyc")
    bench.build(1)
    bench.build(2)
    bench.promote(1, 0)
    bench.warehouse.run("GRANT SELECT ON nyc.flights TO PUBLIC", "GRANT UPDATE (v) ON nyc.flights TO PUBLIC")
    assert notes(bench, 2, 1) == ["grants on nyc.flights are carried over: SELECT to PUBLIC, UPDATE (v) to PUBLIC"]


def test_the_tables_named_like_releases_are_found_by_number(bench: Bench) -> None:
    publisher = bench.publisher
    assert publisher.built(bench.target) == {}
    for number in (1, 12):
        bench.build(number)
    other = Bench(bench.warehouse, target="nyc.flights_more")
    other.build(3)
    assert publisher.built(bench.target) == {n: publisher.physical(bench.target, n) for n in (1, 12)}
    long = Bench(bench.warehouse, target="nyc." + "x" * 60)
    long.build(7)
    assert publisher.built(long.target) == {7: publisher.physical(long.target, 7)}


def test_grants_of_the_view_come_back_with_the_table(postgres_warehouse: Warehouse) -> None:
    bench = Bench(postgres_warehouse)
    bench.warehouse.run("CREATE SCHEMA nyc", "CREATE TABLE nyc.flights AS SELECT -1 AS v")
    bench.build(1)
    bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
    bench.promote(0, 1)
    bench.warehouse.run("GRANT SELECT ON nyc.flights TO PUBLIC", "COMMENT ON VIEW nyc.flights IS 'since then'")
    after = bench.publisher.hand_back(bench.order(0, 2, op_id="back"))
    assert (after.epoch, after.release) == (3, None)
    assert bench.publisher.hand_back(bench.order(0, 2, op_id="back")).epoch == 3  # done already
    kind, acl, comment = bench.warehouse.run(
        "SELECT relkind::text, relacl::text, obj_description(oid) FROM pg_class WHERE oid = 'nyc.flights'::regclass"
    )[0]
    assert (kind, comment) == ("r", "since then")
    assert "=r/" in acl
    assert bench.rows() == [(-1,)]
