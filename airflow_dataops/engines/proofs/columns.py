"""A frame's columns as proofs: nulls, least and greatest value, looked up in memory in about a millisecond each.

A statement takes ten times as long for the same. What is not a plain array (texts' bounds, objects, nested) is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_dataops.core.metrics import Known, Metric
from airflow_dataops.core.proofs import Bounds, Statistics

BY = "the frame's column statistics"

# Values that are not in order show it early.
_FIRST_LOOK = 1024


@dataclass(frozen=True, kw_only=True)
class Plain:
    """One column as far as it is plain.

    :param nulls: how many values are null, those aside that are NaN or NaT in ``values``; ``None`` if not known.
    :param values: all values as a numpy array, if none of them is null in another way.
    :param zoned: the times are moments, in UTC.
    """

    nulls: int | None
    values: Any = None
    zoned: bool = False


class Columns:
    """Vouches for what a frame's columns are seen to hold; each is looked at once, when it is asked for.

    :param frame: a pandas or polars frame or an Arrow table, whose column names differ in more than case.
    """

    def __init__(self, frame: Any, names: Sequence[str], rows: int) -> None:
        self._frame = frame
        self._names = {name.casefold(): name for name in names}
        self._bounds: dict[str, Bounds | None] = {}
        self._statistics = Statistics(by=BY, rows=rows, bounds_of=self._bounds_of)

    def known(self, metric: Metric) -> Known | None:
        """Return the metric's value if the columns show it; ``None``, unknown, if not."""
        return self._statistics.known(metric)

    def _bounds_of(self, column: str) -> Bounds | None:
        name = self._names.get(column.casefold())
        if name is None:
            return None
        if name not in self._bounds:
            plain = _plain(self._frame, name)
            self._bounds[name] = None if plain is None else _bounds(plain)
        return self._bounds[name]


def _plain(frame: Any, name: str) -> Plain | None:
    flavours = {"pandas": _of_pandas, "polars": _of_polars, "pyarrow": _of_arrow}
    for cls in type(frame).__mro__:
        read = flavours.get(cls.__module__.split(".")[0])
        if read is not None:
            return read(frame[name])
    return None


def _of_pandas(series: Any) -> Plain | None:
    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if type(dtype).__module__.startswith("numpy"):
        return None if kind not in "iufbMm" else Plain(nulls=0, values=series.to_numpy())
    if type(dtype).__name__ == "DatetimeTZDtype":
        return Plain(nulls=0, values=series.to_numpy(dtype=f"M8[{dtype.unit}]"), zoned=True)
    # Of texts as Python objects, and of floats with two kinds of nothing, only a scan can tell.
    texts = type(dtype).__name__ == "StringDtype" and dtype.storage == "pyarrow"
    if texts or type(dtype).__name__ == "CategoricalDtype" or (hasattr(dtype, "numpy_dtype") and kind in "iub"):
        return Plain(nulls=int(series.isna().sum()))
    return None


def _of_polars(series: Any) -> Plain | None:
    dtype, nulls = series.dtype, series.null_count()
    name = type(dtype).__name__
    if dtype.is_float():
        if nulls:
            return Plain(nulls=nulls + int(series.is_nan().sum() or 0))
        return Plain(nulls=0, values=series.to_numpy())
    if dtype.is_nested() or name in ("Null", "Object", "Unknown"):
        return None
    if nulls == 0 and ((dtype.is_integer() and name.endswith(("8", "16", "32", "64"))) or name in ("Date", "Datetime")):
        return Plain(nulls=0, values=series.to_numpy(), zoned=bool(getattr(dtype, "time_zone", None)))
    return Plain(nulls=nulls)


def _of_arrow(column: Any) -> Plain | None:
    from pyarrow import compute, types

    type_, nulls = column.type, column.null_count
    if types.is_floating(type_):
        if nulls:
            return Plain(nulls=nulls + (compute.sum(compute.is_nan(column)).as_py() or 0))
        return Plain(nulls=0, values=column.to_numpy())
    if types.is_nested(type_) or types.is_null(type_) or types.is_dictionary(type_) or types.is_union(type_):
        return None
    if nulls == 0 and (types.is_integer(type_) or types.is_timestamp(type_) or types.is_date32(type_)):
        return Plain(nulls=0, values=column.to_numpy(), zoned=bool(getattr(type_, "tz", None)))
    return Plain(nulls=nulls)


def _bounds(plain: Plain) -> Bounds | None:
    values = plain.values
    if values is None or values.dtype.kind in "b":
        return Bounds(nulls=plain.nulls)
    if len(values) == 0:
        return Bounds(nulls=0, all_null=True)
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        return Bounds(low=low, high=high, nulls=0, unique=_rises(values))
    if values.dtype.kind == "f":
        return _bounds_of_floats(values)
    return _bounds_of_times(values, zoned=plain.zoned)


def _bounds_of_floats(values: Any) -> Bounds:
    import numpy

    least = values.min()
    # A NaN among them makes the least one NaN; NaN alone is not itself.
    nulls = int(numpy.count_nonzero(values != values)) if least != least else 0
    if nulls == len(values) or values.dtype.itemsize != 8:
        return Bounds(nulls=nulls, all_null=nulls == len(values))
    low, high = (numpy.fmin.reduce(values), numpy.fmax.reduce(values)) if nulls else (least, values.max())
    return Bounds(low=float(low), high=float(high), nulls=nulls)


def _bounds_of_times(values: Any, *, zoned: bool) -> Bounds:
    import numpy

    numbers = values.view("i8")  # which are compared several times as fast; NaT is the least of all
    nulls = int(numpy.isnat(values).sum()) if numpy.isnat(numbers.min().view(values.dtype)) else 0
    if nulls == len(values) or values.dtype.kind == "m":
        return Bounds(nulls=nulls, all_null=nulls == len(values))
    there = numbers[~numpy.isnat(values)] if nulls else numbers
    limits = [_moment(limit.view(values.dtype), zoned=zoned) for limit in (there.min(), there.max())]
    unique = nulls == 0 and _rises(numbers)
    if None in limits:
        return Bounds(nulls=nulls, unique=unique)
    return Bounds(low=limits[0], high=limits[1], nulls=nulls, unique=unique)


def _moment(value: Any, *, zoned: bool) -> Any:
    """Return a numpy time as Python's; ``None`` for one that Python cannot hold to the last digit."""
    exact = value.astype("M8[us]") if value.dtype != "M8[D]" else value
    if exact.astype(value.dtype) != value:
        return None
    moment = exact.item()
    if isinstance(moment, int):  # beyond the years of Python
        return None
    return moment.replace(tzinfo=UTC) if zoned and isinstance(moment, datetime) else moment


def _rises(values: Any) -> bool:
    """Whether each value is above the one before: then none is there twice."""
    first = values[: _FIRST_LOOK + 1]
    return bool((first[1:] > first[:-1]).all()) and bool((values[1:] > values[:-1]).all())
