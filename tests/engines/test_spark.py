"""Spark, in local mode and through Spark Connect: the same suites, measured in the cluster."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from datetime import UTC, datetime

import pytest
from test_contract import NUMBERS, ODD, ROWS

from airflow_dataops import validate
from airflow_dataops.core.errors import MeasureError, SuiteError
from airflow_dataops.core.occasions import Occasion
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.spark import from_session
from airflow_dataops.formats.suites import read_suite
from airflow_dataops.services.judging import judge

NOW = datetime(2013, 2, 2, 12, tzinfo=UTC)

ORDERS = [
    (1, "ann", 10.0, 10.0, "2013-01-01", 1),
    (2, "bob", 20.5, 20.0, "2013-01-02", 2),
    (3, "cyd", None, 5.0, "2013-01-03", None),
    (3, "cyd", float("nan"), 5.0, "2013-01-03", 4),
    (None, None, 500.0, None, None, 5),
    (6, "eve\n", -1.0, 0.0, "2013-02-01", 6),
]


def _session(kind, request):
    from pyspark.sql import SparkSession

    if kind == "connect":
        session = SparkSession.builder.remote(request.getfixturevalue("spark_connect_url")).create()
        session.conf.set("spark.sql.session.timeZone", "America/New_York")
        return session
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    # What Connect left in the process that asked for it first: everything after it would be remote.
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)
    builder = SparkSession.builder.appName("airflow-dataops")
    for name, value in {**settings, "spark.sql.session.timeZone": "America/New_York"}.items():
        builder = builder.config(name, value)
    return builder.master("local[2]").getOrCreate()


@pytest.fixture(scope="module", params=["local", "connect"])
def spark(request, java):
    """Yield a session in another zone than UTC, so that no zone can be mistaken for another."""
    logging.getLogger("py4j").setLevel(logging.WARNING)  # it talks at exit, when pytest has closed the log
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pyspark says of pandas
        session = _session(request.param, request)
        frame = session.createDataFrame(
            ORDERS, "id INT, customer STRING, amount DOUBLE, paid DOUBLE, day STRING, odd INT"
        )
        frame = frame.selectExpr("id", "customer", "amount", "paid", "CAST(day AS DATE) AS day", f"odd AS `{ODD}`")
        frame.createOrReplaceTempView("orders")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def orders(spark):
    """Return the session as an engine has it."""
    return from_session(spark)


@pytest.fixture(scope="module")
def gate(orders):
    """Return what one gate says of all cases of the engines' contract at once."""
    cases = [(kind, kwargs) for kind, kwargs, _ in ROWS] + [
        (kind, {**kwargs, "max_value": 1000}) for kind, kwargs, _ in NUMBERS
    ]
    checks = [{"type": kind, "name": str(index), **kwargs} for index, (kind, kwargs) in enumerate(cases)]
    return judge(orders, Relation(name="orders"), read_suite(checks))


def result(gate, index):
    return next(one for one in gate.results if one.check.name == str(index))


@pytest.mark.parametrize("index", range(len(ROWS)), ids=[kind for kind, *_ in ROWS])
def test_rows_are_counted_as_everywhere(gate, index):
    found = result(gate, index)
    assert (str(found.outcome), found.unexpected_count, found.element_count) == ROWS[index][2], found.message


@pytest.mark.parametrize("index", range(len(NUMBERS)), ids=[kind for kind, *_ in NUMBERS])
def test_numbers_are_as_everywhere(gate, index):
    found = result(gate, len(ROWS) + index)
    assert (str(found.outcome), found.observed) == ("PASS", NUMBERS[index][2])


def test_one_scan_for_all_that_is_counted(gate):
    plain = [statement for statement in gate.statements if "GROUP BY" not in statement.sql]
    assert max(statement.metrics for statement in plain) > 30
    assert len(gate.statements) < len(gate.results) / 2


CASES = [
    ({"type": "column_values_to_match_regex", "column": "customer", "regex": r"^[a-z]{3}$"}, "FAIL", 1),
    ({"type": "column_values_to_match_regex", "column": "customer", "regex": r"\bann\b|^b|^cyd|eve"}, "PASS", 0),
    ({"type": "column_values_to_match_regex", "column": "customer", "regex": r"^(?!ann)[^&]+."}, "FAIL", 1),
    ({"type": "column_values_to_match_like_pattern", "column": "customer", "like_pattern": "A%"}, "FAIL", 5),
    ({"type": "column_values_to_match_like_pattern", "column": "customer", "like_pattern": "___%"}, "PASS", 0),
    ({"type": "column_values_to_be_in_set", "column": "customer", "value_set": ["it's", "a\\d", "ann"]}, "FAIL", 4),
    ({"type": "rows_to_meet_condition", "condition": "paid >= 0 OR paid IS NULL"}, "PASS", 0),
    ({"type": "column_values_to_be_unique_within_partition", "column": "id", "partition_by": "customer"}, "FAIL", 2),
    (
        {"type": "column_values_to_be_increasing", "column": "paid", "order_by": "day", "row_condition": "id < 3"},
        "PASS",
        0,
    ),
    (
        {"type": "column_value_z_scores_to_be_less_than", "column": "amount", "threshold": 1.4, "double_sided": True},
        "FAIL",
        1,
    ),
    ({"type": "column_newest_value_to_be_recent", "column": "day", "max_age": "36 h"}, "PASS", None),
    ({"type": "column_stdev_to_be_between", "column": "paid", "min_value": 7.5, "max_value": 7.6}, "PASS", None),
    (
        {
            "type": "column_quantile_values_to_be_between",
            "column": "paid",
            "quantile_ranges": {"quantiles": [0.25, 0.5], "value_ranges": [[5, 5], [5, 5]]},
        },
        "PASS",
        None,
    ),
    ({"type": "column_most_common_value_to_be_in_set", "column": "customer", "value_set": ["cyd"]}, "PASS", None),
    ({"type": "column_values_to_be_of_type", "column": "customer", "type_": "StringType"}, "PASS", None),
    ({"type": "column_values_to_match_regex", "column": "customer", "regex": r"^[a[b]"}, "ERROR", None),
    ({"type": "rows_to_meet_condition", "condition": "nothing > 1"}, "ERROR", None),
]


@pytest.fixture(scope="module")
def other(orders):
    checks = [{**check, "name": str(index)} for index, (check, *_) in enumerate(CASES)]
    return judge(orders, Relation(name="orders"), read_suite(checks), occasion=Occasion(now=NOW), samples=3)


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case[0]["type"] for case in CASES])
def test_what_spark_has_its_own_words_for(other, index):
    _, outcome, broken = CASES[index]
    found = result(other, index)
    assert (str(found.outcome), found.unexpected_count) == (outcome, broken), found.message
    assert len(found.samples) == min(broken or 0, 3)


def test_rows_in_a_cluster_have_no_order(orders):
    with pytest.raises(SuiteError, match="order_by"):
        judge(orders, Relation(name="orders"), read_suite([{"type": "column_values_to_be_increasing", "column": "id"}]))


def test_a_frame_is_judged_in_its_own_session_and_leaves_nothing(spark):
    frame = spark.table("orders").where("id IS NOT NULL")
    gate = validate(frame, [{"type": "column_values_to_not_be_null", "column": "id"}])
    assert (str(gate.verdict), gate.source, gate.row_count) == ("PASS", "Spark DataFrame", 5)
    assert [table.name for table in spark.catalog.listTables() if table.name.startswith("dataops_")] == []


def test_a_table_of_the_session(spark):
    checks = [{"type": "table_row_count_to_equal", "value": 2}]
    assert validate("orders", checks, connection=spark, where="id = 3").passed
    assert validate("SELECT * FROM orders WHERE id = 3", checks, connection=spark).passed
    (missing,) = validate("no_such_table", checks, connection=spark).results
    assert (str(missing.outcome), missing.message) == (
        "ERROR",
        "table: could not be measured: there is no table no_such_table",
    )


def test_times_keep_their_zone(spark):
    spark.sql("SELECT TIMESTAMP '2013-01-01 12:00:00+00:00' AS at, TIMESTAMP_NTZ '2013-01-01 12:00:00' AS clock")
    frame = spark.sql(
        "SELECT TIMESTAMP '2013-01-01 12:00:00+00:00' AS at, TIMESTAMP_NTZ '2013-01-01 12:00:00' AS clock"
    )
    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    checks = [
        {"type": "column_max_to_be_between", "column": "at", "min_value": noon, "max_value": noon},
        {"type": "column_values_to_be_between", "column": "at", "min_value": noon, "max_value": noon},
        {"type": "column_max_to_be_between", "column": "clock", "min_value": "2013-01-01T12:00:00"},
        {"type": "column_values_to_be_between", "column": "clock", "max_value": "2013-01-01T12:00:00"},
    ]
    assert validate(frame, checks).complaints() == ()


def test_no_row_is_collected_and_no_value_told(spark):
    frame = spark.sql("SELECT 'secret-1' AS v")
    (found,) = validate(frame, [{"type": "rows_to_meet_condition", "condition": "CAST(v AS INT) > 1"}]).results
    assert (str(found.outcome), "secret" in found.message) == ("ERROR", False), found.message


def test_a_running_statement_can_be_cancelled(spark):
    db = from_session(spark)
    stopper = threading.Timer(2.0, db.cancel)
    stopper.start()
    started = time.monotonic()
    with pytest.raises(MeasureError) as stopped:
        db.execute("SELECT COUNT(*) FROM range(90000000000) WHERE id % 7 = hash(id)")
    assert time.monotonic() - started < 60
    assert "cancel" in str(stopped.value).lower()
    assert stopped.value.retryable
