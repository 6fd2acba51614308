"""For each intended difference the smallest case that shows it: a rule that nothing shows is no rule."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.agreement.asked import Asked
from tests.agreement.tables import INFINITY, NAN, Column, Table, Type

Witness = tuple[str, Table, Asked]


def _table(**columns: tuple[Type, list[Any]]) -> Table:
    return Table(tuple(Column(name, kind, tuple(values), loose=True) for name, (kind, values) in columns.items()))


def _named(name: str, kind: Type, values: list[Any]) -> Table:
    return Table((Column(name, kind, tuple(values)),))


def _asked(kind: str, **kwargs: Any) -> Asked:
    return Asked(f"expect_{kind}", kwargs)


_WHOLE = _table(a=(Type.WHOLE, [1, 2, 3]))
_GAPS = _table(a=(Type.REAL, [1.0, None, 3.0]), b=(Type.REAL, [0.5, None, None]))
_TEXT = _table(a=(Type.TEXT, ["x", "y", "y"]))
_PRICES = _table(a=(Type.DECIMAL, [Decimal("0.10"), Decimal("0.25")]))
_NOON = datetime(2020, 2, 28, 12, tzinfo=UTC)
_TIMES = _table(a=(Type.ZONED, [_NOON, _NOON, datetime(2020, 1, 1, tzinfo=UTC)]))
_ODD = {"type": "comparison", "column": {"name": "a`b"}, "operator": ">", "parameter": 1}
_NOT_ONE = {"type": "comparison", "column": {"name": "a"}, "operator": "!=", "parameter": 1.0}
_ABOVE_ONE = {**_NOT_ONE, "operator": ">"}
_BINS = {"bins": [0, 1, 2], "weights": [0.5, 0.5]}

WITNESSES: dict[str, Witness] = {
    "no rows": ("pandas", _table(a=(Type.WHOLE, [])), _asked("column_values_to_not_be_null", column="a")),
    "wrong type": ("pandas", _TEXT, _asked("column_mean_to_be_between", column="a", min_value=0)),
    "not on pandas": ("pandas", _TEXT, _asked("column_values_to_match_like_pattern", column="a", like_pattern="x%")),
    "NaN": (
        "postgres",
        _table(a=(Type.REAL, [1.0, NAN])),
        _asked("column_values_to_not_be_null", column="a"),
    ),
    "negated null": ("pandas", _GAPS, _asked("table_row_count_to_equal", value=1, row_condition=_NOT_ONE)),
    "pandas parser": (
        "sqlite",
        _WHOLE,
        _asked("table_row_count_to_equal", value=2, row_condition="a > 1", condition_parser="pandas"),
    ),
    "character classes": (
        "pandas",
        _table(a=(Type.TEXT, ["٣", "3"])),
        _asked("column_values_to_match_regex", column="a", regex=r"^\d$"),
    ),
    "decimals": ("pandas", _PRICES, _asked("column_values_to_be_in_set", column="a", value_set=[0.1, 0.25])),
    "some rows": (
        "postgres",
        _WHOLE,
        _asked("column_median_to_be_between", column="a", min_value=1, row_condition=_ABOVE_ONE),
    ),
    "values named twice": (
        "postgres",
        _TEXT,
        _asked("column_distinct_values_to_contain_set", column="a", value_set=["x", "x"]),
    ),
    "shown otherwise": (
        "pandas",
        _TEXT,
        _asked("column_distinct_values_to_be_in_set", column="a", value_set=["x", "y"]),
    ),
    "type names": ("postgres", _TEXT, _asked("column_type_to_be", column="a", type_="str")),
    "types of objects": ("pandas", _PRICES, _asked("column_values_to_be_of_type", column="a", type_="Decimal")),
    "no distribution": (
        "postgres",
        _table(a=(Type.REAL, [None, None])),
        _asked("column_kl_divergence_to_be_less_than", column="a", partition_object=_BINS, threshold=1),
    ),
    "times in sets": (
        "pandas",
        _TIMES,
        _asked("column_most_common_value_to_be_in_set", column="a", value_set=[_NOON]),
    ),
    "case of LIKE": ("sqlite", _TEXT, _asked("column_values_to_match_like_pattern", column="a", like_pattern="X%")),
    "infinite deviations": (
        "sqlite",
        _table(a=(Type.REAL, [1.0, INFINITY, 2.0])),
        _asked("column_stdev_to_be_between", column="a", min_value=1),
    ),
    "quantile methods": (
        "postgres",
        _WHOLE,
        _asked(
            "column_quantile_values_to_be_between",
            column="a",
            quantile_ranges={"quantiles": [0.3], "value_ranges": [[1, 2]]},
            allow_relative_error="linear",
        ),
    ),
    "word edges": ("postgres", _TEXT, _asked("column_values_to_match_regex", column="a", regex=r"\bx\b", mostly=0.3)),
    "frames alone": (
        "pandas",
        _table(a=(Type.REAL, [1.0, None]), b=(Type.TEXT, ["2020-02-28", "x"])),
        _asked("column_values_to_be_dateutil_parseable", column="b", row_condition={**_NOT_ONE, "parameter": 2.0}),
    ),
    "not JSON": (
        "pandas",
        _TEXT,
        _asked("column_values_to_match_json_schema", column="a", json_schema={"type": "number"}),
    ),
    "overflow": (
        "pandas",
        _table(a=(Type.BIG, [2**63 - 1, 2**63 - 1])),
        _asked("column_sum_to_be_between", column="a", min_value=0),
    ),
    "pairs of some rows": (
        "pandas",
        _table(a=(Type.WHOLE, [1, 2]), b=(Type.TEXT, ["x", "y"])),
        _asked(
            "column_pair_values_to_be_in_set",
            column_A="a",
            column_B="b",
            value_pairs_set=[[2, "y"]],
            row_condition={**_ABOVE_ONE, "parameter": 1},
        ),
    ),
    "nulls in a row": (
        "postgres",
        _GAPS,
        _asked("multicolumn_sum_to_equal", column_list=["a", "b"], sum_total=1.5),
    ),
    "decimal arithmetic": (
        "pandas",
        _PRICES,
        _asked("column_values_to_not_be_outliers", column="a", method="std", multiplier=1.5),
    ),
    "big bounds": (
        "postgres",
        _table(a=(Type.BIG, [2**53 + 1])),
        _asked("column_values_to_be_between", column="a", max_value=2**53 + 1),
    ),
    "text bounds": ("pandas", _TEXT, _asked("column_values_to_be_between", column="a", min_value="x")),
    "position 0": (
        "pandas",
        _table(a=(Type.WHOLE, [1]), b=(Type.WHOLE, [1])),
        _asked("column_to_exist", column="b", column_index=0),
    ),
    "names in pandas conditions": (
        "pandas",
        _named("a`b", Type.WHOLE, [1, 2]),
        _asked("table_row_count_to_equal", value=1, row_condition=_ODD),
    ),
    "names in SQL": ("sqlite", _named('a"b', Type.WHOLE, [1, 1]), _asked("column_values_to_be_unique", column='a"b')),
    "unlike columns": (
        "postgres",
        _table(a=(Type.WHOLE, [1]), b=(Type.TEXT, ["1"])),
        _asked("select_column_values_to_be_unique_within_record", column_list=["a", "b"]),
    ),
    "missing values": (
        "pandas",
        _table(a=(Type.WHOLE, [1, None]), b=(Type.WHOLE, [0, 1])),
        _asked("column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
    ),
    "dates and times": (
        "pandas",
        _table(a=(Type.DATE, [date(2020, 2, 28)]), b=(Type.ZONED, [datetime(2020, 2, 28, tzinfo=UTC)])),
        _asked("column_pair_values_to_be_equal", column_A="a", column_B="b"),
    ),
    "zones on SQLite": ("sqlite", _TIMES, _asked("column_max_to_be_between", column="a", min_value=_NOON)),
    "times in SQLite": (
        "sqlite",
        _table(a=(Type.TIME, [datetime(2020, 2, 28), None]), b=(Type.TEXT, ["x", "y"])),
        _asked("column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
    ),
    "steps": (
        "pandas",
        _table(a=(Type.REAL, [-INFINITY, -INFINITY])),
        _asked("column_values_to_be_decreasing", column="a", strictly=True),
    ),
    "equal values": (
        "postgres",
        _table(a=(Type.BIG, [2**62, 2**62])),
        _asked("column_values_to_not_be_outliers", column="a", method="std"),
    ),
    "nothing to compare": (
        "sqlite",
        _table(a=(Type.REAL, [1.0]), b=(Type.ZONED, [None])),
        _asked("column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
    ),
    "sum of nothing": (
        "pandas",
        _table(a=(Type.REAL, [None])),
        _asked("column_sum_to_be_between", column="a", min_value=0),
    ),
    "compound nulls": (
        "postgres",
        _table(a=(Type.WHOLE, [1, 1]), b=(Type.WHOLE, [None, None])),
        _asked("compound_columns_to_be_unique", column_list=["a", "b"]),
    ),
    "greater than null": (
        "sqlite",
        _GAPS,
        _asked("column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
    ),
    "same nulls": (
        "pandas",
        _table(a=(Type.TEXT, [None]), b=(Type.REAL, [None]), c=(Type.REAL, [1.0])),
        _asked("select_column_values_to_be_unique_within_record", column_list=["a", "b", "c"]),
    ),
}

APART_WITNESSES: dict[str, Witness] = {
    "untyped": (
        "sqlite",
        _table(a=(Type.BOOLEAN, [True])),
        _asked("column_sum_to_be_between", column="a", min_value=1),
    ),
    "times as text": (
        "sqlite",
        _table(a=(Type.DATE, [date(2020, 2, 28)]), b=(Type.TIME, [datetime(2020, 2, 28)])),
        _asked("column_pair_values_to_be_equal", column_A="a", column_B="b"),
    ),
    "truth as number": (
        "sqlite",
        _table(a=(Type.BOOLEAN, [True]), b=(Type.WHOLE, [1])),
        _asked("select_column_values_to_be_unique_within_record", column_list=["a", "b"]),
    ),
    "overflow": (
        "sqlite",
        _table(a=(Type.BIG, [2**63 - 1, 2**63 - 1])),
        _asked("column_sum_to_be_between", column="a", min_value=1),
    ),
    "types": ("pandas", _WHOLE, _asked("column_type_to_be", column="a", type_="INTEGER")),
    "valueless": (
        "pandas",
        _table(a=(Type.DATE, [None])),
        _asked("column_sum_to_be_between", column="a", min_value=1),
    ),
}
