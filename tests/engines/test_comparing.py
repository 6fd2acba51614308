"""Two relations compared where they are: the same as a few lines of plain Python say of the same rows."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_dataops.core.diffs import ColumnDifference, KeyCounts
from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.sql.comparing import Comparison, compare
from tests.engines.conftest import connect_mysql

LIVE, NEXT = Relation(name="live rows"), Relation(name='the "next"')
DATABASES = ("sqlite", "duckdb", "postgres", "mysql")
Row = tuple[Any, ...]


def open_database(request: pytest.FixtureRequest, name: str) -> DbApiSession:
    if name == "sqlite":
        return DbApiSession(sqlite3.connect(":memory:"), "sqlite")
    if name == "duckdb":
        return DbApiSession(duckdb.connect(), "duckdb")
    if name == "postgres":
        return DbApiSession(psycopg.connect(request.getfixturevalue("postgres_url")), "postgres")
    return DbApiSession(connect_mysql("pymysql", request.getfixturevalue("mysql_url")), "mysql")


@pytest.fixture(params=DATABASES)
def db(request: pytest.FixtureRequest) -> Iterator[DbApiSession]:
    """Yield a session of an empty database."""
    with contextlib.closing(open_database(request, request.param)) as session:
        yield session


def quoted(db: DbApiSession, name: str) -> str:
    mark = "`" if db.dialect == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def create(db: DbApiSession, relation: Relation, columns: str, rows: Sequence[Row] = ()) -> None:
    db.execute(f"CREATE TABLE {quoted(db, relation.name)} ({columns})")
    fill(db, relation, rows)


def fill(db: DbApiSession, relation: Relation, rows: Sequence[Row]) -> None:
    for row in rows:
        db.execute(f"INSERT INTO {quoted(db, relation.name)} VALUES ({', '.join('?' * len(row))})", row)


def compared(db: DbApiSession, *key: str, samples: int = 0) -> Comparison:
    with db.snapshot():
        return compare(db, LIVE, NEXT, key=key, samples=samples)


# The reference


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same: null is null, NaN is NaN."""
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return both_nan or (type(one) is type(other) and one == other)


def expected(live: list[Row], now: list[Row]) -> tuple[KeyCounts, list[int]]:
    """Compare rows whose first two values are the key."""
    before, after = ({row[:2]: row[2:] for row in rows} for rows in (live, now))
    both = before.keys() & after.keys()
    differ = [[not same(one, other) for one, other in zip(before[k], after[k], strict=True)] for k in both]
    changed = sum(any(row) for row in differ)
    counts = KeyCounts(
        added=len(after.keys() - before.keys()),
        removed=len(before.keys() - after.keys()),
        changed=changed,
        same=len(both) - changed,
    )
    return counts, [sum(row[place] for row in differ) for place in range(3)]


def misused(rows: list[Row]) -> tuple[int, int, int]:
    """Count the rows without a key, the keys that several rows share, and these rows."""
    keyed = [row[:2] for row in rows if None not in row[:2]]
    shared = {k for k in keyed if keyed.count(k) > 1}
    return len(rows) - len(keyed), len(shared), sum(k in shared for k in keyed)


# Blanks at the end, cases and accents are what collations take for the same; all are told apart here.
TEXTS = st.sampled_from(["", "a", "A", "á", "a ", "ß", "ss", "\u00e9", "e\u0301", "😀", "'", '"`\\', "0", "x" * 300])
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e300, -1.5, math.nan, math.inf, 2.0**53])
KEYS = st.tuples(st.none() | st.integers(-2, 2), st.none() | TEXTS)
VALUES = st.tuples(st.none() | NUMBERS, st.none() | TEXTS, st.none() | st.integers(-(2**63), 2**63 - 1))
ROWS = st.lists(st.builds(lambda key, values: key + values, KEYS, VALUES), max_size=8)


def told_apart(rows: list[Row]) -> list[Row]:
    """Return the rows, of each key one, none without."""
    return list({row[:2]: row for row in rows if None not in row[:2]}.values())


@st.composite
def versions(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Draw rows, and what may have become of them; most times with a key, or there would be little to compare."""
    live = draw(ROWS)
    now = draw(st.lists(st.builds(lambda key, values: key + values, KEYS, VALUES), max_size=3))
    for row in live:
        fate = draw(st.sampled_from(["same", "changed", "changed", "gone"]))
        if fate != "gone":
            now.append(row if fate == "same" else row[:2] + draw(VALUES))
    return (live, now) if draw(st.integers(0, 4)) == 0 else (told_apart(live), told_apart(now))


def storable(db: DbApiSession, rows: list[Row]) -> list[Row]:
    """Return the rows as the database keeps them: SQLite has NaN as null, MySQL has neither it nor infinity."""
    missing = {"sqlite": math.isnan, "mysql": lambda value: not math.isfinite(value)}.get(db.dialect)
    return [
        tuple(None if missing and isinstance(value, float) and missing(value) else value for value in row)
        for row in rows
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions())
def test_counts_are_those_of_plain_python(db: DbApiSession, rows_of_both: tuple[list[Row], list[Row]]) -> None:
    columns = {"mysql": "id BIGINT, part VARCHAR(400), f DOUBLE, t VARCHAR(400), n BIGINT"}.get(
        db.dialect, "id BIGINT, part TEXT, f DOUBLE PRECISION, t TEXT, n BIGINT"
    )
    live, now = (storable(db, rows) for rows in rows_of_both)
    for relation, rows in ((LIVE, live), (NEXT, now)):
        if not db.columns(relation):
            create(db, relation, columns)
        db.execute(f"DELETE FROM {quoted(db, relation.name)}")
        fill(db, relation, rows)
    found = compared(db, "id", "PART", samples=3)
    assert (found.live_rows, found.candidate_rows, found.key) == (len(live), len(now), ("id", "part"))
    uses = [misused(live), misused(now)]
    if any(map(any, uses)):
        assert len(found.obstacles) == sum(bool(unkeyed) + bool(shared) for unkeyed, shared, _ in uses)
        assert (found.keys, found.columns, found.samples) == (None, (), ())
        for (unkeyed, shared, alike), side in zip(uses, ("what is live", "the candidate"), strict=True):
            told = " / ".join(line for line in found.obstacles if side in line)
            assert not unkeyed or f"is null in {unkeyed} of" in told
            assert not shared or (f"{alike} of" in told and f"share {shared} key" in told)
        return
    counts, each = expected(live, now)
    assert found.obstacles == ()
    assert found.keys == counts
    assert [(column.column, column.changed) for column in found.columns] == list(zip("ftn", each, strict=True))
    for event in ("added", "removed", "changed"):
        keys = {key.values for key in found.samples if key.event == event}
        assert len(keys) == min(3, getattr(counts, event))
        assert keys <= {row[:2] for row in (live if event == "removed" else now)}


def test_a_sample_says_which_columns_differ_and_keys_come_in_order(db: DbApiSession) -> None:
    create(db, LIVE, "id INTEGER, a INTEGER, b INTEGER", [(i, i, 0) for i in range(10)])
    create(db, NEXT, "id INTEGER, a INTEGER, b INTEGER", [(i, -i, i // 8) for i in range(10)])
    found = compared(db, "id", samples=2)
    assert [(key.event, key.values, key.columns) for key in found.samples] == [
        ("changed", (1,), ("a",)),
        ("changed", (2,), ("a",)),
    ]
    assert compared(db, "id").samples == ()


def test_statements_are_few_whatever_the_number_of_columns_and_fetch_no_rows(db: DbApiSession) -> None:
    kind = "VARCHAR(255)" if db.dialect == "mysql" else "TEXT"
    names = [f"c{number}" for number in range(60)]
    listed = ", ".join(f"{name} {kind}" for name in names)
    for relation, value in ((LIVE, "é" * 200), (NEXT, "è" * 200)):
        create(db, relation, f"id INTEGER, {listed}", [(1, *["x"] * 60), (2, *["x"] * 59, value)])
    found = compared(db, "id")
    assert [column.column for column in found.columns if column.changed] == ["c59"]
    assert len(found.statements) == 3
    assert sum(statement.scans for statement in found.statements) == 4


def test_a_column_of_another_type_is_compared_where_values_can_be(db: DbApiSession) -> None:
    create(db, LIVE, "id INTEGER, a INTEGER, b INTEGER", [(1, 1, 1), (2, 2, 2)])
    text = "VARCHAR(9)" if db.dialect == "mysql" else "TEXT"
    create(db, NEXT, f"id BIGINT, a DOUBLE PRECISION, b {text}", [(1, 1.0, "1"), (2, 2.5, "2")])
    found = compared(db, "id")
    assert found.columns[0] == ColumnDifference(column="a", changed=1)
    if db.dialect == "sqlite":  # values have types there, and 1 is not '1'
        assert found.columns[1].changed == 2
    else:
        assert found.columns[1].changed is None
        assert "cannot be compared with" in found.columns[1].reason


@pytest.mark.parametrize("db", ["postgres", "duckdb", "mysql"], indirect=True)
def test_a_type_without_an_equality_is_told(db: DbApiSession) -> None:
    odd = {"postgres": ("json", "point", "json[]", "xml"), "duckdb": ("JSON",), "mysql": ("POINT", "GEOMETRY")}
    listed = ", ".join(f"c{number} {kind}" for number, kind in enumerate(odd[db.dialect]))
    for relation in (LIVE, NEXT):
        create(db, relation, f"id INTEGER, {listed}")
    found = compared(db, "id")
    assert [column.changed for column in found.columns] == [None] * len(odd[db.dialect])
    assert all("has no equality" in column.reason for column in found.columns)


@pytest.mark.parametrize("db", ["postgres"], indirect=True)
def test_every_other_type_of_postgres_is_compared_by_its_value(db: DbApiSession) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('ok', 'sad')")
    kinds = {
        "mood": ("ok", "sad"),
        "int4range": ("[1,3)", "[1,4)"),
        "integer[]": ("{1,2}", "{1,3}"),
        "uuid": ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"),
        "jsonb": ('{"a": 1}', '{"a": 2}'),
        "bytea": ("\\x00", "\\x01"),
        "inet": ("10.0.0.1", "10.0.0.2"),
        "boolean": ("t", "f"),
        "char(3)": ("a", "b"),
        "timestamptz": ("2013-01-01 00:00Z", "2013-01-01 01:00Z"),
        "numeric": ("1.00", "1.01"),
        "interval": ("1 day", "2 days"),
    }
    listed = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
    for relation, place in ((LIVE, 0), (NEXT, 1)):
        create(db, relation, f"id INTEGER, {listed}")
        for number in (1, 2):
            values = ", ".join(f"'{pair[place if number == 2 else 0]}'" for pair in kinds.values())
            db.execute(f"INSERT INTO {relation.sql} VALUES ({number}, {values})")
    assert [column.changed for column in compared(db, "id").columns] == [1] * len(kinds)


@pytest.mark.parametrize("db", ["duckdb"], indirect=True)
def test_nested_types_and_zoned_keys_of_duckdb(db: DbApiSession) -> None:
    for relation, last in ((LIVE, 2), (NEXT, 3)):
        db.execute(
            f"CREATE TABLE {relation.sql} AS SELECT TIMESTAMPTZ '2013-01-01 00:00Z' AS at, [1, {last}] AS l,"
            f" {{'a': {last}}} AS s, MAP {{'k': {last}}} AS m, 'x'::BLOB AS b, true AS t"
        )
    found = compared(db, "at", samples=1)
    assert [column.changed for column in found.columns] == [1, 1, 1, 0, 0]
    assert found.samples[0].values[0].isoformat() == "2013-01-01T00:00:00+00:00"


def test_a_column_that_only_changed_its_case_is_still_compared(db: DbApiSession) -> None:
    create(db, LIVE, "id INTEGER, amount INTEGER", [(1, 1)])
    create(db, NEXT, f"id INTEGER, {quoted(db, 'Amount')} INTEGER", [(1, 2)])
    assert compared(db, "id").columns == (ColumnDifference(column="Amount", changed=1),)


def test_a_key_that_is_no_key(db: DbApiSession) -> None:
    text = "VARCHAR(9)" if db.dialect == "mysql" else "TEXT"
    create(db, LIVE, "id INTEGER, gone INTEGER, v INTEGER", [(1, 1, 1)])
    create(db, NEXT, f"id {text}, v INTEGER", [("1", 1), ("2", 2)])
    with pytest.raises(ConfigurationError, match="key='no': there is no such column; the candidate has id, v"):
        compared(db, "no")
    gone = compared(db, "gone")
    assert gone.obstacles == ("column gone of the key is not in the candidate",)
    assert (gone.live_rows, gone.candidate_rows, gone.keys) == (1, 2, None)
    if db.dialect != "sqlite":
        assert "column id of the key: " in compared(db, "id").obstacles[0]


def test_without_a_key_rows_are_counted_in_one_statement(db: DbApiSession) -> None:
    create(db, LIVE, "id INTEGER", [(1,), (1,)])
    create(db, NEXT, "id INTEGER", [(None,)])
    found = compared(db)
    assert (found.live_rows, found.candidate_rows, found.keys, found.columns) == (2, 1, None, ())
    assert len(found.statements) == 1
    assert [column.name for column in found.live] == ["id"]


def test_keys_that_differ_behind_a_thousand_letters_are_two(db: DbApiSession) -> None:
    text = "LONGTEXT" if db.dialect == "mysql" else "TEXT"
    create(db, LIVE, f"id {text}", [("x" * 5000 + end,) for end in "ab"])
    create(db, NEXT, f"id {text}", [("x" * 5000 + end,) for end in "bc"])
    assert compared(db, "id").keys == KeyCounts(added=1, removed=1, changed=0, same=1)


def test_a_key_alone_has_no_value_to_change(db: DbApiSession) -> None:
    create(db, LIVE, "id INTEGER", [(1,), (2,)])
    create(db, NEXT, "id INTEGER", [(2,), (3,), (4,)])
    assert compared(db, "id").keys == KeyCounts(added=2, removed=1, changed=0, same=1)


def test_a_relation_that_is_not_there_is_an_error_that_names_it(db: DbApiSession) -> None:
    create(db, LIVE, "id INTEGER")
    with pytest.raises(MeasureError, match='there is no table the "next"') as raised:
        compared(db, "id")
    assert not raised.value.retryable


def test_a_database_that_no_test_covers_is_refused() -> None:
    class Elsewhere:
        dialect = "snowflake"

        def columns(self, relation: Relation) -> list[Column]:
            raise AssertionError("nothing is asked of it")

    with pytest.raises(ConfigurationError, match="Releases in Snowflake cannot be compared"):
        compare(Elsewhere(), LIVE, NEXT)  # type: ignore[arg-type]
