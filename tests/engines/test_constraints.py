"""What a table's own constraints vouch for: never more than a scan of the same table would find."""

from __future__ import annotations

import contextlib
from datetime import date, datetime

import psycopg
import pytest

from airflow_dataops.core.metrics import Count
from airflow_dataops.core.predicates import And, IsNull, Not
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.results import GateResult
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.proofs.conditions import bounds_in
from airflow_dataops.engines.proofs.constraints import constraints_of
from airflow_dataops.engines.sql.sources import schema_of, source_of
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

PAID = Relation(name="paid")
COLUMNS = """
    id INTEGER NOT NULL PRIMARY KEY, code VARCHAR(9) UNIQUE, amount NUMERIC(12, 2) NOT NULL CHECK (amount >= 0),
    share DOUBLE PRECISION NOT NULL CHECK (share >= 0), pieces INTEGER CHECK (pieces > 0 AND pieces < 10),
    state TEXT NOT NULL CHECK (state IN ('open', 'shut')), a INTEGER NOT NULL, b INTEGER, UNIQUE (a, b)
"""
ROWS = "INSERT INTO paid VALUES (1, 'x', 1.5, 0.5, 3, 'open', 1, 1), (2, NULL, 0, 0.1, NULL, 'shut', 1, NULL)"
SUITE = [
    {"type": "column_values_to_not_be_null", "column": "id", "name": "id"},
    {"type": "column_values_to_not_be_null", "column": "b", "name": "b", "mostly": 0.1},
    {"type": "column_values_to_not_be_null", "column": "share", "name": "share"},
    {"type": "column_values_to_be_unique", "column": "id", "name": "unique id"},
    {"type": "column_values_to_be_unique", "column": "code", "name": "unique code"},
    {"type": "compound_columns_to_be_unique", "column_list": ["a", "b"], "name": "unique a, b"},
    {"type": "compound_columns_to_be_unique", "column_list": ["a", "id"], "name": "unique a, id"},
    {"type": "column_values_to_be_between", "column": "amount", "min_value": 0, "name": "amount"},
    {"type": "column_values_to_be_between", "column": "amount", "min_value": 1, "mostly": 0.1, "name": "amount 1"},
    {"type": "column_values_to_be_between", "column": "pieces", "min_value": 1, "max_value": 9, "name": "pieces"},
    {"type": "column_values_to_be_in_set", "column": "state", "value_set": ["open", "shut", "new"], "name": "state"},
    {"type": "column_values_to_be_in_set", "column": "state", "value_set": ["open"], "mostly": 0.1, "name": "state 1"},
]
PROVED = {
    "mysql": {"id", "share", "unique id", "unique a, id"},
    "sqlite": {"id", "share", "unique id", "unique a, id"},
    "duckdb": {"id", "unique id", "unique a, id", "amount", "state"},
    "postgres": {"id", "unique id", "unique a, id", "amount", "state"},
}


@pytest.fixture
def paid(db):
    db.execute(f"CREATE TABLE paid ({COLUMNS})")
    db.execute(ROWS)
    return db


def proved(gate):
    return {result.check.name for result in gate.results if result.proved_by}


def test_what_is_enforced_is_not_counted(paid):
    gate = judge(paid, PAID, read_suite(SUITE))
    assert gate.passed, str(gate)
    label = {"mysql": "MySQL", "sqlite": "SQLite", "duckdb": "DuckDB", "postgres": "PostgreSQL"}
    if paid.dialect not in PROVED:
        assert proved(gate) == set()
        return
    assert proved(gate) == PROVED[paid.dialect]
    assert {result.proved_by for result in gate.proved} == {f"{label[paid.dialect]} constraints"}
    assert f"{len(gate.proved)} without reading a row (proved by {label[paid.dialect]} constraints)" in str(gate)
    assert GateResult.from_dict(gate.to_dict()).to_dict() == gate.to_dict()
    assert gate.compact()["proved"] == len(gate.proved)


def test_a_proved_result_is_the_one_that_a_scan_gives(paid):
    through_a_query = judge(paid, "SELECT * FROM paid", read_suite(SUITE))
    assert proved(through_a_query) == set()

    def told(gate):
        return {(r.check.name, str(r.outcome), r.unexpected_count, r.element_count) for r in gate.results}

    assert told(judge(paid, PAID, read_suite(SUITE))) == told(through_a_query)
    some = judge(paid, PAID, read_suite(SUITE[:1] + SUITE[3:4]), where="id > 1")
    assert proved(some) == ({"id", "unique id"} if paid.dialect in PROVED else set())
    assert {result.element_count for result in some.results} == {1}


def test_a_suite_that_is_all_proved_costs_the_number_of_rows(paid):
    if paid.dialect not in PROVED:
        pytest.skip("its constraints are not read")
    (statement,) = judge(paid, PAID, read_suite(SUITE[:1] + SUITE[3:4])).statements
    assert statement.metrics == 1


@pytest.fixture
def postgres(postgres_url):
    with contextlib.closing(psycopg.connect(postgres_url)) as connection:
        yield DbApiSession(connection, "postgres")


def vouched(db, name):
    source = source_of(db.dialect, relation=Relation(name=name))
    return constraints_of(db, source.relation, schema_of(db, source))


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE t (a INTEGER); ALTER TABLE t ADD CHECK (a > 0) NOT VALID",
        "CREATE TABLE t (a INTEGER, UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE t (a INTEGER); CREATE UNIQUE INDEX ON t (a) WHERE a > 5",
        "CREATE TABLE t (a INTEGER); CREATE UNIQUE INDEX ON t ((a + 1))",
        "CREATE TABLE u (a INTEGER NOT NULL UNIQUE); CREATE VIEW t AS SELECT * FROM u",
        "CREATE TABLE u (a INTEGER NOT NULL UNIQUE); CREATE MATERIALIZED VIEW t AS SELECT * FROM u",
        "CREATE TABLE t (a INTEGER NOT NULL UNIQUE); CREATE TABLE u () INHERITS (t)",
        "CREATE TABLE t (a DOUBLE PRECISION NOT NULL)",
    ],
)
def test_what_is_not_certain_vouches_for_nothing(postgres, made):
    for statement in made.split("; "):
        postgres.execute(statement)
    found = vouched(postgres, "t")
    a = Not(IsNull("a"))
    from airflow_dataops.core.metrics import Repeats
    from airflow_dataops.core.predicates import Compare, Value

    asked = (Count(IsNull("a")), Repeats(("a",), a), Count(Compare(Value("a"), "<=", 0)))
    assert found is None or [found.known(metric) for metric in asked] == [None, None, None]


def test_a_not_null_constraint_that_is_not_validated_vouches_for_nothing(postgres):
    postgres.execute("CREATE TABLE t (a INTEGER)")
    postgres.execute("INSERT INTO t VALUES (NULL)")
    if int(postgres.execute("SHOW server_version_num")[0][0]) < 180_000:
        pytest.skip("NOT NULL can be NOT VALID since PostgreSQL 18")
    postgres.execute("ALTER TABLE t ADD CONSTRAINT there NOT NULL a NOT VALID")
    assert vouched(postgres, "t") is None
    result = judge(postgres, Relation(name="t"), read_suite([{"type": "column_values_to_not_be_null", "column": "a"}]))
    assert str(result.verdict) == "FAIL"


def test_partitions_vouch_together_and_nulls_may_be_equal(postgres):
    from airflow_dataops.core.metrics import Repeats

    postgres.execute("CREATE TABLE t (a INTEGER NOT NULL, b INTEGER) PARTITION BY RANGE (a)")
    postgres.execute("CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)")
    postgres.execute("CREATE UNIQUE INDEX ON t (a)")
    found = vouched(postgres, "t")
    assert found.known(Count(IsNull("a"))).value == 0
    assert found.known(Repeats(("a", "b"))).value == 0
    postgres.execute("CREATE TABLE n (a INTEGER, b INTEGER, UNIQUE NULLS NOT DISTINCT (a, b))")
    assert vouched(postgres, "n").known(Repeats(("a", "b"))).value == 0
    postgres.execute("CREATE TABLE d (a INTEGER, b INTEGER, UNIQUE (a, b))")
    assert vouched(postgres, "d").known(Repeats(("a", "b"))) is None
    both = And((Not(IsNull("a")), Not(IsNull("b"))))
    assert vouched(postgres, "d").known(Repeats(("a", "b"), both)).value == 0


@pytest.mark.parametrize(
    ("condition", "column", "low", "high", "among"),
    [
        ("n >= 0 AND n <= 10", "n", 0, 10, None),
        ("n > 0 AND 10 > n", "n", 1, 9, None),
        ("n BETWEEN -5 AND 5", "n", -5, 5, None),
        ("n = 3", "n", 3, 3, None),
        ("n IN (4, 2)", "n", 2, 4, None),
        ("d > 0", "d", 0, None, None),
        ("s IN ('a', 'b')", "s", None, None, {"a", "b"}),
        ("s = 'a'", "s", None, None, {"a"}),
        ("v IN ('a')", "v", None, None, {"a"}),
        ("day >= DATE '2013-01-01'", "day", date(2013, 1, 1), None, None),
        ("at < TIMESTAMP '2013-01-01 10:00:00'", "at", None, datetime(2013, 1, 1, 10), None),
    ],
)
def test_a_simple_condition_is_understood(postgres, condition, column, low, high, among):
    bounds = _bounds(postgres, condition)
    assert (bounds[column].low, bounds[column].high, bounds[column].among) == (low, high, among)


@pytest.mark.parametrize(
    "condition",
    [
        "n > 0 OR n < -10",
        "NOT n > 0",
        "n <> 0",
        "n + 1 > 0",
        "abs(n) < 5",
        "n > d",
        "n::text > '0'",
        "f >= 0",
        "s > 'a'",
        "s LIKE 'a%'",
        "lower(s) = 'a'",
        "n < 4.5::integer",
        "v = 'abcdef'::varchar(3)",
        "at > now()",
        "at < '2013-01-01 10:00:00'::timestamp::date",
        "z >= TIMESTAMPTZ '2013-01-01'",
        "n IS NOT NULL",
        "(n > 0) IS TRUE",
    ],
)
def test_any_other_condition_says_nothing(postgres, condition):
    assert _bounds(postgres, condition) == {}


def _bounds(db, condition):
    db.execute(
        "CREATE TABLE c (n INTEGER, d NUMERIC, f DOUBLE PRECISION, s TEXT, v VARCHAR(9), day DATE, at TIMESTAMP,"
        f" z TIMESTAMPTZ, CHECK ({condition}))"
    )
    schema = schema_of(db, source_of("postgres", relation=Relation(name="c")))
    ((said,),) = db.execute("SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conrelid = 'c'::regclass")
    return bounds_in([said], "postgres", schema)
