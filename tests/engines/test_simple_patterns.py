"""Regular expressions that become comparisons of texts mean what Python's mean, on the database itself."""

from __future__ import annotations

import contextlib
import re

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.sql.dialects import rules_of
from airflow_dataops.engines.sql.simple_patterns import simple
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

RULES = rules_of("postgres")
LITERALS = st.text(alphabet="ab0-L %_'", max_size=4)
ESCAPED = st.sampled_from([r"\.", r"\-", r"\$", r"\\", r"\%"])
TRAILING = st.sampled_from(["", r"\d", "[0-9]", "[ab]", "[a-c0]", r"\d{2}", "[ab]{0}", r"\d+", "[0-5a-c]+"])
PATTERNS = st.builds(
    lambda start, head, middle, tail, trailing, end: (start + head + middle + tail + trailing, end),
    st.sampled_from(["", "^"]),
    LITERALS,
    st.sampled_from(["", ""]) | ESCAPED,
    LITERALS,
    TRAILING,
    st.sampled_from(["", "$", r"\Z"]),
)
TEXTS = st.lists(st.text(alphabet="ab0c9-L %_'.$\\\né", max_size=7), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def session(postgres_server):
    with contextlib.closing(psycopg.connect(f"postgresql://postgres@/postgres?host={postgres_server}")) as connection:
        yield DbApiSession(connection, "postgres")


@given(parts=PATTERNS, texts=TEXTS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_they_mean_what_pythons_mean(session, parts, texts):
    body, end = parts
    pattern = body + end
    found = simple(pattern)
    if found is not None:  # and texts that nearly are
        texts = [*texts, found.literal, found.literal + found.trailing[:2], found.literal + "\n", "a" + found.literal]
    condition = RULES.sql(RULES.matched(exp.column("t"), pattern, "text"))
    rows = ", ".join(f"({number}, {RULES.sql(exp.Literal.string(text))})" for number, text in enumerate(texts))
    answers = session.execute(f"SELECT {condition} FROM (VALUES {rows}) AS v(n, t) ORDER BY n")
    # Python's own $ also matches before a last line feed, ours nowhere does.
    python = re.compile(body + (r"\Z" if end else ""), re.ASCII)
    assert [answer for (answer,) in answers] == [python.search(text) is not None for text in texts]


@pytest.mark.parametrize(
    ("pattern", "sql"),
    [
        ("^LIC-", """STARTS_WITH(t COLLATE "C", 'LIC-')"""),
        ("^LIC$", """t COLLATE "C" = 'LIC'"""),
        (r"\.csv$", """RIGHT(t COLLATE "C", 4) = '.csv'"""),
        ("@", """STRPOS(t COLLATE "C", '@') > 0"""),
        (r"^LIC-\d{6}$", """(LENGTH(t COLLATE "C") = 10 AND RTRIM(t COLLATE "C", '0123456789') = 'LIC-')"""),
        (r"^\d+$", """(LENGTH(t COLLATE "C") >= 1 AND RTRIM(t COLLATE "C", '0123456789') = '')"""),
        ("^9[0-9]$", "t ~ '^9[0-9]$'"),  # what is trimmed would take the literal with it
        ("^[a-z]+$", "t ~ '^[a-z]+$'"),
        ("^ab?$", "t ~ '^ab?$'"),
        ("(?i)^a", "t ~ '(?i)^a'"),
        (r"\d", "t ~ '[0-9]'"),
    ],
)
def test_what_is_simple_is_compared(pattern, sql):
    assert RULES.sql(RULES.matched(exp.column("t"), pattern, "text")) == sql
    if " ~ " not in sql:
        assert " ~ " in RULES.sql(RULES.matched(exp.column("t"), pattern, "character(9)"))


def test_a_null_neither_matches_nor_fails(db):
    db.execute("CREATE TABLE x (t VARCHAR(20))")
    db.execute("INSERT INTO x VALUES ('LIC-123456'), (NULL), ('LIC-12345'), ('lic-123456')")
    suite = [
        {"type": f"column_values_to_{word}match_regex", "column": "t", "regex": pattern, "name": word + pattern}
        for pattern in (r"^LIC-\d{6}$", "^LIC-", "6$", "-1")
        for word in ("", "not_")
    ]
    gate = judge(db, Relation(name="x"), read_suite(suite))
    assert {result.check.name: (result.unexpected_count, result.element_count) for result in gate.results} == {
        r"^LIC-\d{6}$": (2, 3),
        r"not_^LIC-\d{6}$": (1, 3),
        "^LIC-": (1, 3),
        "not_^LIC-": (2, 3),
        "6$": (1, 3),
        "not_6$": (2, 3),
        "-1": (0, 3),
        "not_-1": (3, 3),
    }
