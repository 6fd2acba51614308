"""Random arguments of the checks of a whole column, and of the table itself."""

from __future__ import annotations

from statistics import stdev
from typing import Any

from tests.agreement.draw import Draw, Generator
from tests.agreement.rows import null
from tests.agreement.tables import NUMBERS, TIMES, Type


def number(types: tuple[Type, ...]) -> Generator:
    def generate(draw: Draw) -> dict[str, Any]:
        column = draw.column(types)
        limits = draw.range_of(lambda: draw.number_near(column))
        return {"column": column.name, **limits, **draw.condition()}

    return generate


def extreme(draw: Draw) -> dict[str, Any]:
    column = draw.column((*NUMBERS, *TIMES))
    return {"column": column.name, **draw.range_of(lambda: draw.value(column)), **draw.condition()}


def different(draw: Draw) -> dict[str, Any]:
    column = draw.column()
    limits = draw.range_of(lambda: draw.count(len(set(column.there))))
    return {"column": column.name, **limits, **draw.condition()}


def share(draw: Draw) -> dict[str, Any]:
    column = draw.column()
    rows = max(draw.table.rows, 1)
    limits = draw.range_of(lambda: draw.random.choice((draw.random.randint(0, rows) / rows, 0.5, 1, 0)))
    return {"column": column.name, **limits, **draw.condition()}


def row_count_between(draw: Draw) -> dict[str, Any]:
    limits = draw.range_of(lambda: draw.count(draw.table.rows))
    return {**limits, **draw.condition()}


def row_count(draw: Draw) -> dict[str, Any]:
    return {"value": draw.count(draw.table.rows), **draw.condition()}


def column_count(draw: Draw) -> dict[str, Any]:
    return {"value": draw.count(len(draw.table.columns))}


def column_count_between(draw: Draw) -> dict[str, Any]:
    limits = draw.range_of(lambda: draw.count(len(draw.table.columns)))
    return {key: value for key, value in limits.items() if not key.startswith("strict")}


def names(draw: Draw) -> list[str]:
    names = draw.table.names
    if draw.sometimes(0.5):
        draw.random.shuffle(names)
    if draw.sometimes(0.4):
        names = names[1:]
    if draw.sometimes(0.2):
        names.append("not there")
    return names or ["not there"]


def column_set(draw: Draw) -> dict[str, Any]:
    return {"column_set": names(draw), **draw.random.choice(({}, {"exact_match": True}, {"exact_match": False}))}


def exists(draw: Draw) -> dict[str, Any]:
    name = "not there" if draw.sometimes(0.2) else draw.column().name
    index = {"column_index": draw.random.randint(0, len(draw.table.columns) - 1)} if draw.sometimes(0.5) else {}
    return {"column": name, **index}


def distinct(draw: Draw) -> dict[str, Any]:
    column = draw.column()
    values = list(dict.fromkeys(column.there))
    drawn = draw.random.choice((values, values[1:], [*values, draw.value(column)], draw.values(column)))
    return {"column": column.name, "value_set": drawn or draw.values(column), **draw.condition()}


def common(draw: Draw) -> dict[str, Any]:
    column = draw.column()
    ties = draw.random.choice(({}, {"ties_okay": True}, {"ties_okay": False}))
    return {"column": column.name, "value_set": draw.values(column), **ties, **draw.condition()}


TYPE_NAMES = (
    *(
        "int64",
        "int",
        "INTEGER",
        "BIGINT",
        "float64",
        "float",
        "DOUBLE_PRECISION",
        "FLOAT",
        "NUMERIC",
        "DECIMAL",
        "str",
    ),
    *("object", "TEXT", "VARCHAR", "bool", "BOOLEAN", "datetime64", "DATE", "TIMESTAMP", "DATETIME", "date", "Decimal"),
)


def of_type(draw: Draw) -> dict[str, Any]:
    return {**null(draw), "type_": draw.random.choice(TYPE_NAMES)}


def one_type(draw: Draw) -> dict[str, Any]:
    return {"column": draw.column().name, "type_": draw.random.choice(TYPE_NAMES)}


def of_types(draw: Draw) -> dict[str, Any]:
    return {**null(draw), "type_list": draw.random.sample(TYPE_NAMES, draw.random.randint(1, 5))}


def spread(draw: Draw) -> dict[str, Any]:
    column = draw.column(NUMBERS)
    finite = [float(v) for v in column.there if not isinstance(v, str) and column.type in NUMBERS and abs(v) < 1e15]
    deviation = stdev(finite) if len(finite) > 1 else 1.0
    limits = draw.range_of(lambda: deviation * draw.random.choice((0, 0.5, 0.9, 1.1, 2)))
    return {"column": column.name, **limits, **draw.condition()}


def quantiles(draw: Draw) -> dict[str, Any]:
    column = draw.column((Type.WHOLE, Type.REAL, Type.DECIMAL))
    shares = draw.random.sample((0, 0.1, 0.25, 0.3333, 0.5, 0.75, 0.9, 1.0), draw.random.randint(1, 3))
    ranges = [sorted((draw.number_near(column), draw.number_near(column))) for _ in shares]
    ranges = [[draw.random.choice((low, None)), draw.random.choice((high, high, None))] for low, high in ranges]
    exactly = draw.random.choice(({}, {}, {"allow_relative_error": False}, {"allow_relative_error": "linear"}))
    asked = {"quantiles": shares, "value_ranges": ranges}
    return {"column": column.name, "quantile_ranges": asked, **exactly, **draw.condition()}


def divergence(draw: Draw) -> dict[str, Any]:
    column = draw.column((Type.WHOLE, Type.TEXT, Type.REAL), astray=0)
    threshold = draw.random.choice((0.01, 0.1, 0.5, 2))
    if column.type is Type.TEXT or draw.sometimes(0.3):
        values = list(dict.fromkeys(column.there or ["a"]))[:6]
        partition = {"values": values, "weights": [1 / len(values)] * len(values)}
        tail = draw.random.choice(({}, {"tail_weight_holdout": 0.1}))
        bucketize = {"bucketize_data": False} if column.type is not Type.TEXT else {}
        return {"column": column.name, "partition_object": partition, "threshold": threshold, **tail, **bucketize}
    partition = {"bins": [-5, 0, 2.5, 20], "weights": [0.2, 0.5, 0.3]}
    holdouts = draw.random.choice(({}, {"tail_weight_holdout": 0.1}, {"internal_weight_holdout": 0.1}))
    return {"column": column.name, "partition_object": partition, "threshold": threshold, **holdouts}
