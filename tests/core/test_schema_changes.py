"""What a change of columns means to readers: tables of cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dataops.core.relations import Column
from airflow_dataops.core.retyping import Retyping, retyping
from airflow_dataops.core.schema_changes import ColumnChange, ColumnEvent, pair_columns, schema_changes

SAME, WIDER, NARROWER, OTHER = Retyping.SAME, Retyping.WIDER, Retyping.NARROWER, Retyping.OTHER


@pytest.mark.parametrize(
    ("dialect", "before", "after", "how"),
    [
        ("postgres", "integer", "INTEGER", SAME),
        ("postgres", "integer", "bigint", WIDER),
        ("postgres", "bigint", "integer", NARROWER),
        ("postgres", "integer", "numeric", OTHER),
        ("postgres", "integer", "text", OTHER),
        ("postgres", "real", "double precision", WIDER),
        ("postgres", "double precision", "real", NARROWER),
        ("postgres", "numeric(10,2)", "numeric(12,2)", WIDER),
        ("postgres", "numeric(10,2)", "numeric(10,4)", OTHER),
        ("postgres", "numeric(10,2)", "numeric", WIDER),
        ("postgres", "numeric", "numeric(10,2)", NARROWER),
        ("postgres", "character varying(20)", "text", WIDER),
        ("postgres", "text", "character varying(20)", NARROWER),
        ("postgres", "character(3)", "character(5)", WIDER),
        ("postgres", "character(3)", "text", OTHER),
        ("postgres", "timestamp(3) without time zone", "timestamp without time zone", WIDER),
        ("postgres", "timestamp without time zone", "timestamp with time zone", OTHER),
        ("postgres", "date", "timestamp without time zone", OTHER),
        ("postgres", "integer[]", "text[]", OTHER),
        ("postgres", "json", "jsonb", OTHER),
        ("postgres", "mood", "temper", OTHER),
        ("duckdb", "UTINYINT", "SMALLINT", WIDER),
        ("duckdb", "SMALLINT", "UTINYINT", NARROWER),
        ("duckdb", "UINTEGER", "INTEGER", OTHER),
        ("duckdb", "TIMESTAMP_S", "TIMESTAMP", OTHER),
        ("duckdb", "STRUCT(a INTEGER)", "STRUCT(a INTEGER, b INTEGER)", OTHER),
        ("mysql", "int", "int unsigned", OTHER),
        ("mysql", "int unsigned", "bigint", WIDER),
        ("mysql", "varchar(20)", "text", WIDER),
        ("mysql", "text", "longtext", WIDER),
        ("mysql", "longtext", "varchar(20)", NARROWER),
        ("mysql", "varchar(200)", "tinytext", OTHER),
        ("mysql", "enum('a','b')", "enum('a')", OTHER),
        ("mysql", "datetime(6)", "datetime", NARROWER),
    ],
)
def test_how_a_type_follows_another(dialect: str, before: str, after: str, how: Retyping) -> None:
    assert retyping(before, after, dialect) is how


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        ("INTEGER", "INT", SAME),
        ("INTEGER", "", SAME),
        ("", "TEXT", SAME),
        ("VARCHAR(10)", "TEXT", SAME),
        ("DOUBLE", "REAL", SAME),
        ("INTEGER", "TEXT", OTHER),
        ("BOOLEAN", "TEXT", OTHER),
    ],
)
def test_where_columns_have_no_types_only_families_differ(before: str, after: str, how: Retyping) -> None:
    assert retyping(before, after, "sqlite", typed=False) is how


def columns(text: str) -> list[Column]:
    """Return ``id integer, name text`` as columns."""
    return [Column(name=part.split()[0], type=" ".join(part.split()[1:])) for part in text.split(", ")]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a integer", "a integer", []),
        ("a integer", "a integer, b text", [("added", "b", "text", False)]),
        ("a integer, b text", "a integer", [("dropped", "b", "was text", True)]),
        ("a integer", "a bigint", [("retyped", "a", "integer → bigint", False)]),
        ("a bigint", "a integer", [("retyped", "a", "bigint → integer", True)]),
        ("a integer", "A integer", [("renamed in case", "A", "was a", True)]),
        ("a integer, b text", "b text, a integer", [("reordered", "b, a", "now b, a", True)]),
        (
            "a integer, b text",
            "a integer, c text, b text",
            [("reordered", "b", "now behind c", True), ("added", "c", "text", False)],
        ),
        (
            "a integer, b text, c text",
            "c integer, a bigint",
            [
                ("dropped", "b", "was text", True),
                ("retyped", "c", "text → integer", True),
                ("reordered", "c, a", "now c, a", True),
                ("retyped", "a", "integer → bigint", False),
            ],
        ),
        # Two that differ in case alone cannot be told apart when one goes: it is dropped, another is added.
        ("a integer, A integer", "a integer", [("dropped", "A", "was integer", True)]),
        (
            "a integer, A integer",
            "á integer, B integer",
            [
                ("dropped", "a", "was integer", True),
                ("dropped", "A", "was integer", True),
                ("added", "á", "integer", False),
                ("added", "B", "integer", False),
            ],
        ),
    ],
)
def test_each_change_is_classed_and_what_breaks_comes_first(before: str, after: str, told: list[tuple]) -> None:
    found = schema_changes(columns(before), columns(after), "postgres")
    assert [(str(c.event), c.column, c.detail, c.breaking) for c in found] == told
    assert all(c.why for c in found)


NAMES = st.lists(st.sampled_from("aAbBcCdDé"), unique=True, max_size=6)


@given(NAMES, NAMES)
def test_every_column_is_paired_once_dropped_or_added(before: list[str], after: list[str]) -> None:
    old, new = ([Column(name=name, type="text") for name in names] for names in (before, after))
    pairing = pair_columns(old, new)
    assert [c.name for c, _ in pairing.both] + [c.name for c in pairing.dropped] == sorted(
        before, key=lambda n: (n in {c.name for c in pairing.dropped}, before.index(n))
    )
    assert sorted([now.name for _, now in pairing.both] + [c.name for c in pairing.added]) == sorted(after)
    assert all(one.name.casefold() == other.name.casefold() for one, other in pairing.both)


def test_a_change_comes_back_from_json_as_it_was() -> None:
    for change in schema_changes(columns("a integer, b text"), columns("b text, c text"), "postgres"):
        assert ColumnChange.from_dict(change.to_dict()) == change
        assert isinstance(change.event, ColumnEvent)
