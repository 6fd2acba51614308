"""The reader against what people say that the corpus touches: nothing told is wrong, little is left out, and all of
that is counted."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest

from airflow_dataops.core.usage import Lineage
from airflow_dataops.lineage.sql import lineage_of
from tests.lineage import page
from tests.lineage.corpus import CORPUS, Case
from tests.lineage.figures import (
    expected_columns,
    expected_tables,
    ours,
    read,
    seconds,
    told_columns,
    told_tables,
    untold,
)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: f"{case.dialect}: {case.sql[:60]}")
def test_nothing_is_told_that_is_not_so_and_what_is_left_out_is_counted(case: Case) -> None:
    lineage = read(case)
    assert told_tables(lineage) <= expected_tables(case)
    assert told_columns(lineage) <= expected_columns(case)
    assert lineage.unparsed >= case.unknown
    for sides, touches in ((case.reads, lineage.reads), (case.writes, lineage.writes)):
        for touch in touches:
            assert sides[touch.relation] is not None or touch.columns is None, touch
    if not lineage.unparsed:
        assert told_tables(lineage) == expected_tables(case)
        missing = expected_columns(case) - told_columns(lineage)
        assert {(side, relation) for side, relation, _ in missing} <= untold(lineage)


def test_the_corpus_is_wide() -> None:
    dialects = Counter(case.dialect for case in CORPUS)
    assert len(CORPUS) >= 150
    assert {"postgres", "sqlite", "duckdb", "mysql", "snowflake", "bigquery", "spark", "trino"} <= set(dialects)


def test_what_is_told_is_right_and_nearly_all() -> None:
    figures = ours(CORPUS)
    assert (figures.tables.precision, figures.columns.precision, figures.silent) == (1.0, 1.0, 0)
    assert figures.tables.recall >= 0.95
    assert figures.columns.recall >= 0.95


QUERIES = [
    case
    for case in CORPUS
    if case.sql.startswith(("SELECT", "WITH"))
    and not case.writes
    and not case.unknown
    and ";" not in case.sql
    and "#" not in case.sql
    and "INTO" not in case.sql
]


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: f"{case.dialect}: {case.sql[:60]}")
def test_what_a_query_reads_does_not_depend_on_where_it_stands(case: Case) -> None:
    alone = read(case)

    def of(sql: str) -> Lineage:
        return lineage_of([(sql, case.dialect)])

    assert of(f"/* b */ {case.sql} -- ; DELETE FROM x\n").reads == alone.reads
    assert of(f"{case.sql};\n\n{case.sql};") == replace(alone, statements=2, unparsed=2 * alone.unparsed)
    assert of(f"EXPLAIN {case.sql}").reads == ()
    assert of(f"BEGIN {case.sql}; END").reads == ()
    if alone.unparsed:
        return
    assert of(f"CREATE VIEW made AS {case.sql}").reads == alone.reads
    filled = of(f"INSERT INTO filled {case.sql}")
    assert filled.unparsed or (filled.reads, [each.relation for each in filled.writes]) == (alone.reads, ["filled"])
    if case.dialect != "tsql":  # where CTEs stand at the beginning alone
        assert of(f"WITH first AS ({case.sql}) SELECT count(*) FROM first").reads == alone.reads


def test_a_text_takes_milliseconds() -> None:
    assert seconds(runs=1)[0] < 0.05


def test_a_long_statement_takes_less_than_a_twentieth_of_a_second() -> None:
    columns = ", ".join(f"coalesce(o.column_{number}, c.column_{number}) AS result_{number}" for number in range(70))
    sql = f"WITH o AS (SELECT * FROM sales.orders) SELECT {columns} FROM o JOIN sales.customers c ON c.id = o.customer"
    assert len(sql) > 3_000
    took = []
    for _ in range(5):
        start = time.perf_counter()
        assert lineage_of([(sql, "postgres")]).unparsed == 0
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05


def test_the_page_is_up_to_date() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.rewritten(text), "run: python -m tests.lineage --write"
