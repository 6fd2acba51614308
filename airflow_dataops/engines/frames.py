"""Frames (pandas, polars, Arrow) measured where they are: registered with an embedded DuckDB, never copied."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.engines.dbapi import DbApiSession

VIEW = "data"

_FRAMES = {("pandas", "DataFrame"), ("polars", "DataFrame"), ("polars", "LazyFrame"), ("pyarrow", "Table")}


def is_frame(data: Any) -> bool:
    """Whether ``data`` is a pandas or polars frame, or an Arrow table; imports none of them."""
    return any((cls.__module__.split(".")[0], cls.__name__) in _FRAMES for cls in type(data).__mro__)


def label(data: Any) -> str:
    """Return the frame as a person names it: ``pandas DataFrame``."""
    return f"{type(data).__module__.split('.')[0]} {type(data).__name__}"


@contextlib.contextmanager
def opened(data: Any) -> Iterator[DbApiSession]:
    """Open a database whose table ``data`` is the frame.

    :raises ConfigurationError: two columns of one name, or a column whose values are of several types: DuckDB would
        look at the first, or at a sample of a thousand values, and be wrong without a word.
    """
    frame = data.collect() if type(data).__name__ == "LazyFrame" else data
    _distinct_names(_names(frame))
    objects = _objects(frame) if _is_pandas(frame) else []
    import duckdb

    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        if objects:
            # Left alone, a sample of a thousand values would decide that these are whole numbers.
            connection.execute(f"SET pandas_analyze_sample = {len(frame)}")
        connection.register(VIEW, frame)
        yield DbApiSession(connection, "duckdb")


def _is_pandas(frame: Any) -> bool:
    return any(cls.__module__.split(".")[0] == "pandas" for cls in type(frame).__mro__)


def _names(frame: Any) -> list[Any]:
    return list(frame.column_names if hasattr(frame, "column_names") else frame.columns)


def _distinct_names(names: list[Any]) -> None:
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise ConfigurationError(f"Column {odd[0]!r} of the frame is not named by text: rename it, then validate.")
    folded = Counter(name.casefold() for name in names)
    twice = [name for name in names if folded[name.casefold()] > 1]
    if twice:
        raise ConfigurationError(
            f"Columns {', '.join(twice)} of the frame have the same name but for upper and lower case: rename them."
        )


def _objects(frame: Any) -> list[str]:
    """Return the object columns that do not hold text only, after refusing those of several types."""
    infer = sys.modules["pandas"].api.types.infer_dtype
    found = {name: infer(frame[name], skipna=True) for name in frame.columns if frame[name].dtype == object}
    for name, kind in found.items():
        if kind.startswith("mixed") and kind != "mixed-integer-float":
            raise ConfigurationError(
                f"Column {name!r} of the frame holds values of several types ({kind}): "
                f"give it one, for example frame[{name!r}].astype(str)."
            )
    return [name for name, kind in found.items() if kind != "string"]
