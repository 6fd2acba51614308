"""What SQL reads, by parsing."""

from __future__ import annotations

import pytest

from airflow_dataops.lineage.sql import tables_read


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1", ()),
        ("SELECT * FROM a.b JOIN c USING (id)", ("a.b", "c")),
        ("WITH x AS (SELECT * FROM raw.t) SELECT * FROM x JOIN main.x AS y USING (id)", ("main.x", "raw.t")),
        ('SELECT * FROM "Odd ""name"""', ('Odd "name"',)),
        (
            "SELECT (SELECT max(v) FROM inner_t) FROM outer_t WHERE v IN (SELECT v FROM third)",
            ("inner_t", "outer_t", "third"),
        ),
        ("SELECT * FROM a UNION ALL SELECT * FROM b", ("a", "b")),
        ("SELECT * FROM read_csv('f.csv')", ()),
        ("INSERT INTO into_t SELECT * FROM from_t", ("from_t",)),
        ("CREATE TABLE made AS SELECT * FROM from_t", ("from_t",)),
        ("UPDATE changed SET v = 1", ()),
        ("DELETE FROM gone WHERE v IN (SELECT v FROM kept)", ("kept",)),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "sqlite"])
def test_the_tables_that_are_read(sql: str, tables: tuple[str, ...], dialect: str) -> None:
    assert tables_read(sql, dialect) == tables


def test_what_does_not_parse_is_unknown_and_not_none() -> None:
    assert tables_read("SELECT FROM WHERE (", "duckdb") is None
    assert tables_read("DO $$ BEGIN EXECUTE 'SELECT 1'; END $$", "postgres") is None


@pytest.mark.parametrize("dialect", ["mssql", "postgresql", "default", "", "no such dialect"])
def test_a_dialect_of_another_name_is_read_all_the_same(dialect: str) -> None:
    assert tables_read("SELECT * FROM a.b", dialect) == ("a.b",)
