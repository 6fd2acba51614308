"""A plan is data: which statements a suite's metrics become, told without a database."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from dataclasses import replace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.metrics import Aggregate, Count, Distinct, Function, Repeats, Schema
from airflow_dataops.core.predicates import And, Compare, InSet, IsNull, Kind, Matches, Not, Or, Sql, Value
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.sql import planning
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.planning import halves, plan
from airflow_dataops.engines.sql.profiles import Profile
from airflow_dataops.engines.sql.sources import source_of
from airflow_dataops.engines.sql.uniqueness import Enough
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

TYPES = {"n": "bigint", "t": "text", "u": "text", "at": "timestamp without time zone"}
KINDS = {"n": Kind.NUMBER, "t": Kind.TEXT, "u": Kind.TEXT, "at": Kind.TIME}
SCHEMA = Schema(columns=tuple(Column(name=name, type=kind) for name, kind in TYPES.items()), kinds=KINDS)
THERE = Not(IsNull("n"))
REGEX = Count(Not(Matches("t", "^a+$")))


def planned(*metrics, dialect="postgres", **profile):
    source = source_of(dialect, relation=Relation(name="x"))
    return plan(source, Expressions(dialect, SCHEMA), metrics, Profile(**profile))


def shapes(found):
    return [tuple(answer.metric for answer in statement.answers) for statement in found.statements]


def test_plain_aggregates_share_one_scan_each_once():
    mean, count = Aggregate(Function.MEAN, "n"), Count(IsNull("t"))
    assert shapes(planned(mean, count, REGEX, mean, count)) == [(mean, count, REGEX)]


def test_what_sorts_leaves_the_scan_parallel():
    median, count = Aggregate(Function.MEDIAN, "n"), Count()
    assert shapes(planned(median, count, Distinct(("n",), THERE))) == [
        (count,),
        (median,),
        (Distinct(("n",), THERE),),
    ]
    assert shapes(planned(median, count, dialect="duckdb")) == [(median, count)]
    (statement, *_) = planned(median, count, Distinct(("n",), THERE)).statements
    assert "PERCENTILE" not in statement.sql
    assert "DISTINCT" not in statement.sql


def test_a_regular_expression_over_few_values_is_grouped_with_its_likes():
    null, other = Count(IsNull("t")), Count(Matches("t", "b"))
    both, own = (
        Count(And((Matches("t", "b"), Compare(Value("n"), ">", 1)))),
        Count(And((Matches("t", "b"), Sql("n>1")))),
    )
    found = planned(null, REGEX, other, both, own, few=frozenset({"t"}))
    assert shapes(found) == [(null, both, own), (REGEX, other)]
    assert found.statements[1].source == '(SELECT "t", COUNT(*) AS dataops_members FROM "x" GROUP BY "t") AS grouped'
    assert shapes(planned(null, REGEX, few=frozenset({"u"}))) == [(null, REGEX)]


def test_uniqueness_is_proved_by_the_cheapest_count_that_is_enough():
    one, two = Repeats(("n",), THERE), Repeats(("t", "at"))
    first, enough = planned(one).statements
    assert [answer.metric for answer in first.answers] == [Count(THERE)]
    assert "COUNT(DISTINCT value)" in enough.sql
    assert enough.settled({one: 5}, {Count(THERE): 5}) == ({one: 0}, None)
    assert enough.settled({one: 4}, {Count(THERE): 5}) == ({}, enough.exact)
    assert "HAVING COUNT(*) > 1" in enough.exact.sql
    forms = {
        "GROUP BY": planned(two).statements[1].sql,
        "HASH_RECORD_EXTENDED": planned(two, hashes_rows=True).statements[1].sql,
        "ORDER BY key0": planned(two, hashes_rows=True, in_order=frozenset({"at"})).statements[1].sql,
    }
    assert {form: form in sql for form, sql in forms.items()} == dict.fromkeys(forms, True)


def test_what_cannot_be_enough_is_counted_exactly_at_once():
    (statement,) = planned(Repeats(("n",), THERE), few=frozenset({"n"})).statements
    assert not isinstance(statement, Enough)
    (statement,) = planned(Repeats(("n",), THERE), dialect="sqlite").statements
    assert not isinstance(statement, Enough)


def test_in_this_process_a_key_is_unique_if_its_hash_is():
    pair = Repeats(("t", "at"), Or((Not(IsNull("t")), Not(IsNull("at")))))
    rows, hashed = planned(pair, dialect="duckdb").statements
    assert [answer.metric for answer in rows.answers] == [Count(pair.where)]
    assert hashed.sql.startswith('SELECT\n  HASH("t", "at") AS m0\nFROM "x" WHERE ')
    assert hashed.settled({pair: []}, {}) == ({pair: 0}, None)
    values, rest = hashed.settled({pair: [7, 8]}, {})
    assert values == {}
    assert rest.answers == hashed.exact.answers
    assert 'AS data WHERE HASH("t", "at") IN (7, 8)) AS suspects GROUP BY "t", "at" HAVING COUNT(*) > 1' in rest.sql


def test_what_too_many_hashes_would_hold_is_grouped_by_the_database(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    one = Repeats(("n",), THERE)
    hashed = planned(one, dialect="duckdb").statements[1]
    assert hashed.suited({Count(THERE): 1_000_000}) is hashed
    assert hashed.suited({Count(THERE): 100_000_000}) is hashed.exact
    assert hashed.suited({Count(THERE): 1_000}) is hashed
    monkeypatch.delitem(sys.modules, "numpy")
    assert hashed.suited({Count(THERE): 1_000}) is hashed.exact
    assert hashed.settled({one: list(range(5_000))}, {}) == ({}, hashed.exact)


def test_what_the_dialect_lacks_is_refused_and_sinks_nothing():
    lookbehind = Count(Matches("t", "(?<=a)b"))
    found = planned(lookbehind, Count())
    assert shapes(found) == [(Count(),)]
    assert isinstance(found.refused[lookbehind], MeasureError)
    missing = Count(IsNull("missing"))
    assert list(planned(missing).refused) == [missing]


def test_no_statement_is_too_large_for_its_database():
    many = [Count(Compare(Value("n"), ">", number)) for number in range(4_000)]
    assert [len(statement.answers) for statement in planned(*many).statements] == [1_500, 1_500, 1_000]
    long = [Count(InSet("t", (f"{number}" + "x" * 100_000,))) for number in range(11)]
    found = planned(*long).statements
    assert all(len(statement.sql) < 600_000 for statement in found)
    assert sum(shapes(planned(*long)), ()) == tuple(long)


def test_halves_hold_what_the_whole_does():
    (whole,) = planned(*(Count(Compare(Value("n"), ">", number)) for number in range(5))).statements
    assert [len(half.answers) for half in halves(whole)] == [2, 3]
    assert sum((half.answers for half in halves(whole)), ()) == whole.answers
    assert {replace(half, answers=()) for half in halves(whole)} == {replace(whole, answers=())}


CHECKS = [
    *({"type": "column_values_to_not_be_null", "column": column, "mostly": 0.1} for column in TYPES),
    *({"type": "column_values_to_be_between", "column": "n", "min_value": low} for low in range(6)),
    *({"type": "column_values_to_match_regex", "column": "t", "regex": f"^{letter}+$"} for letter in "abc"),
    {"type": "column_median_to_be_between", "column": "n", "min_value": 1},
    {"type": "column_values_to_be_unique", "column": "n"},
    {"type": "compound_columns_to_be_unique", "column_list": ["t", "u"]},
    {"type": "column_unique_value_count_to_be_between", "column": "t", "min_value": 1},
    {"type": "column_values_to_be_between", "column": "n", "min_value": 1, "row_condition": 't=="a"'},
]


def _told(gate):
    return sorted(
        (str(r.check.to_dict()), str(r.outcome), str(r.observed), r.unexpected_count, r.element_count)
        for r in gate.results
    )


@given(size=st.integers(1, 12), few=st.sets(st.sampled_from(list(TYPES))), order=st.permutations(CHECKS))
@settings(max_examples=25, deadline=None)
def test_however_a_suite_is_split_the_facts_are_the_same(size, few, order):
    with contextlib.closing(duckdb.connect()) as connection, pytest.MonkeyPatch.context() as patch:
        connection.execute(
            "CREATE TABLE x AS SELECT i % 7 AS n, chr(97 + (i % 4)::INTEGER) AS t,"
            " nullif(chr(97 + (i % 3)::INTEGER), 'c')"
            " AS u, TIMESTAMP '2013-01-01' + i * INTERVAL 1 hour AS at FROM range(40) AS numbers(i)"
        )
        session = DbApiSession(connection, "duckdb")
        whole = judge(session, Relation(name="x"), read_suite(CHECKS))
        patch.setattr("airflow_dataops.engines.sql.measuring.profile_of", lambda *_, **__: Profile(few=frozenset(few)))
        unsplit = judge(session, Relation(name="x"), read_suite(order))
        patch.setattr(planning, "_MOST_COLUMNS", size)
        split = judge(session, Relation(name="x"), read_suite(order))
    assert len(split.statements) >= len(unsplit.statements)
    assert _told(split) == _told(unsplit) == _told(whole)


def test_three_thousand_checks_are_measured_everywhere(db):
    db.execute("CREATE TABLE wide (n INTEGER, t VARCHAR(9))")
    db.execute("INSERT INTO wide VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    checks = [{"type": "column_values_to_be_between", "column": "n", "max_value": 10 + i} for i in range(2_998)]
    checks.append({"type": "column_values_to_be_in_set", "column": "n", "value_set": list(range(3_000))})
    checks.append({"type": "column_values_to_be_between", "column": "n", "max_value": 2})
    gate = judge(db, Relation(name="wide"), read_suite(checks))
    assert len(gate.results) == 3_000
    assert [str(result.outcome) for result in gate.results].count("PASS") == 2_999
    assert gate.scans == 3


def test_one_bad_check_among_many_statements_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "_MOST_COLUMNS", 4)
    with contextlib.closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        session = DbApiSession(connection, "sqlite")
        session.execute("CREATE TABLE x (n INTEGER)")
        session.execute("INSERT INTO x VALUES (1), (2)")
        good = [{"type": "column_values_to_be_between", "column": "n", "max_value": 2 + i} for i in range(20)]
        bad = [{"type": "rows_to_meet_condition", "condition": f"nothing{i}(n) = 1"} for i in range(2)]
        gate = judge(session, Relation(name="x"), read_suite([*good[:9], bad[0], *good[9:], bad[1]]))
    assert [str(result.outcome) for result in gate.results] == ["ERROR"] * 2 + ["PASS"] * 20
    assert {result.message.rpartition(": ")[2] for result in gate.of(Outcome.ERROR)} == {"nothing0", "nothing1"}
