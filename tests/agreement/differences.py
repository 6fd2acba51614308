"""Where we differ from Great Expectations on purpose: each difference named, narrow, with its reason.

A rule excuses a contradiction only where its predicate says so, and then names who is asked instead, if anybody is:
GX on another engine, or GX on the same one over columns with plain names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.agreement.excuses import (
    GREATER,
    SQL,
    WITHIN,
    Case,
    all_equal,
    any_type_name,
    big,
    classes,
    day_and_moment,
    decimal_arithmetic,
    decimals,
    doubled,
    empty,
    frames_alone,
    infinite,
    like_case,
    method,
    misfit,
    nan,
    negated_null,
    no_distribution,
    not_json,
    nothing_to_compare,
    object_values,
    on_sql,
    overflow,
    pair_nulls,
    pairs_of_some,
    pandas_lists,
    pandas_na,
    pandas_name,
    provided,
    row_nulls,
    sql_name,
    sqlite_times,
    sqlite_zone,
    steps,
    text_bounds,
    times_in_sets,
    told_otherwise,
    unlike,
    word_edge,
)


@dataclass(frozen=True)
class Rule:
    """An intended difference.

    :param title: what differs, as the documentation lists it.
    :param reason: why we differ.
    :param applies: whether it excuses the contradiction of a case.
    :param instead: who is asked in GX's stead: an engine, ``"plain"`` names, or nobody.
    """

    title: str
    reason: str
    applies: Callable[[Case], bool]
    instead: str | None = None


RULES: dict[str, Rule] = {
    "no rows": Rule(
        "Data without a row fails, and so does a `row_condition` that no row meets.",
        "An empty load is the commonest accident, and a check that looked at nothing has not shown anything. GX lets "
        "most checks pass. `on_empty` chooses otherwise.",
        empty,
    ),
    "wrong type": Rule(
        "A column of the wrong type is a FAIL that says so.",
        "GX raises an exception or counts every value, depending on the engine. A changed type is a bad upstream "
        "change, not a failure to measure.",
        misfit,
    ),
    "not on pandas": Rule(
        "LIKE patterns and `unexpected_rows_expectation` work on frames and files too.",
        "GX has them on SQL alone.",
        provided,
        "postgres",
    ),
    "NaN": Rule(
        "NaN counts as null on every engine.",
        "GX on pandas has it so; on PostgreSQL GX takes NaN for a number above all others. The same data must not get "
        "two verdicts.",
        nan,
        "pandas",
    ),
    "negated null": Rule(
        "A `row_condition` `!=` or `not in` leaves rows out whose value is null, as SQL has it.",
        "GX on SQL leaves them out, GX on pandas looks at them.",
        negated_null,
        "sqlite",
    ),
    "pandas parser": Rule(
        "`condition_parser: pandas` works on every engine, for comparisons joined by and / or.",
        "GX on SQL refuses it.",
        lambda case: case.engine in SQL and case.asked.kwargs.get("condition_parser") == "pandas",
        "pandas",
    ),
    "character classes": Rule(
        r"`\d`, `\w`, `\s` and `\b` mean ASCII characters.",
        "They mean something else in each database and locale; GX leaves it to the engine.",
        classes,
    ),
    "decimals": Rule(
        "A number is compared with a decimal column as it is written.",
        "GX on SQL has it so; GX on pandas compares the binary float: 0.1 is not in the set {0.1}.",
        decimals,
        "postgres",
    ),
    "some rows": Rule(
        "Medians, quantiles, distinct and most common values take a `row_condition` on every engine.",
        "GX on SQL raises an exception.",
        on_sql,
        "pandas",
    ),
    "values named twice": Rule(
        "A value that a set names twice counts once.",
        "GX on pandas has it so; on SQL GX's `expect_column_distinct_values_to_…` expect as many different values as "
        "the list is long.",
        doubled,
        "pandas",
    ),
    "shown otherwise": Rule(
        "Checks of types, of distinct and of most common values tell what is wrong by counts and by the suite's own "
        "values; the type is the database's own word.",
        "A result is stored, and must not hold values of the data that nobody asked for. The outcome is GX's.",
        told_otherwise,
    ),
    "type names": Rule(
        "A type may be asked for by any of its names, in pandas, Python, SQL or Spark, whatever the engine.",
        "One suite runs on every engine. GX knows one name for each engine: for others it fails or has an exception.",
        any_type_name,
    ),
    "types of objects": Rule(
        "A pandas object column has one type.",
        "GX looks at each value of such a column, and at the type of all others.",
        object_values,
    ),
    "no distribution": Rule(
        "A column without a value has no distribution, and the check fails.",
        "GX on SQL divides by zero.",
        no_distribution,
    ),
    "times in sets": Rule(
        "The most common of dates and times is found in a set of such.",
        "GX on PostgreSQL has it so; pandas loses the zone on the way, and SQLite hands out texts.",
        times_in_sets,
        "postgres",
    ),
    "case of LIKE": Rule(
        "LIKE patterns tell upper from lower case on every engine.",
        "GX leaves it to the database, and SQLite's and MySQL's LIKE does not.",
        like_case,
        "postgres",
    ),
    "infinite deviations": Rule(
        "The deviation of infinite values, or of values whose squares are, is none, and the check fails.",
        "GX on pandas has it so; GX on SQLite says infinity.",
        infinite,
        "pandas",
    ),
    "quantile methods": Rule(
        "A quantile between two values is the nearer one, or what `allow_relative_error: linear` (`lower`, …) says, on "
        "every engine.",
        "GX on pandas has it so; GX on SQL takes it by the database's own method, whatever is asked for.",
        method,
        "pandas",
    ),
    "word edges": Rule(
        r"`\b` in a pattern is the edge of a word.",
        "GX leaves it to the engine, and on PostgreSQL it is another character, which no text has.",
        word_edge,
        "pandas",
    ),
    "frames alone": Rule(
        "Checks that GX has for frames alone are not looked for in its SQL.",
        "There is nobody to agree with: the order of rows, times and JSON in texts.",
        frames_alone,
        "pandas",
    ),
    "not JSON": Rule(
        "A text that is not JSON breaks `expect_column_values_to_match_json_schema`.",
        "GX raises an exception at the first one.",
        not_json,
    ),
    "overflow": Rule(
        "A sum of whole numbers is exact.",
        "GX on SQL has it so; on pandas numpy's sum goes around beyond 2**63.",
        overflow,
        "postgres",
    ),
    "pairs of some rows": Rule(
        "`expect_column_pair_values_to_be_in_set` counts right where a `row_condition` or nulls leave rows out.",
        "GX counts those that are left for others, and raises an exception over the share that comes of it.",
        pairs_of_some,
    ),
    "nulls in a row": Rule(
        "In `expect_column_pair_values_to_be_in_set` and `expect_multicolumn_sum_to_equal` a row with a null that is "
        "looked at breaks the check, unless the set has it.",
        "GX on pandas has it so; GX on SQL lets it pass.",
        row_nulls,
        "pandas",
    ),
    "decimal arithmetic": Rule(
        "Means, deviations, quantiles and outliers work for decimals.",
        "GX on pandas raises an exception.",
        decimal_arithmetic,
        "postgres",
    ),
    "big bounds": Rule(
        "Whole numbers beyond 2**53 are compared exactly.",
        "GX turns bounds into floats, which cannot hold them.",
        big,
    ),
    "text bounds": Rule(
        "A text may be a bound.",
        "GX refuses it when the suite is read.",
        text_bounds,
    ),
    "position 0": Rule(
        "`column_index: 0` asks for the first position.",
        "GX takes 0 for not given.",
        lambda case: case.kind == "expect_column_to_exist" and case.asked.kwargs.get("column_index") == 0,
    ),
    "names in pandas conditions": Rule(
        "A `row_condition` may name any column.",
        "GX on pandas makes a query of it, which names with quotes, backticks, backslashes and line feeds break.",
        pandas_name,
        "plain",
    ),
    "names in SQL": Rule(
        "A check may name any column.",
        "GX's SQL lacks quotes or shortens names.",
        sql_name,
        "plain",
    ),
    "unlike columns": Rule(
        "In `expect_select_column_values_to_be_unique_within_record` columns of unlike types are never equal.",
        "GX on pandas has it so; on PostgreSQL GX has an exception, and SQLite takes '1' for 1.",
        unlike,
        "pandas",
    ),
    "missing values": Rule(
        "A missing value is one, whatever pandas' type for it is.",
        "GX on pandas raises an exception in comparisons and in arithmetic where it is `NA` or `None`.",
        pandas_na,
        "postgres",
    ),
    "dates and times": Rule(
        "Dates and times are compared with times that have a zone as if they were in UTC.",
        "GX on SQL has it so; GX on pandas takes the two for different things, or raises an exception.",
        day_and_moment,
        "postgres",
    ),
    "zones on SQLite": Rule(
        "A bound with a zone is compared with SQLite's times, which are UTC where they name none.",
        "GX raises an exception.",
        sqlite_zone,
        "pandas",
    ),
    "times in SQLite": Rule(
        "On SQLite a column of times and one of text are compared as text.",
        "SQLite has no type for times. Everywhere else the two are of unlike types.",
        sqlite_times,
    ),
    "steps": Rule(
        "Increasing and decreasing compare a value with the one before, infinities and the largest whole numbers too.",
        "GX on pandas subtracts the two, which gives no number or goes around.",
        steps,
    ),
    "equal values": Rule(
        "Equal values have no outlier.",
        "GX on pandas has it so; GX on PostgreSQL compares them with their mean as a float.",
        all_equal,
        "pandas",
    ),
    "nothing to compare": Rule(
        "A column without a value can be compared: no row complies.",
        "GX on pandas raises an exception where the other column is of another type.",
        nothing_to_compare,
        "sqlite",
    ),
    "sum of nothing": Rule(
        "A column without a value has no sum, and the check fails.",
        "GX on SQL has it so; GX on pandas says 0.",
        lambda case: (
            case.kind == "expect_column_sum_to_be_between" and case.engine == "pandas" and not case.ours.observed
        ),
        "sqlite",
    ),
    "compound nulls": Rule(
        "In `expect_compound_columns_to_be_unique` null equals null.",
        "GX on pandas has it so; GX on SQL counts no row with a null as repeated.",
        lambda case: case.kind == "expect_compound_columns_to_be_unique" and pair_nulls(case),
        "pandas",
    ),
    "greater than null": Rule(
        "In `expect_column_pair_values_a_to_be_greater_than_b` a row with one null that is looked at breaks the check.",
        "GX on pandas has it so; GX on SQL lets it pass.",
        lambda case: case.kind == GREATER and pair_nulls(case),
        "pandas",
    ),
    "same nulls": Rule(
        "In `expect_select_column_values_to_be_unique_within_record` null equals null.",
        "GX on SQL has it so; GX on pandas tells None, NaN and NaT apart.",
        lambda case: case.kind == WITHIN and pandas_lists(case),
        "sqlite",
    ),
}
