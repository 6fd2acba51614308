"""What a contradiction with Great Expectations is, told apart: one predicate for each intended difference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from airflow_dataops.core.results import CheckResult
from tests.agreement.asked import Asked
from tests.agreement.tables import INFINITY, NAN, NUMBERS, TIMES, Column, Table, Type
from tests.agreement.theirs import Said

SQL = frozenset({"sqlite", "postgres"})


@dataclass(frozen=True)
class Case:
    """One check of one table on one engine, and what came of it.

    :param why: how the two contradict each other.
    :param plain: whether GX was asked over columns with plain names.
    """

    table: Table
    asked: Asked
    engine: str
    ours: CheckResult
    said: Said
    why: str = ""
    plain: bool = False

    @property
    def raised(self) -> str:
        """GX's exception, or nothing."""
        return self.said.raised or ""

    @property
    def kind(self) -> str:
        """The check's type."""
        return self.asked.kind

    @property
    def columns(self) -> list[Column]:
        """The columns that it is about."""
        return [self.table[name] for name in self.asked.columns if name in self.table.names]

    @property
    def touched(self) -> list[Column]:
        """The columns that it is about or its ``row_condition`` asks for."""
        return [column for column in self.table.columns if column.name in self.asked.named]

    @property
    def conditional(self) -> list[Column]:
        """The columns that its ``row_condition`` asks for."""
        return [column for column in self.table.columns if column.name in self.asked.condition_columns]


GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
EQUAL = "expect_column_pair_values_to_be_equal"
WITHIN = "expect_select_column_values_to_be_unique_within_record"
PAIRS = "expect_column_pair_values_to_be_in_set"
ROW_SUM = "expect_multicolumn_sum_to_equal"


def has_null(column: Column) -> bool:
    """Whether a value is missing, NaN too."""
    return len(column.there) < len(column.values)


def empty(case: Case) -> bool:
    nothing = case.table.rows == 0 or bool(case.asked.kwargs.get("row_condition"))
    return nothing and case.ours.element_count == 0 and str(case.ours.outcome) == "FAIL" and case.ours.observed is None


_NUMERIC = {
    *(f"expect_column_{name}_to_be_between" for name in ("mean", "median", "sum", "stdev", "quantile_values")),
    "expect_column_value_z_scores_to_be_less_than",
    "expect_column_values_to_not_be_outliers",
}
_TEXTUAL = re.compile("regex|like_pattern|lengths|parseable|json|strftime")
_SORTED = re.compile("creasing$")
_COMPARED = {
    "expect_column_values_to_be_between": ("min_value", "max_value"),
    "expect_column_min_to_be_between": ("min_value", "max_value"),
    "expect_column_max_to_be_between": ("min_value", "max_value"),
    "expect_column_values_to_be_in_set": ("value_set",),
    "expect_column_values_to_not_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_contain_set": ("value_set",),
    "expect_column_distinct_values_to_equal_set": ("value_set",),
    "expect_column_most_common_value_to_be_in_set": ("value_set",),
}


def misfit(case: Case) -> bool:
    """Whether the check asks of a column what one of its type has not."""
    if str(case.ours.outcome) != "FAIL" or case.ours.unexpected_count is not None or not case.columns:
        return False
    column = case.columns[0]
    if case.kind == "expect_multicolumn_sum_to_equal":
        return any(one.type not in NUMBERS for one in case.columns)
    if "column" not in case.asked.kwargs:
        return len({_family(one.type) for one in case.columns}) > 1
    if case.kind in _NUMERIC:
        return column.type not in NUMBERS
    if _SORTED.search(case.kind):
        return column.type not in (*NUMBERS, *TIMES)
    if _TEXTUAL.search(case.kind):
        return column.type is not Type.TEXT
    written: list[Any] = []
    written += case.asked.kwargs.get("partition_object", {}).get("values", [])
    for key in _COMPARED.get(case.kind, ()):
        value = case.asked.kwargs.get(key)
        written += value if isinstance(value, list) else [value] if value is not None else []
    return any(_family_of(value) != _family(column.type) for value in written)


def _family(kind: Type) -> str:
    return "number" if kind in NUMBERS else "time" if kind in TIMES else str(kind)


def _family_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float | Decimal) else "text" if isinstance(value, str) else "time"


def nan(case: Case) -> bool:
    touched = case.touched or list(case.table.columns)
    return case.engine == "postgres" and any(str(NAN) in map(str, column.values) for column in touched)


def negated_null(case: Case) -> bool:
    """Whether pandas kept the rows whose value is null, where a condition says what the value is not."""
    condition = str(case.asked.kwargs.get("row_condition", ""))
    negated = "!=" in condition or "NOT_IN" in condition
    nulls = any(has_null(column) for column in case.conditional)
    return case.engine == "pandas" and negated and nulls and not _TYPED & set(case.asked.kwargs)


_TYPED = {"type_", "type_list"}


def classes(case: Case) -> bool:
    patterns = [case.asked.kwargs.get("regex", ""), *case.asked.kwargs.get("regex_list", ())]
    escapes = any(escape in pattern for pattern in patterns for escape in (r"\d", r"\w", r"\s", r"\b"))
    return escapes and any(not str(value).isascii() for column in case.columns for value in column.there)


def decimals(case: Case) -> bool:
    written = [
        *case.asked.kwargs.get("value_set", ()),
        *(case.asked.kwargs.get(key) for key in ("min_value", "max_value")),
    ]
    written += [value for pair in case.asked.kwargs.get("value_pairs_set", ()) for value in pair]
    fractions = any(isinstance(value, float | Decimal) and value % 1 for value in written)
    return case.engine == "pandas" and fractions and any(column.type is Type.DECIMAL for column in case.columns)


def big(case: Case) -> bool:
    bounds = [case.asked.kwargs.get(key) for key in ("min_value", "max_value")]
    return any(isinstance(bound, int) and abs(bound) > 2**53 for bound in bounds)


def text_bounds(case: Case) -> bool:
    bounds = [case.asked.kwargs.get(key) for key in ("min_value", "max_value")]
    return any(isinstance(bound, str) for bound in bounds) and "valid" in case.raised


def pandas_name(case: Case) -> bool:
    odd = any(not (column.name.isascii() and column.name.isidentifier()) for column in case.conditional)
    return not case.plain and case.engine == "pandas" and odd and case.said.raised is not None


def sql_name(case: Case) -> bool:
    if case.plain or case.engine not in SQL:
        return False
    if case.engine == "sqlite" and {"True", "None"} & set(case.table.names):
        return True  # read as constants: a wrong count, or no such column
    raised = any(word in case.raised for word in ("yntax", "no such column", "UndefinedColumn", "parse"))
    return raised and any(re.search(r"[^\w ]", name) or len(name) > 50 for name in case.table.names)


def unlike(case: Case) -> bool:
    """Whether a database compared columns of unlike types: PostgreSQL refuses, SQLite reads one as the other."""
    families = {_family(column.type) for column in case.columns}
    refused = case.engine == "sqlite" or "operator does not exist" in case.raised
    return case.kind == WITHIN and case.engine in SQL and refused and len(families) > 1


def pandas_na(case: Case) -> bool:
    """Whether pandas stumbled over a missing value that it does not write as NaN."""
    raised = any(word in case.raised for word in ("NA is ambiguous", "'NoneType'", "NAType", "<NA>"))
    return case.engine == "pandas" and raised and any(has_null(column) for column in case.columns)


def day_and_moment(case: Case) -> bool:
    """Whether pandas did not know how to compare dates with times, or times with and without a zone."""
    types = {column.type for column in case.columns}
    return case.engine == "pandas" and Type.ZONED in types and bool(types & {Type.DATE, Type.TIME})


def sqlite_zone(case: Case) -> bool:
    raised = "offset-naive and offset-aware" in case.raised
    return case.engine == "sqlite" and raised and case.columns[0].type is Type.ZONED


def sqlite_times(case: Case) -> bool:
    pair = case.kind in (GREATER, EQUAL)
    return (
        pair
        and case.ours.unexpected_count is not None
        and {_family(one.type) for one in case.columns} == {"text", "time"}
    )


def pair_nulls(case: Case) -> bool:
    return case.engine in SQL and any(has_null(column) for column in case.columns)


def pandas_lists(case: Case) -> bool:
    return case.engine == "pandas" and sum(has_null(column) for column in case.columns) > 1


def provided(case: Case) -> bool:
    """Whether GX says that it has no implementation for pandas."""
    return case.engine == "pandas" and "No provider found" in case.raised


def on_sql(case: Case) -> bool:
    """Whether GX's own SQL is not valid for a check of some rows alone."""
    return case.engine in SQL and "FROM expression" in case.raised and "row_condition" in case.asked.kwargs


def doubled(case: Case) -> bool:
    """Whether the set that must be contained names a value twice."""
    values = case.asked.kwargs.get("value_set", [])
    return case.engine in SQL and "distinct_values" in case.kind and len(values) > len({str(value) for value in values})


_OBSERVED = re.compile("distinct_values|most_common|of_type|type_list|column_type|z_scores|outliers")


def told_otherwise(case: Case) -> bool:
    """Whether the outcome is the same, and only what is shown beside it another."""
    return bool(_OBSERVED.search(case.kind)) and case.why.startswith("observed")


def any_type_name(case: Case) -> bool:
    """Whether GX does not know a type by the name under which it is asked for."""
    typed = bool(_TYPED & set(case.asked.kwargs))
    unknown = "nrecognized" in case.raised or "No recognized" in case.raised
    return typed and (unknown or (str(case.ours.outcome) == "PASS" and not case.said.success))


def object_values(case: Case) -> bool:
    """Whether GX looks at the type of each value of a pandas object column."""
    typed = bool(_TYPED & set(case.asked.kwargs))
    return case.engine == "pandas" and typed and case.said.counts is not None


def not_json(case: Case) -> bool:
    """Whether GX gave up at a text that is not JSON."""
    return case.kind == "expect_column_values_to_match_json_schema" and "(char " in case.raised


def overflow(case: Case) -> bool:
    """Whether numpy's sum of whole numbers went around."""
    total = sum(value for column in case.columns for value in column.there if isinstance(value, int))
    return case.kind == "expect_column_sum_to_be_between" and case.engine == "pandas" and abs(total) >= 2**63


def pairs_of_some(case: Case) -> bool:
    """Whether GX made a share of more rows than it looked at, or a message of what has no text."""
    raised = any(words in case.raised for words in ("Invalid result values", "not JSON serializable"))
    return case.kind == PAIRS and raised


def row_nulls(case: Case) -> bool:
    """Whether GX's SQL lets a row with a null pass."""
    return case.kind in (PAIRS, ROW_SUM) and pair_nulls(case)


def decimal_arithmetic(case: Case) -> bool:
    """Whether pandas cannot compute with decimals, or with decimals and nothing."""
    decimals = any(column.type is Type.DECIMAL for column in case.columns)
    return case.engine == "pandas" and decimals and bool(case.raised)


def no_distribution(case: Case) -> bool:
    """Whether GX divided by the number of values, which is none."""
    return case.kind == "expect_column_kl_divergence_to_be_less_than" and any(
        word in case.raised for word in ("division by zero", "unsupported operand")
    )


def times_in_sets(case: Case) -> bool:
    """Whether the most common time was compared as another type than those of the set have."""
    lost = {"pandas": (Type.ZONED,), "sqlite": TIMES}.get(case.engine, ())
    return case.kind == "expect_column_most_common_value_to_be_in_set" and case.columns[0].type in lost


def like_case(case: Case) -> bool:
    """Whether SQLite's own LIKE took upper for lower case."""
    return case.engine == "sqlite" and "like_pattern" in case.kind


def infinite(case: Case) -> bool:
    """Whether a deviation was computed of infinities, or of what becomes one when it is squared."""
    huge = any(abs(value) > 1e30 for column in case.columns if column.type is Type.REAL for value in column.there)
    return case.kind == "expect_column_stdev_to_be_between" and case.engine == "sqlite" and huge


def method(case: Case) -> bool:
    """Whether GX's SQL took a quantile by the database's own method."""
    return case.engine in SQL and "quantile" in case.kind


def all_equal(case: Case) -> bool:
    """Whether PostgreSQL compared equal values, exact as they are, with their mean as a float."""
    outliers = case.kind == "expect_column_values_to_not_be_outliers"
    return case.engine == "postgres" and outliers and len(set(case.columns[0].there)) == 1


def nothing_to_compare(case: Case) -> bool:
    """Whether pandas looked for an operator between values and what a column without a value would hold."""
    valueless = any(not column.there for column in case.columns)
    raised = any(words in case.raised for words in ("not supported between", "Invalid comparison"))
    return case.engine == "pandas" and case.kind == GREATER and valueless and raised


def word_edge(case: Case) -> bool:
    """Whether the pattern has an escape that PostgreSQL reads as another."""
    patterns = [case.asked.kwargs.get("regex", ""), *case.asked.kwargs.get("regex_list", ())]
    return case.engine == "postgres" and any(r"\b" in pattern for pattern in patterns)


def frames_alone(case: Case) -> bool:
    """Whether GX says that it has no implementation for SQL."""
    return case.engine in SQL and "No provider found" in case.raised


def steps(case: Case) -> bool:
    """Whether pandas subtracted an infinity, or a whole number too far from the one before, to tell the order."""
    values = [value for column in case.columns if column.type in (Type.REAL, Type.BIG) for value in column.there]
    far = any(value in (INFINITY, -INFINITY) or (isinstance(value, int) and abs(value) >= 2**62) for value in values)
    return case.engine == "pandas" and bool(_SORTED.search(case.kind)) and far
