"""Frames (pandas, polars, Arrow) measured where they are: registered with an embedded DuckDB, never copied."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.embedded import TABLE, Opened, identifier
from airflow_dataops.engines.proofs.columns import Columns

_FRAME = "dataops_frame"

_FRAMES = {("pandas", "DataFrame"), ("polars", "DataFrame"), ("polars", "LazyFrame"), ("pyarrow", "Table")}


def is_frame(data: Any) -> bool:
    """Whether ``data`` is a pandas or polars frame, or an Arrow table; imports none of them."""
    return any((cls.__module__.split(".")[0], cls.__name__) in _FRAMES for cls in type(data).__mro__)


def label(data: Any) -> str:
    """Return the frame as a person names it: ``pandas DataFrame``."""
    return f"{type(data).__module__.split('.')[0]} {type(data).__name__}"


@contextlib.contextmanager
def opened(data: Any) -> Iterator[Opened]:
    """Open a database in which the frame can be asked about.

    :raises ConfigurationError: two columns of one name, or a column whose values are of several types: DuckDB would
        look at the first, or at a sample of a thousand values, and be wrong without a word.
    :raises MeasureError: there is no column, or one of a type that DuckDB does not know.
    """
    frame = data.collect() if type(data).__name__ == "LazyFrame" else data
    names = _names(frame)
    _distinct_names(names)
    if not names:
        raise MeasureError("the frame has no column")
    objects = _objects(frame) if _is_pandas(frame) else {}
    import duckdb

    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        if any(kind != "string" for kind in objects.values()):
            # Left alone, a sample of a thousand values would decide that these are whole numbers.
            connection.execute(f"SET pandas_analyze_sample = {len(frame)}")
        valueless = [name for name, kind in objects.items() if kind == "empty"]
        _register(connection, _FRAME if valueless else TABLE, frame)
        if valueless:  # DuckDB would take those of a frame without rows for text
            nothing = ", ".join(f'NULL::"NULL" AS {identifier(name)}' for name in valueless)
            connection.execute(f"CREATE VIEW {TABLE} AS SELECT * REPLACE ({nothing}) FROM {_FRAME}")
        vouchers = (Columns(frame, names, len(frame)),)
        yield Opened(db=DbApiSession(connection, "duckdb"), query=f"SELECT * FROM {TABLE}", vouchers=vouchers)


def _register(connection: Any, name: str, frame: Any) -> None:
    """Let DuckDB read the frame where it is.

    :raises MeasureError: names the column of a type that it does not know.
    """
    error = _refusal(connection, name, frame)
    if error is None:
        return
    for column in _names(frame):
        alone = frame[[column]] if _is_pandas(frame) else frame.select([column])
        if _refusal(connection, "dataops_column", alone) is not None:
            values = frame[column]
            type_ = values.dtype if hasattr(values, "dtype") else values.type
            raise MeasureError(
                f"column {column!r} of the frame is {type_}, which cannot be measured: "
                "convert it, to text for example, or leave it out"
            ) from error
    raise error


def _refusal(connection: Any, name: str, frame: Any) -> Exception | None:
    """Return why DuckDB cannot read the frame, having registered it if it can."""
    if "Object" in map(str, getattr(frame, "dtypes", ())):
        return TypeError("polars would hand out where its objects are, which would pass for values")
    try:
        connection.register(name, _scannable(frame))
        connection.execute(f"DESCRIBE {name}").fetchall()
    except ImportError as error:
        raise ConfigurationError(f"This frame is read through Arrow: install pyarrow ({error}).") from error
    except Exception as error:  # DuckDB, polars and Arrow each have their own
        return error
    return None


def _scannable(frame: Any) -> Any:
    """Return the frame as DuckDB reads it without a copy: left to itself it would copy polars' texts."""
    if type(frame).__module__.split(".")[0] == "polars":
        return frame.to_arrow(compat_level=sys.modules["polars"].CompatLevel.newest())
    return frame


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


def _objects(frame: Any) -> dict[str, str]:
    """Return what each object column holds, in pandas' word for it, after refusing those of several types."""
    infer = sys.modules["pandas"].api.types.infer_dtype
    found = {name: infer(frame[name], skipna=True) for name in frame.columns if frame[name].dtype == object}
    for name, kind in found.items():
        # Of lists, dicts and the like pandas says no more than "mixed".
        one = kind == "mixed" and len({type(value) for value in frame[name].dropna()}) == 1
        if kind.startswith("mixed") and kind != "mixed-integer-float" and not one:
            raise ConfigurationError(
                f"Column {name!r} of the frame holds values of several types ({kind}): "
                f"give it one, for example frame[{name!r}].astype(str)."
            )
    return found
