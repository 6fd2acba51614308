from __future__ import annotations

from datetime import datetime

import pytest

from airflow_dataops.core.conditions import read_condition
from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.predicates import And, Compare, InSet, IsNull, Not, Or, Value

X_ABOVE_5 = Compare(Value("x"), ">", 5)


@pytest.mark.parametrize(
    ("written", "predicate"),
    [
        (None, None),
        ("", None),
        ('col("x") > 5', X_ABOVE_5),
        ('col("x").notNull()', Not(IsNull("x"))),
        ('col("x").notnull()', Not(IsNull("x"))),
        ('col("odd name") == "a"', Compare(Value("odd name"), "=", "a")),
        ('col("t") >= date("2013-01-01")', Compare(Value("t"), ">=", datetime(2013, 1, 1))),
        ("x > 5", X_ABOVE_5),
        ("5 < x", X_ABOVE_5),
        ("x > -5", Compare(Value("x"), ">", -5)),
        ("`odd name` != 2", Compare(Value("odd name"), "<>", 2)),
        ("x > 5 and y == 'a'", And((X_ABOVE_5, Compare(Value("y"), "=", "a")))),
        ("(x > 5) & (y <= z)", And((X_ABOVE_5, Compare(Value("y"), "<=", Value("z"))))),
        ("x > 5 or not y.isnull()", Or((X_ABOVE_5, Not(IsNull("y"))))),
        ("1 < x <= 5", And((Compare(Value("x"), ">", 1), Compare(Value("x"), "<=", 5)))),
        ("x > 5 & y == 'a'", And((X_ABOVE_5, Compare(Value("y"), "=", "a")))),
        ("x > 5 | y.isnull()", Or((X_ABOVE_5, IsNull("y")))),
        ("x > 5 AND y = 'a'", And((X_ABOVE_5, Compare(Value("y"), "=", "a")))),
        ("x <> 5 OR NOT y IS NULL", Or((Compare(Value("x"), "<>", 5), Not(IsNull("y"))))),
        ("`odd name` is not null", Not(IsNull("odd name"))),
        ("x IN (5) and y NOT IN ('and', 'is null')", And((InSet("x", (5,)), Not(InSet("y", ("and", "is null")))))),
        ("x = 'it''s' and y = true", And((Compare(Value("x"), "=", "it's"), Compare(Value("y"), "=", True)))),
        ("x == '' and y != ''", And((Compare(Value("x"), "=", ""), Compare(Value("y"), "<>", "")))),
        ("x in [1, 2]", InSet("x", (1, 2))),
        ("x not in (1, 2)", Not(InSet("x", (1, 2)))),
        ({"type": "comparison", "column": {"name": "x"}, "operator": ">", "parameter": 5}, X_ABOVE_5),
        ({"type": "nullity", "column": {"name": "x"}, "is_null": False}, Not(IsNull("x"))),
        ({"type": "comparison", "column": {"name": "x"}, "operator": "IN", "parameter": [1]}, InSet("x", (1,))),
        (
            {
                "type": "or",
                "conditions": [
                    {"type": "comparison", "column": {"name": "x"}, "operator": ">", "parameter": 5},
                    {"type": "pass_through", "pass_through_filter": "y == 1"},
                ],
            },
            Or((X_ABOVE_5, Compare(Value("y"), "=", 1))),
        ),
    ],
)
def test_reads_what_gx_and_pandas_write(written, predicate):
    assert read_condition(written) == predicate


@pytest.mark.parametrize(
    "written",
    [
        "x",
        "x + 1 > 5",
        "x.str.startswith('a')",
        "__import__('os').system('true')",
        "x > 5; y > 1",
        "x > ",
        "x == None",
        "x is 5",
        "x & 1 = 1",
        "x <=> 5",
        "x between 1 and 3",
        "x like 'a%'",
        "x in []",
        "x in y",
        "@value > 5",
        'col("t") > date("tomorrow")',
        {"type": "comparison", "column": {"name": "x"}, "operator": "~", "parameter": 5},
        {"type": "unknown"},
        {"conditions": []},
        5,
    ],
)
def test_refuses_what_would_mean_something_else_elsewhere(written):
    with pytest.raises(SuiteError, match="row_condition"):
        read_condition(written)
