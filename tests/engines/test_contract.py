"""One contract for measuring and judging, on SQLite, DuckDB and PostgreSQL: the same data, the same answers."""

from __future__ import annotations

import contextlib

import pytest

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.relations import Relation
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

ORDERS = Relation(name="orders")
ODD = 'odd " name; --'


def result_of(db, kind, /, source=ORDERS, **kwargs):
    (result,) = judge(db, source, read_suite([{"type": kind, **kwargs}])).results
    return result


def counts(result):
    return str(result.outcome), result.unexpected_count, result.element_count


ROWS = [
    ("column_values_to_not_be_null", {"column": "amount"}, ("FAIL", 2, 6)),
    ("column_values_to_not_be_null", {"column": "amount", "mostly": 0.6}, ("PASS", 2, 6)),
    ("column_values_to_be_null", {"column": "amount"}, ("FAIL", 4, 6)),
    ("column_values_to_be_between", {"column": "amount", "min_value": 0, "max_value": 100}, ("FAIL", 2, 4)),
    ("column_values_to_be_between", {"column": "amount", "min_value": -1, "strict_min": True}, ("FAIL", 1, 4)),
    ("column_values_to_be_between", {"column": "amount", "max_value": 20.5}, ("FAIL", 1, 4)),
    ("column_values_to_be_between", {"column": "day", "max_value": "2013-01-31"}, ("FAIL", 1, 5)),
    ("column_values_to_be_in_set", {"column": "customer", "value_set": ["ann", "bob"]}, ("FAIL", 3, 5)),
    ("column_values_to_not_be_in_set", {"column": "id", "value_set": [3]}, ("FAIL", 2, 5)),
    ("column_values_to_match_regex", {"column": "customer", "regex": r"^\w+$"}, ("FAIL", 1, 5)),
    ("column_values_to_not_match_regex", {"column": "customer", "regex": "^[ab]"}, ("FAIL", 2, 5)),
    ("column_value_lengths_to_equal", {"column": "customer", "value": 3}, ("FAIL", 1, 5)),
    ("column_value_lengths_to_be_between", {"column": "customer", "max_value": 4}, ("PASS", 0, 5)),
    ("column_values_to_be_unique", {"column": "id"}, ("FAIL", 2, 5)),
    ("column_values_to_be_unique", {"column": "paid"}, ("FAIL", 2, 5)),
    ("column_values_to_be_unique", {"column": "amount"}, ("PASS", 0, 4)),
    ("compound_columns_to_be_unique", {"column_list": ["id", "customer"]}, ("FAIL", 2, 5)),
    ("compound_columns_to_be_unique", {"column_list": ["id", "amount"]}, ("FAIL", 2, 6)),
    (
        "select_column_values_to_be_unique_within_record",
        {"column_list": ["amount", "paid"]},
        ("FAIL", 1, 6),
    ),
    (
        "column_pair_values_a_to_be_greater_than_b",
        {"column_A": "amount", "column_B": "paid", "or_equal": True},
        ("FAIL", 4, 6),
    ),
    (
        "column_pair_values_a_to_be_greater_than_b",
        {"column_A": "amount", "column_B": "paid", "ignore_row_if": "either_value_is_missing"},
        ("FAIL", 2, 3),
    ),
    ("column_pair_values_to_be_equal", {"column_A": "amount", "column_B": "paid"}, ("FAIL", 5, 6)),
    ("column_values_to_not_be_null", {"column": "amount", "row_condition": "id > 2"}, ("FAIL", 2, 3)),
    (
        "column_values_to_be_between",
        {"column": "amount", "min_value": 0, "row_condition": 'col("customer").notNull() and paid < 20'},
        ("FAIL", 1, 2),
    ),
    ("column_values_to_be_between", {"column": ODD, "max_value": 5}, ("FAIL", 1, 5)),
    ("column_values_to_not_be_null", {"column": "AMOUNT", "mostly": 0.5}, ("PASS", 2, 6)),
]


NUMBERS = [
    ("column_mean_to_be_between", {"column": "amount"}, 132.375),
    ("column_mean_to_be_between", {"column": "id"}, 3.0),
    ("column_median_to_be_between", {"column": "amount"}, 15.25),
    ("column_min_to_be_between", {"column": "amount"}, -1.0),
    ("column_max_to_be_between", {"column": "amount"}, 500.0),
    ("column_sum_to_be_between", {"column": "id"}, 15),
    ("column_unique_value_count_to_be_between", {"column": "id"}, 4),
    ("column_unique_value_count_to_be_between", {"column": "customer"}, 4),
    ("column_proportion_of_unique_values_to_be_between", {"column": "id"}, 0.8),
    ("column_proportion_of_non_null_values_to_be_between", {"column": "amount"}, pytest.approx(4 / 6)),
    ("column_mean_to_be_between", {"column": "amount", "row_condition": "amount < 100"}, pytest.approx(29.5 / 3)),
]


@pytest.mark.parametrize(("kind", "kwargs", "expected"), ROWS)
def test_rows_are_counted_the_same_everywhere(orders, kind, kwargs, expected):
    result = result_of(orders, kind, **kwargs)
    assert counts(result) == expected
    shown = orders.execute(result.failing_rows_sql)
    assert len(shown) == result.unexpected_count


@pytest.mark.parametrize(("kind", "kwargs", "observed"), NUMBERS)
def test_numbers_are_the_same_everywhere(orders, kind, kwargs, observed):
    result = result_of(orders, kind, max_value=1000, **kwargs)
    assert (str(result.outcome), result.observed) == ("PASS", observed)


def test_times_have_a_latest_one(orders):
    assert result_of(orders, "column_max_to_be_between", column="day", min_value="2013-02-01").outcome == "PASS"
    assert result_of(orders, "column_max_to_be_between", column="day", min_value="2013-02-02").outcome == "FAIL"


def test_the_mean_of_text_is_a_failure_and_never_zero(orders):
    result = result_of(orders, "column_mean_to_be_between", column="customer", min_value=0)
    assert result.outcome == "FAIL"
    assert "number is needed" in result.message


def test_a_select_and_a_condition_are_sources_too(orders):
    suite = read_suite([{"type": "table_row_count_to_equal", "value": 2}])
    assert judge(orders, "SELECT id FROM orders WHERE id = 3 -- the third", suite).passed
    assert judge(orders, ORDERS, suite, where="id = 3 -- the third").passed
    assert judge(orders, ORDERS, suite, where="id = 3").source == "table orders where id = 3"


@pytest.mark.parametrize(
    "where", ["1 = 1) OR (1 = 1", "1 = 1; DROP TABLE orders", "(1 = 1", "'open", "", "1 = 1)) -- "]
)
def test_a_condition_is_one_expression(orders, where):
    suite = read_suite([{"type": "table_row_count_to_equal", "value": 6}])
    with pytest.raises(ConfigurationError, match="where"):
        judge(orders, ORDERS, suite, where=where)
    assert judge(orders, ORDERS, suite).passed


def test_a_query_only_reads(orders):
    suite = read_suite([{"type": "table_row_count_to_equal", "value": 6}])
    with pytest.raises(ConfigurationError, match="query must be a SELECT, got 'DELETE'"):
        judge(orders, "DELETE FROM orders", suite)
    assert judge(orders, ORDERS, suite).passed


def test_a_table_that_is_not_there_could_not_be_measured(db):
    result = result_of(db, "column_values_to_not_be_null", column="a", source=Relation(name='no"such; table'))
    assert result.outcome == "ERROR"
    assert result.message == 'a: could not be measured: there is no table no"such; table'


def test_refused_metrics_do_not_sink_the_others(orders):
    suite = read_suite(
        [
            {"type": "column_values_to_match_regex", "column": "customer", "regex": "a{1,400}"},
            {"type": "column_values_to_be_between", "column": "day", "max_value": "soon"},
            {"type": "column_values_to_not_be_null", "column": "id", "mostly": 0.5},
            {"type": "column_mean_to_be_between", "column": "amount", "min_value": 1},
            {"type": "column_values_to_be_unique", "column": "customer", "mostly": 0.1},
        ]
    )
    gate = judge(orders, ORDERS, suite, fingerprint=True)
    regex, between, *others = (next(r for r in gate.results if r.check == check) for check in suite)
    # PostgreSQL counts repetitions to 255 only; SQLite compares days as text.
    assert regex.outcome == ("ERROR" if orders.dialect == "postgres" else "FAIL")
    assert between.outcome == ("PASS" if orders.dialect == "sqlite" else "ERROR")
    for result in (regex, between):
        assert (result.outcome == "ERROR") == ("could not be measured: " in result.message)
    assert [str(result.outcome) for result in others] == ["PASS"] * 3
    assert gate.fingerprint
    assert not gate.retryable


@pytest.mark.parametrize(
    ("pattern", "refused_by"),
    [
        (r"\bann\b", ()),
        (r"(?P<first>a)nn", ()),
        (r"^(?=a)", ("duckdb",)),
        (r"(?<=a)n", ("duckdb", "postgres")),
        (r"(a)nn\1", ("duckdb", "postgres")),
        (r"\x61nn", ("duckdb", "postgres", "mysql")),
        (r"[[:alpha:]]", ("duckdb", "postgres", "mysql")),
        (r"(?i)ANN", ()),
        (r"a.n", ()),
        (r"^ann\Z", ()),
        (r"[\w-]{3}", ()),
    ],
)
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_a_pattern_means_the_same_or_is_refused(orders, pattern, refused_by):
    result = result_of(orders, "column_values_to_match_regex", column="customer", regex=pattern, mostly=0.2)
    if orders.dialect in refused_by:
        assert result.outcome == "ERROR"
        assert "lacks or reads differently" in result.message
    else:
        held = {r"(a)nn\1": "FAIL", r"[[:alpha:]]": "FAIL", r"(?<=a)n": "PASS"}
        assert result.outcome == held.get(pattern, "PASS")


def test_samples_are_kept_only_when_asked_for(orders):
    suite = read_suite([{"type": "column_values_to_be_between", "column": "amount", "max_value": 100}])
    (without,) = judge(orders, ORDERS, suite).results
    assert without.samples == ()
    (result,) = judge(orders, ORDERS, suite, samples=5).results
    assert [sample["amount"] for sample in result.samples] == [500.0]
    assert "500" not in result.message


def test_a_suite_without_a_check_is_an_error(orders):
    assert judge(orders, ORDERS, read_suite([])).verdict == "ERROR"


def test_results_are_json(orders):
    from airflow_dataops.core.results import GateResult

    suite = read_suite([{"type": "column_max_to_be_between", "column": "day", "min_value": "2013-01-01"}])
    gate = judge(orders, ORDERS, suite, fingerprint=True, samples=2)
    again = GateResult.from_dict(gate.to_dict())
    assert again.to_dict() == gate.to_dict()


def test_a_table_may_have_columns_named_as_ours(db):
    db.execute("CREATE TABLE named (data INTEGER, times INTEGER, groups INTEGER, value INTEGER, members INTEGER)")
    for _ in range(2):
        db.execute("INSERT INTO named VALUES (1, 1, 1, 1, 1)")
    for column in ("data", "times", "groups", "value", "members"):
        result = result_of(db, "column_values_to_be_unique", column=column, source=Relation(name="named"))
        assert counts(result) == ("FAIL", 2, 2)
        assert len(db.execute(result.failing_rows_sql)) == 2


def test_an_unknown_policy_is_refused(orders):
    with pytest.raises(ConfigurationError, match="on_empty is 'ignore'; expected one of fail, warn, pass"):
        judge(orders, ORDERS, read_suite([]), on_empty="ignore")


def test_what_another_session_has_locked_is_an_error_that_may_go_by(connect, orders):
    if orders.dialect == "postgres":
        orders.execute("SET lock_timeout = '50ms'")
    suite = read_suite([{"type": "column_values_to_not_be_null", "column": "paid", "mostly": 0.5}])
    with contextlib.closing(connect()) as other, other.transaction():
        other.execute("ALTER TABLE orders ADD COLUMN extra INTEGER")
        gate = judge(orders, ORDERS, suite)
    if orders.dialect == "postgres":
        assert (gate.verdict, gate.retryable) == ("ERROR", True)
        assert "canceling statement due to lock timeout" in gate.results[0].message
    else:  # a writer's lock keeps no reader out
        assert gate.passed
    assert judge(orders, ORDERS, suite).passed
