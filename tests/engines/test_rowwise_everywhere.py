"""Patterns, pairs, sets and types: the same data, the same answers on SQLite, DuckDB and PostgreSQL."""

from __future__ import annotations

import pytest

from airflow_dataops.core.relations import Relation
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

SALES = Relation(name="sales")


@pytest.fixture
def sales(db):
    """Yield a session in which there is a table ``sales`` of texts, numbers, times and nulls that add up or do not."""
    db.execute(
        "CREATE TABLE sales (code VARCHAR(20), net INTEGER, tax INTEGER, gross INTEGER, share DOUBLE PRECISION,"
        " day DATE, paid DATE, moment TIMESTAMP NULL, big BIGINT, price NUMERIC(10,2))"
    )
    nan = None if db.dialect in ("sqlite", "mysql") else float("nan")  # neither can keep one
    rows = [
        ("Ab1", 10, 2, 12, 0.5, "2013-01-01", "2013-01-01", "2013-01-01 10:00:00", 1, 1.5),
        ("ab2", 10, 2, 13, 0.5, "2013-01-02", "2013-01-03", "2013-01-01 10:00:00", 2, 1.5),
        ("50%_x", 5, 5, 10, None, "2013-01-03", None, "2013-01-01 10:00:00", 3, 1.5),
        ("a\\b", None, 1, 1, nan, None, None, None, 4, None),
        (None, None, None, None, None, None, None, None, None, None),
        ("*?[x]!", 7, 7, 7, 1.0, "2013-01-03", "2013-01-03", "2013-01-02 00:00:00", 2, 2.5),
    ]
    for row in rows:
        db.execute("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return db


def results_of(db, checks):
    """Return the results of all ``checks``, measured together, in their order."""
    suite = read_suite([{"type": kind, **kwargs} for kind, kwargs in checks])
    found = {id(result.check): result for result in judge(db, SALES, suite).results}
    return [found[id(check)] for check in suite]


def counts(result):
    return str(result.outcome), result.unexpected_count, result.element_count


def counted_as(db, expected):
    """Compare each check's outcome and counts with ``expected``, and the rows that its SELECT shows."""
    results = results_of(db, [(kind, kwargs) for kind, kwargs, _ in expected])
    told = [result.message for result in results]
    assert [counts(result) for result in results] == [wanted for _, _, wanted in expected], told
    for result in results:
        assert len(db.execute(result.failing_rows_sql)) == result.unexpected_count


LIKE = [
    ("ab%", None, 1),  # and not Ab1: upper and lower case are told apart
    ("%b_", None, 2),
    ("a_b", None, 1),
    ("%", None, 5),
    ("", None, 0),
    ("50!%!_x", "!", 1),
    ("50%_x", None, 1),
    ("%[x]%", None, 1),
    ("*%", None, 1),
    ("%!", None, 1),
    ("%!!", "!", 1),
    ("a\\\\b", "\\", 1),
    ("a\\b", "!", 1),
    ("%\\%%", "\\", 1),
]


def test_like_is_one_language(sales):
    asked = [{"column": "code", "like_pattern": pattern, "escape": escape} for pattern, escape, _ in LIKE]
    counted_as(
        sales,
        [
            *(
                ("column_values_to_match_like_pattern", {**kwargs, "mostly": 0}, ("PASS", 5 - matching, 5))
                for kwargs, (_, _, matching) in zip(asked, LIKE, strict=True)
            ),
            *(
                ("column_values_to_not_match_like_pattern", {**kwargs, "mostly": 0}, ("PASS", matching, 5))
                for kwargs, (_, _, matching) in zip(asked, LIKE, strict=True)
            ),
        ],
    )


PATTERNS = [
    ("match_like_pattern_list", {"like_pattern_list": ["a%", "A%"]}, ("FAIL", 2, 5)),
    ("match_like_pattern_list", {"like_pattern_list": ["a%", "%b_"], "match_on": "all"}, ("FAIL", 4, 5)),
    ("match_like_pattern_list", {"like_pattern_list": ["a%", "A%"], "mostly": 0.6}, ("PASS", 2, 5)),
    ("not_match_like_pattern_list", {"like_pattern_list": ["a%", "A%"]}, ("FAIL", 3, 5)),
    ("not_match_like_pattern_list", {"like_pattern_list": ["z%"]}, ("PASS", 0, 5)),
    ("match_regex_list", {"regex_list": ["^a", "^A"]}, ("FAIL", 2, 5)),
    ("match_regex_list", {"regex_list": ["^a", r"\d$"], "match_on": "all"}, ("FAIL", 4, 5)),
    ("not_match_regex_list", {"regex_list": ["^a", r"\d$"]}, ("FAIL", 3, 5)),
    ("match_regex", {}, ("PASS", 0, 5)),
    ("match_regex", {"regex": "^a", "row_condition": "big > 1"}, ("FAIL", 2, 4)),
    ("be_in_set", {"value_set": []}, ("FAIL", 5, 5)),
    ("not_be_in_set", {"value_set": []}, ("PASS", 0, 5)),
]


def test_patterns_and_sets_are_counted_the_same_everywhere(sales):
    counted_as(
        sales,
        [(f"column_values_to_{kind}", {"column": "code", **kwargs}, expected) for kind, kwargs, expected in PATTERNS],
    )


DAYS = {"column_A": "day", "column_B": "paid"}
AMOUNTS = ["net", "tax", "gross"]


ROWS = [
    (
        "column_pair_values_to_be_in_set",
        {"column_A": "net", "column_B": "tax", "value_pairs_set": [[10, 2], [7, 7], [10, 3]]},
        ("FAIL", 2, 5),
    ),
    (
        "column_pair_values_to_be_in_set",
        {"column_A": "net", "column_B": "tax", "value_pairs_set": [[10, 2], [None, 1], [5, 5], [7, 7]]},
        ("PASS", 0, 5),
    ),
    (
        "column_pair_values_to_be_in_set",
        {
            "column_A": "net",
            "column_B": "tax",
            "value_pairs_set": [[10, 2], [None, None]],
            "ignore_row_if": "neither",
        },
        ("FAIL", 3, 6),
    ),
    (
        "column_pair_values_to_be_in_set",
        {
            "column_A": "code",
            "column_B": "tax",
            "value_pairs_set": [["Ab1", 2], ["ab2", 5]],
            "ignore_row_if": "either_value_is_missing",
        },
        ("FAIL", 4, 5),
    ),
    (
        "column_pair_values_to_be_in_set",
        {**DAYS, "value_pairs_set": [["2013-01-01", "2013-01-01"], ["2013-01-03", None]]},
        ("FAIL", 2, 4),
    ),
    ("column_pair_values_to_be_in_set", {**DAYS, "value_pairs_set": []}, ("FAIL", 4, 4)),
    ("column_pair_values_to_be_equal", DAYS, ("FAIL", 2, 4)),
    ("multicolumn_values_to_be_equal", {"column_list": AMOUNTS}, ("FAIL", 4, 5)),
    ("multicolumn_values_to_be_equal", {"column_list": AMOUNTS, "ignore_row_if": "never"}, ("FAIL", 4, 6)),
    (
        "multicolumn_values_to_be_equal",
        {"column_list": AMOUNTS, "ignore_row_if": "any_value_is_missing"},
        ("FAIL", 3, 4),
    ),
    ("multicolumn_values_to_be_equal", {"column_list": ["day", "paid"], "mostly": 0.5}, ("PASS", 2, 4)),
    ("multicolumn_sum_to_equal", {"column_list": AMOUNTS, "sum_total": 24}, ("FAIL", 4, 5)),
    ("multicolumn_sum_to_equal", {"column_list": AMOUNTS, "sum_total": 24.0, "mostly": 0.2}, ("PASS", 4, 5)),
    (
        "multicolumn_sum_to_equal",
        {"column_list": ["net", "share"], "sum_total": 10.5, "ignore_row_if": "any_value_is_missing"},
        ("FAIL", 1, 3),
    ),
    ("multicolumn_sum_to_equal", {"column_list": ["net", "price"], "sum_total": 11.5}, ("FAIL", 2, 4)),
    (
        "select_column_values_to_be_unique_within_record",
        {"column_list": AMOUNTS, "row_condition": "gross > 0"},
        ("FAIL", 3, 5),
    ),
]


def test_columns_of_a_row_are_compared_the_same_everywhere(sales):
    counted_as(sales, ROWS)


def test_a_sum_may_be_larger_than_its_columns_type(db):
    db.execute("CREATE TABLE sales (a INTEGER, b INTEGER)")
    db.execute("INSERT INTO sales VALUES (2000000000, 2000000000)")
    kwargs = {"column_list": ["a", "b"], "sum_total": 4_000_000_000}
    counted_as(db, [("multicolumn_sum_to_equal", kwargs, ("PASS", 0, 1))])


SETS = [
    ("be_in_set", "net", [5, 7, 10, 11], "PASS", {"others": 0}),
    ("be_in_set", "net", [5], "FAIL", {"others": 2}),
    ("be_in_set", "net", [], "FAIL", {"others": 3}),
    ("be_in_set", "share", [0.5, 1], "PASS", {"others": 0}),
    ("contain_set", "net", [5, 10], "PASS", {"missing": []}),
    ("contain_set", "net", [5, 11, 12], "FAIL", {"missing": [11, 12]}),
    ("contain_set", "net", [], "PASS", {"missing": []}),
    ("contain_set", "share", [0.5, 2.5], "FAIL", {"missing": [2.5]}),
    ("contain_set", "day", ["2013-01-01", "2013-02-01"], "FAIL", {"missing": ["2013-02-01"]}),
    ("equal_set", "net", [10, 7, 5, 5.0], "PASS", {"missing": [], "others": 0}),
    ("equal_set", "net", [10, 7, 6], "FAIL", {"missing": [6], "others": 1}),
    ("equal_set", "code", ["Ab1", "AB2"], "FAIL", {"missing": ["AB2"], "others": 4}),
    ("equal_set", "day", ["2013-01-01", "2013-01-02", "2013-01-03"], "PASS", {"missing": [], "others": 0}),
]


def test_different_values_are_a_set_everywhere(sales):
    results = results_of(
        sales,
        [
            (f"column_distinct_values_to_{kind}", {"column": column, "value_set": value_set})
            for kind, column, value_set, _, _ in SETS
        ],
    )
    assert [(str(result.outcome), result.observed) for result in results] == [
        (outcome, observed) for *_, outcome, observed in SETS
    ], [result.message for result in results]


def test_a_set_of_thousands_is_looked_for_too(sales):
    wanted = list(range(3, 3003))
    (result,) = results_of(sales, [("column_distinct_values_to_contain_set", {"column": "big", "value_set": wanted})])
    assert result.outcome == "FAIL", result.message
    assert len(result.observed["missing"]) == 2998


TYPES = [
    ("code", ["VARCHAR", "str", "string", "object", "StringType", "TEXT", "String"]),
    ("net", ["INTEGER", "int", "int32", "IntegerType", "Integer"]),
    ("big", ["BIGINT", "int", "int64", "LongType", "BigInteger", "Int64"]),
    ("share", ["float64", "float", "DOUBLE PRECISION", "DOUBLE_PRECISION", "DoubleType", "Float"]),
    ("day", ["DATE", "date", "DateType", "object"]),
    ("moment", ["TIMESTAMP", "datetime64[ns]", "DateTime", "TimestampType", "datetime64"]),
    ("price", ["NUMERIC", "DECIMAL(10, 2)", "Decimal", "DecimalType", "Numeric", "NUMERIC(10,2)"]),
]
WRONG = ("bool", "BinaryType", "time", "mood")


def test_a_type_has_many_names(sales):
    kinds = ("column_values_to_be_of_type", "column_type_to_be")
    right = [(kind, {"column": column, "type_": name}) for column, names in TYPES for name in names for kind in kinds]
    right += [
        ("column_values_to_be_in_type_list", {"column": column, "type_list": ["bool", names[-1]], "mostly": 0.5})
        for column, names in TYPES
    ]
    wrong = [(kind, {"column": column, "type_": name}) for column, _ in TYPES for name in WRONG for kind in kinds]
    results = results_of(sales, [*right, *wrong])
    assert [result.message for result in results[: len(right)] if result.outcome != "PASS"] == []
    assert [result.message for result in results[len(right) :] if result.outcome != "FAIL"] == []
    assert "(mood is compared as the database's own word)" in results[-1].message


def test_widths_are_told_apart_where_the_database_does(sales):
    whole, exact = results_of(
        sales,
        [
            ("column_values_to_be_of_type", {"column": "net", "type_": "int64"}),
            ("column_values_to_be_of_type", {"column": "price", "type_": "NUMERIC(12, 2)"}),
        ],
    )
    assert whole.outcome == ("PASS" if sales.dialect == "sqlite" else "FAIL")
    assert exact.outcome == "FAIL"


def test_columns_of_different_kinds_are_not_compared(sales):
    results = results_of(
        sales,
        [
            ("column_pair_values_to_be_equal", {"column_A": "net", "column_B": "code"}),
            ("multicolumn_values_to_be_equal", {"column_list": ["net", "tax", "day"]}),
        ],
    )
    assert [str(result.outcome) for result in results] == ["FAIL", "FAIL"]
    if sales.dialect != "sqlite":
        assert all("so they cannot be compared" in result.message for result in results)
