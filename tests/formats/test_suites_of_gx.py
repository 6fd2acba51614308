"""Whatever suite Great Expectations loads, we read: every type it ships, with every argument it takes."""

from __future__ import annotations

import warnings

import pytest

from airflow_dataops.core.errors import SuiteError
from airflow_dataops.core.vocabulary import VOCABULARY
from airflow_dataops.formats.suites import read_suite

pytestmark = pytest.mark.filterwarnings("ignore:.* parameter is deprecated as of GX Core:DeprecationWarning")

# What a type's arguments can be, by their names.
VALUES = {
    "column": "a",
    "column_A": "a",
    "column_B": "b",
    "column_list": ["a", "b"],
    "column_set": ["a", "b"],
    "column_index": 0,
    "mostly": 0.9,
    "row_condition": 'col("x") > 5',
    "condition_parser": "great_expectations",
    "value_set": [1, 2],
    "value_pairs_set": [(1, "x"), (2, None)],
    "min_value": 1,
    "max_value": 5,
    "strict_min": True,
    "strict_max": True,
    "value": 3,
    "regex": "^a",
    "regex_list": ["^a", "b$"],
    "like_pattern": "50!%",
    "like_pattern_list": ["50!%", "a_"],
    "escape": "!",
    "match_on": "all",
    "sum_total": 5,
    "type_": "int64",
    "type_list": ["int64", "INTEGER"],
    "or_equal": True,
    "exact_match": False,
    "threshold": 3,
    "double_sided": True,
    "ties_okay": True,
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2]]},
    "allow_relative_error": False,
    "method": "std",
    "multiplier": 3,
    "strftime_format": "%Y",
    "json_schema": {"type": "object"},
    "partition_object": {"bins": [0, 1, 2], "weights": [0.5, 0.4], "tail_weights": [0.05, 0.05]},
    "internal_weight_holdout": 0.1,
    "tail_weight_holdout": 0,
    "bucketize_data": True,
    "strictly": True,
    "base_query": "SELECT 1",
    "comparison_query": "SELECT 1",
    "comparison_data_source_name": "other",
    "other_table_name": "other",
    "unexpected_rows_query": "SELECT * FROM {batch} WHERE a > 1",
}
IGNORES = {"column_A": "either_value_is_missing", "column_list": "any_value_is_missing"}
# What says how an expectation is shown and not what it asks.
ABOUT = {
    *("id", "meta", "notes", "description", "result_format", "catch_exceptions", "rendered_content", "severity"),
    *("windows", "batch_id", "library_metadata"),
}


@pytest.fixture(scope="module")
def gx():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
        import great_expectations.expectations.registry as registry

    return great_expectations, registry


def stored(gx, kind, kwargs):
    """Return a suite of one expectation as GX stores it, after it has loaded it."""
    great_expectations, _ = gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    expectation = ExpectationConfiguration(type=kind, kwargs=kwargs).to_domain_obj()
    return great_expectations.ExpectationSuite(name="stored", expectations=[expectation])


def all_kinds(gx):
    _, registry = gx
    return sorted(registry.list_registered_expectation_implementations())


def arguments_of(gx, kind):
    fields = gx[1].get_expectation_impl(kind).__fields__
    return {
        name: IGNORES[next(key for key in IGNORES if key in fields)] if name == "ignore_row_if" else VALUES[name]
        for name in fields
        if name not in ABOUT
    }, {name for name, field in fields.items() if field.required}


def test_every_type_is_known(gx):
    assert set(all_kinds(gx)) <= set(VOCABULARY)


def test_every_argument_is_taken(gx):
    for kind in all_kinds(gx):
        kwargs, _ = arguments_of(gx, kind)
        suite = read_suite(stored(gx, kind, kwargs))
        assert suite.checks[0].kind == kind


# GX loads these and they ask for nothing, so we say what is missing.
ASK_FOR_NOTHING = {
    "expect_column_kl_divergence_to_be_less_than",
    "expect_column_values_to_be_in_type_list",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_columns_to_match_set",
}


def test_no_other_argument_is_needed(gx):
    refused = set()
    for kind in all_kinds(gx):
        kwargs, required = arguments_of(gx, kind)
        least = {name: value for name, value in kwargs.items() if name in required}
        try:
            suite = stored(gx, kind, least)
        except ValueError:  # GX needs a limit
            suite = stored(gx, kind, {**least, "min_value": 1})
        try:
            read_suite(suite)
        except SuiteError as error:
            refused.add((kind, f"{kind}: argument " in str(error)))
    assert refused == {(kind, True) for kind in ASK_FOR_NOTHING}


def test_conditions_and_expectations_are_taken_as_objects(gx):
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    condition = (Column("x") > 5) & Column("y").is_in(["a"]) | Column("z").is_null()
    written = {"type": "column_values_to_not_be_null", "column": "a", "row_condition": condition}
    (check,) = read_suite([written])
    (same,) = read_suite([gxe.ExpectColumnValuesToNotBeNull(column="a", row_condition=condition, severity="warning")])
    assert same.kwargs == check.kwargs
    assert same.severity == "warning"
    assert read_suite(read_suite([check]).to_dict()).checks == (check,)


@pytest.mark.parametrize("parser", ["pandas", "spark", "great_expectations", "great_expectations__experimental__"])
def test_conditions_are_taken_whoever_parses_them(gx, parser):
    condition = 'col("x") > 5' if parser.startswith("great") else "x > 5"
    kwargs = {"column": "a", "row_condition": condition, "condition_parser": parser}
    read_suite(stored(gx, "expect_column_values_to_not_be_null", kwargs))
