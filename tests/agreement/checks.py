"""Random checks for a table: for each type of the vocabulary its arguments, taken from the data so that edges are hit.

A type of ``VOCABULARY`` without a generator makes a test fail: nobody adds a type that agreement does not see.
"""

from __future__ import annotations

from random import Random

from tests.agreement import rows, summaries
from tests.agreement.asked import Asked
from tests.agreement.draw import Draw, Generator
from tests.agreement.tables import NUMBERS, Table

GENERATORS: dict[str, Generator] = {
    "expect_table_row_count_to_be_between": summaries.row_count_between,
    "expect_table_row_count_to_equal": summaries.row_count,
    "expect_table_column_count_to_equal": summaries.column_count,
    "expect_table_column_count_to_be_between": summaries.column_count_between,
    "expect_table_columns_to_match_set": summaries.column_set,
    "expect_table_columns_to_match_ordered_list": lambda draw: {"column_list": summaries.names(draw)},
    "expect_column_to_exist": summaries.exists,
    "expect_column_values_to_not_be_null": rows.null,
    "expect_column_values_to_be_null": rows.null,
    "expect_column_values_to_be_between": rows.between,
    "expect_column_values_to_be_in_set": rows.in_set,
    "expect_column_values_to_not_be_in_set": rows.in_set,
    "expect_column_values_to_match_regex": rows.regex,
    "expect_column_values_to_not_match_regex": rows.regex,
    "expect_column_value_lengths_to_equal": rows.length,
    "expect_column_value_lengths_to_be_between": rows.lengths,
    "expect_column_pair_values_a_to_be_greater_than_b": rows.greater,
    "expect_column_pair_values_to_be_equal": rows.pair,
    "expect_select_column_values_to_be_unique_within_record": rows.several,
    "expect_column_values_to_be_unique": rows.null,
    "expect_compound_columns_to_be_unique": rows.several,
    "expect_column_mean_to_be_between": summaries.number(NUMBERS),
    "expect_column_median_to_be_between": summaries.number(NUMBERS),
    "expect_column_sum_to_be_between": summaries.number(NUMBERS),
    "expect_column_min_to_be_between": summaries.extreme,
    "expect_column_max_to_be_between": summaries.extreme,
    "expect_column_unique_value_count_to_be_between": summaries.different,
    "expect_column_proportion_of_unique_values_to_be_between": summaries.share,
    "expect_column_proportion_of_non_null_values_to_be_between": summaries.share,
    "expect_column_pair_values_to_be_in_set": rows.pair_set,
    "expect_multicolumn_values_to_be_equal": rows.several,
    "expect_multicolumn_sum_to_equal": rows.row_sum,
    "expect_column_values_to_match_regex_list": rows.any_or_all(rows.regexes),
    "expect_column_values_to_not_match_regex_list": rows.regexes,
    "expect_column_values_to_match_like_pattern": rows.like,
    "expect_column_values_to_not_match_like_pattern": rows.like,
    "expect_column_values_to_match_like_pattern_list": rows.any_or_all(rows.likes),
    "expect_column_values_to_not_match_like_pattern_list": rows.likes,
    "expect_column_distinct_values_to_be_in_set": summaries.distinct,
    "expect_column_distinct_values_to_contain_set": summaries.distinct,
    "expect_column_distinct_values_to_equal_set": summaries.distinct,
    "expect_column_values_to_be_of_type": summaries.of_type,
    "expect_column_values_to_be_in_type_list": summaries.of_types,
    "expect_column_type_to_be": summaries.one_type,
    "expect_column_stdev_to_be_between": summaries.spread,
    "expect_column_quantile_values_to_be_between": summaries.quantiles,
    "expect_column_value_z_scores_to_be_less_than": rows.z_scores,
    "expect_column_values_to_not_be_outliers": rows.outliers,
    "expect_column_most_common_value_to_be_in_set": summaries.common,
    "expect_column_values_to_be_increasing": rows.ordered,
    "expect_column_values_to_be_decreasing": rows.ordered,
    "expect_column_kl_divergence_to_be_less_than": summaries.divergence,
    "expect_column_values_to_be_dateutil_parseable": rows.parseable,
    "expect_column_values_to_be_json_parseable": rows.parseable,
    "expect_column_values_to_match_json_schema": rows.json_schema,
    "expect_column_values_to_match_strftime_format": rows.strftime,
    "unexpected_rows_expectation": rows.unexpected_rows,
    "expect_column_values_to_be_unique_within_partition": rows.within_partition,
    "expect_rows_to_meet_condition": rows.written,
}


# Of our own vocabulary: there is no GX to agree with, our engines agree with each other.
OURS_ALONE = frozenset({"expect_column_values_to_be_unique_within_partition", "expect_rows_to_meet_condition"})


# Types that look at a second relation or at the clock, which one random table has not; each with the test that has.
ELSEWHERE = {
    "expect_query_results_to_match_comparison": "tests/engines/test_beyond_gx.py",
    "expect_table_row_count_to_equal_other_table": "tests/engines/test_beyond_gx.py",
    "expect_column_newest_value_to_be_recent": "tests/engines/test_beyond_gx.py",
    "expect_column_values_to_exist_in_other_table": "tests/engines/test_beyond_gx.py",
    "expect_table_row_count_to_match_other_source": "tests/engines/test_beyond_gx.py",
    "expect_column_sum_to_match_other_source": "tests/engines/test_beyond_gx.py",
}


def random_checks(random: Random, table: Table, number: int) -> list[Asked]:
    """Return ``number`` checks of the table, each type about as often as any other."""
    draw, kinds, asked = Draw(random, table), list(GENERATORS), []
    while len(asked) < number:
        random.shuffle(kinds)
        asked += [Asked(kind, GENERATORS[kind](draw)) for kind in kinds[: number - len(asked)]]
    return asked
