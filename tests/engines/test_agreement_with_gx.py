"""The same checks on the same frame: Great Expectations and we say the same, or the difference is named here.

Named differences: data without a row fails (GX passes most checks on it), and a column that is missing or of the wrong
type is a failure with a reason (GX has an exception).
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from airflow_dataops import validate
from airflow_dataops.formats.suites import read_suite

FRAME = pd.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6, 7, 8],
        "twice": [1.0, 1.0, 2.0, np.nan, np.nan, 3.0, 4.0, 4.0],
        "amount": [10.0, -5.5, np.nan, 100.0, 0.0, 20.25, np.nan, 7.0],
        "paid": [10.0, -6.0, np.nan, 101.0, np.nan, 20.25, 1.0, 6.0],
        "name": ["ann", "bob", None, "cyd", "al", "bob", "x", "eve9"],
        "flag": [True, False, True, True, False, True, True, True],
        "nothing": pd.Series([np.nan] * 8, dtype="float64"),
        "day": pd.to_datetime(["2013-01-01", "2013-01-02", None] + ["2013-02-03"] * 5),
    }
)


def check(kind, **kwargs):
    return {"type": f"expect_{kind}", "kwargs": kwargs}


CONDITION = 'col("id") > 3'
STORED_CONDITION = {
    "type": "and",
    "conditions": [
        {"type": "comparison", "column": {"name": "id"}, "operator": ">", "parameter": 2},
        {"type": "nullity", "column": {"name": "amount"}, "is_null": False},
    ],
}
CHECKS = [
    check("table_row_count_to_equal", value=8),
    check("table_row_count_to_be_between", min_value=9),
    check("table_column_count_to_equal", value=8),
    check("table_column_count_to_be_between", max_value=7),
    check("table_columns_to_match_set", column_set=["id", "day"], exact_match=False),
    check("table_columns_to_match_set", column_set=["id", "day"]),
    check("table_columns_to_match_ordered_list", column_list=list(FRAME.columns)),
    check("table_columns_to_match_ordered_list", column_list=list(FRAME.columns)[::-1]),
    check("column_to_exist", column="id"),
    check("column_to_exist", column="id", column_index=1),
    check("column_to_exist", column="none"),
    *(check("column_values_to_not_be_null", column=column) for column in ("id", "amount", "name", "nothing", "day")),
    check("column_values_to_not_be_null", column="amount", mostly=0.75),
    check("column_values_to_not_be_null", column="amount", mostly=0.76),
    check("column_values_to_be_null", column="nothing"),
    check("column_values_to_be_null", column="amount", mostly=0.25),
    check("column_values_to_be_unique", column="id"),
    check("column_values_to_be_unique", column="twice"),
    check("column_values_to_be_unique", column="twice", mostly=0.3),
    check("column_values_to_be_unique", column="name"),
    check("compound_columns_to_be_unique", column_list=["twice", "flag"]),
    check("compound_columns_to_be_unique", column_list=["twice", "id"]),
    check("compound_columns_to_be_unique", column_list=["twice", "name"]),
    check("compound_columns_to_be_unique", column_list=["twice", "flag"], ignore_row_if="any_value_is_missing"),
    check("select_column_values_to_be_unique_within_record", column_list=["amount", "paid"]),
    check("column_values_to_be_between", column="amount", min_value=0, max_value=50),
    check("column_values_to_be_between", column="amount", min_value=-5.5, max_value=100),
    check("column_values_to_be_between", column="amount", min_value=-5.5, strict_min=True),
    check("column_values_to_be_between", column="amount", max_value=100, strict_max=True, mostly=0.8),
    check("column_values_to_be_between", column="nothing", min_value=1),
    check("column_values_to_be_in_set", column="name", value_set=["ann", "bob", "cyd", "al", "x"]),
    check("column_values_to_be_in_set", column="name", value_set=["ann", "bob", "cyd", "al", "x"], mostly=0.85),
    check("column_values_to_be_in_set", column="amount", value_set=[10, -5.5, 100]),
    check("column_values_to_be_in_set", column="flag", value_set=[True, False]),
    check("column_values_to_not_be_in_set", column="name", value_set=["bob"]),
    check("column_values_to_not_be_in_set", column="amount", value_set=[1, 2]),
    check("column_values_to_match_regex", column="name", regex=r"^[a-z]+$"),
    check("column_values_to_match_regex", column="name", regex=r"\w{2}"),
    check("column_values_to_match_regex", column="name", regex="[xb]", mostly=0.4),
    check("column_values_to_not_match_regex", column="name", regex=r"\d"),
    check("column_value_lengths_to_equal", column="name", value=3, mostly=0.5),
    check("column_value_lengths_to_be_between", column="name", min_value=2, max_value=4),
    check("column_value_lengths_to_be_between", column="name", min_value=1, strict_min=True),
    check("column_pair_values_a_to_be_greater_than_b", column_A="amount", column_B="paid"),
    check("column_pair_values_a_to_be_greater_than_b", column_A="amount", column_B="paid", or_equal=True, mostly=0.5),
    check(
        "column_pair_values_a_to_be_greater_than_b",
        column_A="amount",
        column_B="paid",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
    ),
    check("column_pair_values_to_be_equal", column_A="amount", column_B="paid"),
    check("column_pair_values_to_be_equal", column_A="id", column_B="id"),
    *(
        check(f"column_{number}_to_be_between", column="amount", min_value=low, max_value=21.96)
        for number in ("mean", "median", "min", "max", "sum")
        for low in (-10, 8)
    ),
    check("column_mean_to_be_between", column="id", min_value=4.5, strict_min=True),
    *(check("column_stdev_to_be_between", column="amount", min_value=low) for low in (30, 39.9)),
    check("column_stdev_to_be_between", column="nothing", min_value=0),
    check(
        "column_stdev_to_be_between", column="amount", min_value=0, row_condition="id == 2", condition_parser="pandas"
    ),
    *(
        check(
            "column_quantile_values_to_be_between",
            column=column,
            quantile_ranges={"quantiles": [0, 0.3, 0.5, 0.7, 1], "value_ranges": ranges},
            **kwargs,
        )
        for column, ranges in (
            ("amount", [[-5.5, 0], [0, 7], [None, 8.5], [10, 20], [99.9901, None]]),
            ("twice", [[1, 1], [1, 1], [2, 2], [3.00029, 4], [None, None]]),
            ("nothing", [[None, None]] * 5),
        )
        for kwargs in ({}, *({"allow_relative_error": m} for m in ("linear", "lower", "higher", "midpoint")))
    ),
    *(
        check("column_value_z_scores_to_be_less_than", column=column, threshold=limit, double_sided=sides, mostly=share)
        for column in ("amount", "nothing", "id")
        for limit in (0.3, -0.4, 2)
        for sides in (True, False)
        for share in (0.5, 1)
    ),
    *(
        check("column_values_to_not_be_outliers", column=column, method=method, multiplier=times)
        for column in ("amount", "twice", "nothing")
        for method in ("iqr", "std")
        for times in (0, 0.5, 1.5)
    ),
    *(
        check("column_most_common_value_to_be_in_set", column=column, value_set=values, ties_okay=okay)
        for column, values in (
            ("name", ["bob", "ann"]),
            ("name", ["ann"]),
            ("twice", [1, 2]),
            ("twice", [1.0, 4.0]),
            ("twice", [7]),
            ("flag", [True]),
            ("nothing", [1]),
        )
        for okay in (None, False, True)
    ),
    *(
        check(f"column_values_to_be_{way}", column=column, strictly=strictly, mostly=share)
        for column in ("id", "twice", "amount", "day", "nothing")
        for way in ("increasing", "decreasing")
        for strictly in (True, False)
        for share in (0.5, 1)
    ),
    check("column_values_to_be_increasing", column="amount", row_condition=STORED_CONDITION),
    check("column_mean_to_be_between", column="nothing", min_value=1),
    check("column_unique_value_count_to_be_between", column="twice", min_value=4, max_value=4),
    check("column_unique_value_count_to_be_between", column="name", max_value=5),
    check("column_proportion_of_unique_values_to_be_between", column="twice", min_value=0.6, max_value=0.7),
    check("column_proportion_of_unique_values_to_be_between", column="nothing", min_value=0.1),
    check("column_proportion_of_non_null_values_to_be_between", column="amount", min_value=0.75),
    check(
        "column_values_to_not_be_null", column="amount", row_condition=CONDITION, condition_parser="great_expectations"
    ),
    check("column_values_to_not_be_null", column="amount", row_condition="id > 3", condition_parser="pandas"),
    check("column_values_to_be_unique", column="name", row_condition="id < 5 and id != 1", condition_parser="pandas"),
    check("column_values_to_be_between", column="amount", min_value=1, row_condition=STORED_CONDITION),
    check("column_mean_to_be_between", column="amount", min_value=30, row_condition=STORED_CONDITION),
    check("column_values_to_be_in_set", column="name", value_set=["al", "x"], row_condition=STORED_CONDITION),
]


@pytest.fixture(scope="module")
def theirs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what GX imports and how it calls pandas
        import great_expectations as gx
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        batch = (
            context.data_sources.add_pandas("pandas")
            .add_dataframe_asset("frame")
            .add_batch_definition_whole_dataframe("all")
            .get_batch({"dataframe": FRAME})
        )
        suite = gx.ExpectationSuite(
            name="agreement",
            expectations=[
                ExpectationConfiguration(**one, meta={"index": index}).to_domain_obj()
                for index, one in enumerate(CHECKS)
            ],
        )
        results = [result.to_json_dict() for result in batch.validate(suite, result_format="COMPLETE").results]
        return {result["expectation_config"]["meta"]["index"]: result for result in results}


@pytest.mark.parametrize("index", range(len(CHECKS)), ids=[one["type"].removeprefix("expect_") for one in CHECKS])
def test_gx_says_the_same(theirs, index):
    written, gx_result = CHECKS[index], theirs[index]
    (ours,) = validate(FRAME, read_suite([written])).results
    found = gx_result["result"]
    assert (str(ours.outcome) == "PASS") == gx_result["success"], (ours.message, found)
    if ours.unexpected_count is not None:
        missing = found.get("missing_count") or 0
        assert (ours.unexpected_count, ours.element_count) == (
            found["unexpected_count"],
            found["element_count"] - missing,
        )
    elif isinstance(ours.observed, int | float):
        assert ours.observed == pytest.approx(found["observed_value"])
