"""Random arguments of the checks that look at each row."""

from __future__ import annotations

import json
from typing import Any

from tests.agreement.draw import Draw, Generator
from tests.agreement.tables import NUMBERS, TIMES, Column, Type


def each(draw: Draw, column: Column) -> dict[str, Any]:
    return {"column": column.name, **draw.mostly(), **draw.condition()}


def null(draw: Draw) -> dict[str, Any]:
    return each(draw, draw.column())


def between(draw: Draw) -> dict[str, Any]:
    column = draw.column((*NUMBERS, *TIMES))
    return {**each(draw, column), **draw.range_of(lambda: draw.value(column))}


def in_set(draw: Draw) -> dict[str, Any]:
    column = draw.column()
    return {**each(draw, column), "value_set": draw.values(column)}


PATTERNS = (
    *(
        "a",
        "^a",
        "b$",
        "^$",
        ".",
        "^.{3}$",
        r"\d",
        r"^\d+$",
        r"\w{2}",
        r"\s",
        "[A-Z]",
        "[^a-z]",
        "a|b",
        "(ab|x)1?",
        "é",
    ),
    *(
        r"\.",
        r"\\",
        "%",
        "_",
        "'",
        '"',
        r"\$",
        "^[a-z]*$",
        "^a.b$",
        "😀",
        "(?i)abc",
        r"\bab\b",
        "a{2}",
        "[0-9-]",
        r"\?",
    ),
)


def regex(draw: Draw) -> dict[str, Any]:
    return {**each(draw, draw.column((Type.TEXT,))), "regex": draw.random.choice(PATTERNS)}


def length(draw: Draw) -> dict[str, Any]:
    return {**each(draw, draw.column((Type.TEXT,))), "value": draw.random.randint(0, 4)}


def lengths(draw: Draw) -> dict[str, Any]:
    column = draw.column((Type.TEXT,))
    return {**each(draw, column), **draw.range_of(lambda: draw.random.randint(0, 4))}


def pair(draw: Draw) -> dict[str, Any]:
    left, right = (draw.columns(2, 2) * 2)[:2]
    ignore = draw.random.choice((None, "both_values_are_missing", "either_value_is_missing", "neither"))
    return {
        "column_A": left.name,
        "column_B": right.name,
        **({"ignore_row_if": ignore} if ignore else {}),
        **draw.mostly(),
        **draw.condition(),
    }


def greater(draw: Draw) -> dict[str, Any]:
    return {**pair(draw), **draw.random.choice(({}, {"or_equal": True}, {"or_equal": False}))}


def several(draw: Draw, low: int = 2) -> dict[str, Any]:
    ignore = draw.random.choice((None, "all_values_are_missing", "any_value_is_missing", "never"))
    return {
        "column_list": [column.name for column in draw.columns(low, 3)],
        **({"ignore_row_if": ignore} if ignore else {}),
        **draw.mostly(),
        **draw.condition(),
    }


def pair_set(draw: Draw) -> dict[str, Any]:
    asked = pair(draw)
    left, right = draw.table[asked["column_A"]], draw.table[asked["column_B"]]
    rows = [pair for pair in zip(left.values, right.values, strict=True) if all(v is None or v == v for v in pair)]
    pairs = draw.random.sample(rows, min(len(rows), draw.random.randint(0, 4)))
    return {**asked, "value_pairs_set": [list(pair) for pair in pairs] + [[draw.value(left), draw.value(right)]]}


def row_sum(draw: Draw) -> dict[str, Any]:
    numbers = [column for column in draw.table.columns if column.type in (Type.WHOLE, Type.REAL)]
    asked = several(draw)
    if len(numbers) > 1 and not draw.sometimes(0.1):
        asked["column_list"] = [column.name for column in draw.random.sample(numbers, 2)]
    columns = [draw.table[name] for name in asked["column_list"]]
    sums = [sum(row) for row in zip(*(column.values for column in columns), strict=True) if summable(row)]
    return {**asked, "sum_total": draw.random.choice([*sums, 3])}


def summable(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int | float) and abs(value) < 1e15 for value in row)


def regexes(draw: Draw) -> dict[str, Any]:
    patterns = draw.random.sample(PATTERNS, draw.random.randint(1, 3))
    return {**each(draw, draw.column((Type.TEXT,))), "regex_list": patterns}


def any_or_all(generate: Generator) -> Generator:
    return lambda draw: {**generate(draw), **draw.random.choice(({}, {"match_on": "any"}, {"match_on": "all"}))}


LIKES = (
    *(
        "a%",
        "%b",
        "_",
        "___",
        "%",
        "",
        "A%",
        "abc",
        "%a_",
        "1_0%",
        "%\u00e9%",
        "%\n%",
        "%[a]%",
        "%*%",
        "%'%",
        "%?",
        "%.%",
    ),
    *("100!%", "a!_b", "%!%%", "!!%"),
)


def like(draw: Draw) -> dict[str, Any]:
    pattern = draw.random.choice(LIKES)
    escape = {"escape": "!"} if "!" in pattern else {}
    return {**each(draw, draw.column((Type.TEXT,))), "like_pattern": pattern, **escape}


def likes(draw: Draw) -> dict[str, Any]:
    patterns = draw.random.sample(LIKES[:-4], draw.random.randint(1, 3))
    return {**each(draw, draw.column((Type.TEXT,))), "like_pattern_list": patterns}


def z_scores(draw: Draw) -> dict[str, Any]:
    sided = {"double_sided": draw.sometimes(0.5)}
    return {**each(draw, draw.column(NUMBERS)), "threshold": draw.random.choice((0.3, 0.777, 1.21, 2, 3)), **sided}


def outliers(draw: Draw) -> dict[str, Any]:
    method = draw.random.choice(({}, {"method": "iqr"}, {"method": "std"}))
    times = draw.random.choice(({}, {"multiplier": 0.37}, {"multiplier": 1.13}, {"multiplier": 2.1}))
    return {**each(draw, draw.column(NUMBERS)), **method, **times}


def ordered(draw: Draw) -> dict[str, Any]:
    strictly = draw.random.choice(({}, {"strictly": True}, {"strictly": False}))
    # By all columns, so that no two orders of the rows are right; GX has no such argument.
    order = {"order_by": [draw.table.columns[0].name, *draw.table.names[1:]]} if draw.sometimes(0.5) else {}
    return {**each(draw, draw.column((*NUMBERS, *TIMES))), **strictly, **order}


def sql_name(draw: Draw) -> tuple[Column, str]:
    """Return a column whose name may stand in SQL that GX formats, and that name quoted."""
    plain = [column for column in draw.table.columns if not set(column.name) & set("{}%:?\\`\n")]
    column = draw.random.choice(plain or draw.table.columns)
    return column, '"' + column.name.replace('"', '""') + '"'


def unexpected_rows(draw: Draw) -> dict[str, Any]:
    _, name = sql_name(draw)
    test = draw.random.choice((f"{name} IS NULL", f"{name} IS NOT NULL", "1 = 0"))
    return {"unexpected_rows_query": f"SELECT * FROM {{batch}} WHERE {test}"}


def written(draw: Draw) -> dict[str, Any]:
    column, name = sql_name(draw)
    test = f"{name} > 1" if column.type in (Type.WHOLE, Type.REAL) else f"{name} IS NOT NULL"
    return {"condition": test, **draw.mostly(), **draw.condition()}


def within_partition(draw: Draw) -> dict[str, Any]:
    column, *others = draw.columns(2, 3)
    return {**each(draw, column), "partition_by": [other.name for other in others] or [column.name]}


def parseable(draw: Draw) -> dict[str, Any]:
    return each(draw, draw.column((Type.TEXT,)))


def json_schema(draw: Draw) -> dict[str, Any]:
    return {
        **parseable(draw),
        "json_schema": json.loads(draw.random.choice(('{"type": "object"}', '{"type": "number"}'))),
    }


def strftime(draw: Draw) -> dict[str, Any]:
    return {**parseable(draw), "strftime_format": draw.random.choice(("%Y-%m-%d", "%H:%M", "%d.%m.%Y"))}
