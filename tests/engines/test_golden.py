"""The SQL for databases that cannot be had here: every kind of metric and condition, read by the dialect's own parser.

``GOLDEN=write`` writes the files anew; then read the difference.
"""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlglot import exp, parse
from sqlglot.dialects.dialect import Dialect

from airflow_dataops.core import metrics as m
from airflow_dataops.core import predicates as p
from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.core.vocabulary.compiled import Broken
from airflow_dataops.engines.sql.compiling import Expressions
from airflow_dataops.engines.sql.dialects import rules_of
from airflow_dataops.engines.sql.planning import failing_rows, plan
from airflow_dataops.engines.sql.sources import source_of

GOLDEN = Path(__file__).parent / "golden"
# Which of the database's own types each column has.
TYPES = {
    "bigquery": ("INT64", "STRING", "FLOAT64", "NUMERIC(10, 2)", "DATE", "DATETIME", "TIMESTAMP", "BOOL"),
    "databricks": ("int", "string", "double", "decimal(10,2)", "date", "timestamp_ntz", "timestamp", "boolean"),
    "mysql": ("int", "varchar(20)", "double", "decimal(10,2)", "date", "datetime(6)", "timestamp", "tinyint(1)"),
    "redshift": (
        "integer",
        "character varying",
        "double precision",
        "numeric",
        "date",
        "timestamp without time zone",
        "timestamp with time zone",
        "boolean",
    ),
    "snowflake": ("NUMBER", "TEXT", "FLOAT", "NUMBER", "DATE", "TIMESTAMP_NTZ", "TIMESTAMP_TZ", "BOOLEAN"),
    "trino": (
        "integer",
        "varchar(20)",
        "double",
        "decimal(10,2)",
        "date",
        "timestamp(6)",
        "timestamp(6) with time zone",
        "boolean",
    ),
}
COLUMNS = ("id", "name", "amount", "price", "day", "at", "seen", "paid")
HARD = 'it\'s 100% \\ "here"\nand ! there'
CONDITIONS: dict[str, p.Predicate] = {
    "null, NaN too": p.IsNull("amount"),
    "not null": p.Not(p.IsNull("name")),
    "compared with a number": p.Compare(p.Value("amount"), ">", 1.5),
    "compared with a decimal": p.Compare(p.Value("price"), ">=", Decimal("0.10")),
    "compared with a text": p.Compare(p.Value("name"), "=", HARD),
    "compared with a truth": p.Compare(p.Value("paid"), "=", True),
    "a date, with a date": p.Compare(p.Value("day"), "<", date(2013, 1, 31)),
    "a date, with its text": p.Compare(p.Value("day"), "<=", "2013-01-31"),
    "a time, with a date": p.Compare(p.Value("at"), "<", date(2013, 1, 31)),
    "a time, with its text": p.Compare(p.Value("at"), "<>", "2013-01-31 08:00:00.000005"),
    "a time with a zone, with a time": p.Compare(p.Value("seen"), "<", datetime(2013, 1, 31, 8, 0, 0, 5)),
    "a time with a zone, with one": p.Compare(p.Value("seen"), "<", datetime(2013, 1, 31, 8, tzinfo=UTC)),
    "two columns": p.Compare(p.Value("amount"), ">=", p.Value("price")),
    "two texts": p.Compare(p.Value("name"), "=", p.Value("name")),
    "length": p.Compare(p.Length("name"), ">", 3),
    "sum of columns": p.Compare(p.Total(("id", "amount", "price")), "=", 10),
    "z-score": p.Compare(p.ZScore("amount", 10.25, 2.5), ">", 3),
    "one of numbers": p.InSet("id", (1, 2)),
    "one of texts": p.InSet("name", ("ann", HARD)),
    "regex": p.Matches("name", r"^a.\d+\s?(?:b|c)[\w-]{2}\.$"),
    "regex, whatever the case": p.Matches("name", r"(?i)^ann"),
    "regex with a word's edge": p.Matches("name", r"\bann\b"),
    "regex with a look ahead": p.Matches("name", r"^(?=a)"),
    "like": p.Like("name", "a%_"),
    "like with an escape": p.Like("name", "50!%_!!\\"),
    "the user's own": p.Sql("amount > 0 -- always"),
    "both, and not": p.And((p.Not(p.Compare(p.Value("id"), "=", 1)), p.Holds(p.Compare(p.Value("id"), "<", 9)))),
    "one or the other": p.Or((p.IsNull("id"), p.Compare(p.Value("id"), "=", 1))),
    "of a kind": p.OfKind("id", frozenset({p.Kind.NUMBER})),
}
SOME = p.Compare(p.Value("id"), ">", 0)
METRICS: dict[str, m.Metric] = {
    "all rows": m.Count(),
    **{f"count: {title}": m.Count(condition) for title, condition in CONDITIONS.items()},
    **{f"{function}": m.Aggregate(function, "amount") for function in m.Function},
    **{f"{function} of some": m.Aggregate(function, "price", SOME) for function in m.Function},
    "smallest day": m.Aggregate(m.Function.MIN, "day"),
    "latest time": m.Aggregate(m.Function.MAX, "at"),
    "latest time with a zone": m.Aggregate(m.Function.MAX, "seen"),
    "distinct": m.Distinct(("name",), p.Not(p.IsNull("name"))),
    "distinct, of two columns": m.Distinct(("id", "amount")),
    "repeats": m.Repeats(("id",), p.Not(p.IsNull("id"))),
    "repeats of two columns": m.Repeats(("name", "day")),
    "quantiles": m.Quantiles("amount", (0.25, 0.5)),
    "quantiles that are values": m.Quantiles("price", (0.9,), "lower", SOME),
    "most common": m.MostCommon("name", ("ann", "bob"), p.Not(p.IsNull("name"))),
    "which values are there": m.Present("name", ("ann", "bob"), SOME),
    "entropy": m.Entropy("name", SOME),
    "out of order": m.OutOfOrder("amount", order_by=("day", "id"), where=SOME),
    "out of order, downwards": m.OutOfOrder("amount", descending=True, strictly=True, order_by=("day",)),
    "rows of a query": m.QueryRows("SELECT id FROM {batch} WHERE id > 1"),
    "all rows of a query": m.RowSet("SELECT id FROM {batch}"),
    "orphans": m.Orphans(("id", "name"), Relation(schema="shop", name="customers"), ("key", "name"), SOME),
}
BROKEN: dict[str, Broken] = {
    "rows that break a condition": SOME,
    "rows that repeat": p.Repeated(("name", "day"), SOME),
    "rows out of order": m.OutOfOrder("amount", order_by=("day",)),
    "rows without a partner": m.Orphans(("id",), Relation(schema="shop", name="customers"), ("key",)),
}
# Of one kind only where the value is no SQL of its own, or where another file shows it.
ELSEWHERE = {m.Elsewhere: "its metric, on another relation", m.ExpectationResult: "handed over", m.Fingerprint: "apart"}


@pytest.fixture(params=sorted(TYPES))
def dialect(request: pytest.FixtureRequest) -> str:
    return request.param


def compiled(dialect: str) -> tuple[typing.Any, Expressions]:
    columns = tuple(Column(name=name, type=kind) for name, kind in zip(COLUMNS, TYPES[dialect], strict=True))
    rules = rules_of(dialect)
    kinds = {column.name: rules.kind_of(column.type) for column in columns}
    assert p.Kind.OTHER not in kinds.values()
    schema = m.Schema(columns=columns, kinds=kinds, truth_is_number=rules.truth_is_number)
    return source_of(dialect, relation=Relation(schema="shop", name="orders")), Expressions(dialect, schema)


def statements(dialect: str) -> dict[str, str]:
    """Return each statement, or why there is none."""
    source, expressions = compiled(dialect)
    told = {}
    for title, metric in METRICS.items():
        try:
            planned = plan(source, expressions, [metric])
        except NotImplementedError:
            told[title] = "-- refused: asked only where columns have no types"
            continue
        told[title] = ";\n".join(statement.sql for statement in planned.statements)
        if planned.refused:
            told[title] = f"-- refused: {planned.refused[metric]}"
    for title, broken in BROKEN.items():
        told[title] = failing_rows(source, expressions, broken, 100)
    return told


def test_the_statements_are_those_of_the_file(dialect: str) -> None:
    made = "".join(f"-- {title}\n{sql}\n\n" for title, sql in statements(dialect).items())
    file = GOLDEN / f"{dialect}.sql"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(made)
    assert made == file.read_text()


def parts_of(union: object) -> set[object]:
    return set(typing.get_args(union)) if isinstance(union, types.UnionType) else {union}


def used(value: object) -> set[object]:
    """Return the classes of a value and of all that it consists of."""
    if dataclasses.is_dataclass(value):
        inside = (getattr(value, field.name) for field in dataclasses.fields(value))
        return {type(value)}.union(*map(used, inside))
    return set().union(*map(used, value)) if isinstance(value, tuple) else set()


def test_every_kind_of_metric_and_condition_is_among_them() -> None:
    shown = set().union(*(used(value) for value in (*METRICS.values(), *BROKEN.values())))
    wanted = parts_of(m.Metric) | parts_of(p.Predicate) | parts_of(p.Operand) | parts_of(Broken)
    assert {kind.__name__ for kind in wanted - shown - set(ELSEWHERE)} == set()
    assert {metric.function for metric in METRICS.values() if isinstance(metric, m.Aggregate)} == set(m.Function)


# What a rule of ours writes beside what sqlglot knows of the dialect.
OWN = {
    "bigquery": {"REGEXP_CONTAINS", "IS_NAN", "LENGTH", "UNIX_MICROS"},
    "databricks": {"LENGTH", "MEDIAN", "PERCENTILE", "UNIX_MICROS"},
    "mysql": {"CHAR_LENGTH", "CONVERT", "DAYOFMONTH"},
    "redshift": {"REGEXP_INSTR", "LENGTH"},
    "snowflake": {"REGEXP_INSTR", "LENGTH", "MEDIAN"},
    "trino": {"REGEXP_LIKE", "IS_NAN", "LENGTH"},
}
# What sqlglot writes for these without a word, and they do not have; and ways to be told something else.
WRONG = {
    "bigquery": ("FILTER", "ESCAPE '", "NULLIF(`amount`"),
    "databricks": ("IS_NAN",),
    "mysql": ("FILTER", "IS_NAN", "REGEXP_LIKE", "PERCENTILE", "NULLS ", "||", '"'),
    "redshift": ("FILTER", "IS_NAN", "PERCENTILE_CONT", "REGEXP_LIKE"),
    "snowflake": ("FILTER", "IS_NAN", "REGEXP_LIKE", "RLIKE", "AS TIMESTAMP)"),
    "trino": ("PERCENTILE", "MEDIAN", "AS TIMESTAMP"),
}


def test_the_dialects_own_parser_reads_them_and_finds_nothing_it_lacks(dialect: str) -> None:
    reserved = {word.upper() for word in Dialect.get_or_raise(dialect).generator_class.RESERVED_KEYWORDS}
    reserved |= {"GROUPS", "ROWS", "RANK", "ROW"}
    for title, sql in statements(dialect).items():
        if sql.startswith("-- refused"):
            continue
        for tree in parse(sql, dialect=dialect):
            assert isinstance(tree, exp.Select), title
            names = {call.name.upper() for call in tree.find_all(exp.Anonymous)}
            assert names <= OWN[dialect], title
            plain = {name.name.upper() for name in tree.find_all(exp.Identifier) if not name.args.get("quoted")}
            assert not plain & reserved, title
        outside_texts = sql.replace(HARD, "")
        for wrong in WRONG[dialect]:
            assert wrong not in outside_texts or (wrong == '"' and "here" in sql), title


def test_what_is_refused_says_why() -> None:
    refused = {
        (dialect, title): sql
        for dialect in TYPES
        for title, sql in statements(dialect).items()
        if sql.startswith("-- refused") and title != "count: of a kind"
    }
    assert set(refused) == {
        ("bigquery", "count: regex with a look ahead"),
        ("snowflake", "count: regex with a look ahead"),
    }
    assert all("lacks or reads differently" in sql for sql in refused.values())


@pytest.mark.parametrize("soon", ["soon", "2013-02-30"])
def test_a_text_that_names_no_time_is_refused_where_it_would_be_read_as_one(dialect: str, soon: str) -> None:
    _, expressions = compiled(dialect)
    condition = p.Compare(p.Value("at"), "<", soon)
    if dialect in ("redshift", "snowflake"):  # which refuse it themselves
        assert f"'{soon}'" in expressions.sql(expressions.predicate(condition))
        return
    with pytest.raises(MeasureError, match="is no date or time such as"):
        expressions.predicate(condition)
