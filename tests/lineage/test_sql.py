"""What a sequence of SQL reads and writes, and that nothing breaks the reader."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_dataops.core.usage import ALL, Lineage, Touch
from airflow_dataops.lineage.sql import lineage_of


def of(*texts: Any, dialect: str = "postgres") -> Lineage:
    return lineage_of([(text, dialect) for text in texts])


def reads(lineage: Lineage) -> dict[str, tuple[str, ...] | None]:
    return {touch.relation: touch.columns for touch in lineage.reads}


def test_a_sequence_is_told_as_one() -> None:
    lineage = of("SELECT b, a FROM s.t", "INSERT INTO u (x) SELECT c FROM s.t; DELETE FROM v")
    assert lineage == Lineage(
        reads=(Touch(relation="s.t", columns=("a", "b", "c")),),
        writes=(Touch(relation="u", columns=("x",)), Touch(relation="v", columns=())),
        statements=3,
        unparsed=0,
    )


def test_all_covers_each_and_what_is_not_known_leaves_the_rest_unknown() -> None:
    assert reads(of("SELECT a FROM t", "SELECT * FROM t")) == {"t": ALL}
    assert reads(of("SELECT t.a FROM t", "SELECT b FROM t JOIN u ON true")) == {"t": None, "u": None}
    assert reads(of("SELECT * FROM t", "SELECT b FROM t JOIN u ON true")) == {"t": ALL, "u": None}


def test_a_temporary_table_of_an_earlier_statement_is_no_table() -> None:
    lineage = of("CREATE TEMP TABLE x AS SELECT a FROM t", "SELECT a FROM x", "INSERT INTO x SELECT b FROM u")
    assert (reads(lineage), lineage.writes) == ({"t": ("a",), "u": ("b",)}, ())


def test_what_was_read_before_a_temporary_table_hides_the_name_is_told() -> None:
    assert reads(of("SELECT a FROM x", "CREATE TEMP TABLE x (b int)", "SELECT b FROM x")) == {"x": ("a",)}


def test_a_temporary_table_is_none_even_where_its_own_statement_is_not_understood() -> None:
    lineage = of("CREATE TEMP TABLE x (LIKE t) WITH WHATEVER (", "SELECT a FROM x")
    assert (reads(lineage), lineage.statements, lineage.unparsed) == ({}, 2, 1)


def test_a_temporary_table_stays_one_by_another_name() -> None:
    lineage = of("CREATE TEMP TABLE x AS SELECT a FROM t", "ALTER TABLE x RENAME TO y", "INSERT INTO u SELECT a FROM y")
    assert (reads(lineage), lineage.writes) == ({"t": ("a",)}, (Touch(relation="u", columns=ALL),))


def test_each_statement_has_its_dialect() -> None:
    lineage = lineage_of([("SELECT `a b` FROM `p.d.t`", "bigquery"), ("SELECT [a b] FROM [x y]", "mssql")])
    assert reads(lineage) == {"p.d.t": ("a b",), "x y": ("a b",)}


@pytest.mark.parametrize(
    "dialect", ["mssql", "postgresql", "postgresql+psycopg2", "MySQL", "default", "", None, 3, "no such dialect"]
)
def test_a_dialect_of_another_name_is_read_all_the_same(dialect: Any) -> None:
    assert reads(lineage_of([("SELECT * FROM a.b", dialect)])) == {"a.b": ALL}


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("sql", "counted"),
    [
        (sqlalchemy.text("SELECT a FROM t"), (1, 0)),
        (["SELECT a FROM t", "oops oops oops"], (2, 1)),
        (None, (1, 1)),
        (42, (1, 1)),
        (b"SELECT a FROM t", (1, 1)),
        (Unspeakable(), (1, 1)),
        ("", (0, 0)),
        (" ;; -- nothing\n;", (0, 0)),
        ("SELECT 'a", (1, 1)),
        ("/* SELECT a FROM t", (1, 1)),
        ("SELECT 'a" + ";b" * 50_000, (1, 1)),
        ("SELECT a FROM t; SELECT b FROM u; SELECT 'a" + ";b" * 50, (3, 1)),
        ("SELECT (" + "(" * 5_000, (1, 1)),
        ("SELECT 1" + " + 1" * 20_000 + " FROM t", (1, 0)),
        ("SELECT '" + "x" * 200_000 + "' FROM t", (1, 1)),
        ("SELECT a FROM t; SELECT '" + "x" * 200_000 + "' FROM t", (2, 1)),
        ("SELECT a FROM t;" * 200_000, (1, 1)),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_nothing_raises_and_what_is_not_understood_is_counted(sql: Any, counted: tuple[int, int]) -> None:
    lineage = of(sql)
    assert (lineage.statements, lineage.unparsed) == counted
    assert lineage.writes == ()


def test_no_literal_is_kept_and_no_sql_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lineage = of(
        "SELECT a FROM t WHERE b = 'hunter2'", "CALL p('hunter2')", "ALTER TABLE t OWNER TO hunter2", "oops 'hunter2' ("
    )
    assert "hunter2" not in repr(lineage)
    assert "hunter2" not in caplog.text


def test_a_chain_of_many_unions_is_read() -> None:
    lineage = of(" UNION ALL ".join(f"SELECT a FROM t{number}" for number in range(150)))
    assert (len(lineage.reads), lineage.unparsed) == (150, 0)


def test_recursion_within_recursion_takes_no_time() -> None:
    sql = "SELECT a FROM t"
    for level in range(20):
        sql = f"WITH RECURSIVE c{level} AS ({sql} UNION ALL SELECT a FROM c{level}) SELECT a FROM c{level}"
    assert reads(of(sql)) == {"t": ("a",)}


_PIECES = """SELECT FROM WHERE WITH AS ( ) , ; * . t u a b 'x " ` $$ -- /* */ JOIN USING UNION INSERT INTO UPDATE SET
DELETE MERGE CREATE TEMP TABLE BEGIN END IF CASE DECLARE CURSOR FOR COPY TO EXPLAIN ANALYZE REPLACE RENAME { } = 1 é"""


@given(
    st.lists(st.sampled_from(_PIECES.split()), max_size=25),
    st.sampled_from(["postgres", "snowflake", "bigquery", "mysql", "tsql", "duckdb"]),
)
@settings(max_examples=300, deadline=None)
def test_any_heap_of_words_is_read_or_counted(words: list[str], dialect: str) -> None:
    lineage = of(" ".join(words), dialect=dialect)
    assert 0 <= lineage.unparsed <= lineage.statements
    assert lineage.statements > lineage.unparsed or not (lineage.reads or lineage.writes)


@pytest.mark.parametrize("dialect", ["postgres", "duckdb", "redshift", "snowflake"])
def test_numbered_parameters_without_spaces_are_no_texts(dialect: str) -> None:
    found = lineage_of([("INSERT INTO t (a, b) SELECT a, b FROM s WHERE a IN ($1,$2,$3) OR b = f($4,$$x$$)", dialect)])
    assert (found.unparsed, [touch.relation for touch in found.reads + found.writes]) == (0, ["s", "t"])
