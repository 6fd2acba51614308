"""Views that are made when they are asked for, in an embedded DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.viewing import ViewingSession

ELSEWHERE = {
    Relation(schema="nyc", name="flights.tag_r42"): "SELECT 1 AS v",
    Relation(schema="/data/x", name='y"/r1'): "SELECT 2 AS w",
    Relation(name="plain"): "SELECT 3 AS v UNION ALL SELECT 3",
}


@pytest.fixture
def asked() -> list[Relation]:
    return []


@pytest.fixture
def db(asked: list[Relation]) -> Iterator[ViewingSession]:
    import duckdb

    def find(relation: Relation) -> str | None:
        asked.append(relation)
        return ELSEWHERE.get(relation)

    session = ViewingSession(duckdb.connect(), find)
    yield session
    session.close()


@pytest.mark.parametrize("relation", ELSEWHERE)
def test_what_lies_elsewhere_is_read_by_name(db: ViewingSession, relation: Relation) -> None:
    ((value, *_), *_) = db.execute(f"SELECT * FROM {relation.sql} AS x")
    assert f"SELECT {value} AS" in ELSEWHERE[relation]


def test_it_is_looked_for_once_for_all_statements(db: ViewingSession, asked: list[Relation]) -> None:
    with db.snapshot():
        both = 'SELECT v FROM plain UNION ALL SELECT v FROM nyc."flights.tag_r42"'
        sql = f"WITH all_of AS ({both}) SELECT sum(v) FROM all_of"
        assert db.execute(sql) == [(7,)]
        assert db.execute(sql) == [(7,)]
    assert asked.count(Relation(name="plain")) == 1


def test_columns_are_those_of_the_view(db: ViewingSession) -> None:
    assert db.columns(Relation(name="plain")) == [Column(name="v", type="INTEGER")]
    assert db.columns(Relation(name="nowhere")) == []


def test_what_is_nowhere_is_told_in_the_databases_words(db: ViewingSession) -> None:
    with pytest.raises(MeasureError, match="nowhere does not exist"):
        db.execute("SELECT * FROM nowhere")
    with pytest.raises(MeasureError, match="column"):
        db.execute("SELECT x FROM plain")
    with pytest.raises(MeasureError, match="syntax error"):
        db.execute("SELEC 1")


def test_of_three_parts_the_last_two_are_the_name(db: ViewingSession, asked: list[Relation]) -> None:
    with pytest.raises(MeasureError):
        db.execute("SELECT * FROM nyc.flights.tag_r7")
    assert asked == [Relation(schema="nyc", name="flights.tag_r7")]
