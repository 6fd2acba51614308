"""Parquet footers as proofs: rows, null counts, and the least and greatest value where a footer can be trusted.

Not trusted: floats (NaN is left out), texts (bounds may be cut), unsigned, nested, int96, nanoseconds, no statistics.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from airflow_dataops.core.metrics import Known, Metric
from airflow_dataops.core.proofs import Bounds, Statistics

log = logging.getLogger(__name__)

BY = "Parquet footers"


class Footers:
    """Vouches for what the footers of Parquet files say of all of them together.

    :param paths: the files.
    :param filesystem: where they are, an fsspec filesystem; ``None`` for local files.
    :param partitions: what is certain of the columns that stand in the files' paths, by name.
    """

    def __init__(
        self, paths: Sequence[str], *, filesystem: Any = None, partitions: Mapping[str, Bounds] | None = None
    ) -> None:
        self._paths = paths
        self._filesystem = filesystem
        self._partitions = {name.casefold(): bounds for name, bounds in (partitions or {}).items()}
        self._bounds: dict[str, Bounds | None] = {}

    def known(self, metric: Metric) -> Known | None:
        """Return the metric's value if the footers say it; ``None``, unknown, if not."""
        return None if self._statistics is None else self._statistics.known(metric)

    @cached_property
    def _footers(self) -> list[_Footer]:
        from pyarrow.parquet import read_metadata

        return [_Footer(read_metadata(path, filesystem=self._filesystem)) for path in self._paths]

    @cached_property
    def _statistics(self) -> Statistics | None:
        try:
            rows = sum(footer.rows for footer in self._footers)
        except ImportError:
            log.debug("Without pyarrow no Parquet footer is read.")
            return None
        except Exception as error:  # whatever is wrong with a file, the scan will say it in the engine's words
            log.debug("The Parquet footers cannot be read: %s", error)
            return None
        return Statistics(by=BY, rows=rows, bounds_of=self._bounds_of)

    def _bounds_of(self, column: str) -> Bounds | None:
        folded = column.casefold()
        if folded in self._partitions:
            return self._partitions[folded]
        if folded not in self._bounds:
            try:
                self._bounds[folded] = _bounds_of_all(folded, self._footers)
            except (ValueError, OverflowError, NotImplementedError) as error:  # a value that Python cannot hold
                log.debug("The footers of column %s say nothing: %s", column, error)
                self._bounds[folded] = None
        return self._bounds[folded]


@dataclass(frozen=True)
class _Leaf:
    """One column in one file."""

    index: int
    kind: object
    required: bool


class _Footer:
    """One file's footer, with its columns by name."""

    def __init__(self, metadata: Any) -> None:
        self.rows: int = metadata.num_rows
        self._metadata = metadata
        schema = metadata.schema
        paths: dict[str, int | None] = {}
        for number in range(metadata.num_columns):
            path = schema.column(number).path
            paths[path] = None if path in paths else number  # a column "a.b" beside a struct's a.b: which is which?
        self._leaves: dict[str, _Leaf | None] = {}
        for field in schema.to_arrow_schema():
            folded, index = field.name.casefold(), paths.get(field.name)
            twice = folded in self._leaves
            self._leaves[folded] = None
            if index is not None and not twice:
                kind = _kind(field.type, schema.column(index).physical_type)
                self._leaves[folded] = None if kind is None else _Leaf(index, kind, not field.nullable)

    def lacks(self, folded: str) -> bool:
        """Whether the file has no such column."""
        return folded not in self._leaves

    def leaf(self, folded: str) -> _Leaf | None:
        """Return the column; ``None`` for one of which nothing is trusted."""
        return self._leaves[folded]

    def groups(self, leaf: _Leaf) -> Iterator[tuple[int, Any]]:
        """Yield the number of rows and the column's statistics of each row group that has rows."""
        for index in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(index)
            if group.num_rows:
                yield group.num_rows, group.column(leaf.index).statistics


_ORDERED: dict[object, type] = {"int": int, "date": date, "timestamp": datetime, "zoned": datetime}


def _kind(type_: Any, physical: str) -> object:
    """Return what kinds of columns can be put together; ``None`` for one of which nothing is trusted."""
    from pyarrow import types

    if types.is_floating(type_) or types.is_nested(type_) or physical == "INT96":
        return None
    if types.is_decimal(type_) and type_.precision > 38:  # DuckDB reads a float
        return None
    if types.is_signed_integer(type_):
        return "int"
    if types.is_date32(type_):
        return "date"
    if types.is_timestamp(type_) and type_.unit in ("ms", "us"):
        return "zoned" if type_.tz else "timestamp"
    return type_  # equal types only: decimals of one scale, texts, booleans


def _bounds_of_all(folded: str, footers: Sequence[_Footer]) -> Bounds | None:
    """Return what is certain of a column in all files; where a file lacks it, its rows are null."""
    nulls: int | None = sum(footer.rows for footer in footers if footer.lacks(folded))
    leaves = [(footer, footer.leaf(folded)) for footer in footers if not footer.lacks(folded)]
    kinds = {None if leaf is None else leaf.kind for _, leaf in leaves}
    if len(kinds) != 1 or None in kinds:
        return None
    found: list[tuple[Any, Any] | None] = []
    for footer, leaf in leaves:
        assert leaf is not None  # its kind is known
        for size, statistics in footer.groups(leaf):
            null = 0 if leaf.required else statistics.null_count if _has_nulls(statistics) else None
            nulls = None if nulls is None or null is None else nulls + null
            if null != size:
                found.append(_limits(leaf.kind, statistics))
    low, high = extremes(found)
    return Bounds(low=low, high=high, nulls=nulls, all_null=nulls == sum(footer.rows for footer in footers))


def _has_nulls(statistics: Any) -> bool:
    return statistics is not None and bool(statistics.has_null_count)


def _limits(kind: object, statistics: Any) -> tuple[Any, Any] | None:
    wanted = _ORDERED.get(kind, Decimal)
    if statistics is None or not statistics.has_min_max:
        return None
    limits = statistics.min, statistics.max
    if not all(isinstance(limit, wanted) and not isinstance(limit, bool) for limit in limits):
        return None
    if any((kind == "zoned") != (limit.tzinfo is not None) for limit in limits if isinstance(limit, datetime)):
        return None
    return (limits[0].astimezone(UTC), limits[1].astimezone(UTC)) if kind == "zoned" else limits


def extremes(found: Sequence[tuple[Any, Any] | None]) -> tuple[Any, Any]:
    """Return the least and the greatest of all limits; nothing if one of them is not known."""
    known = [limits for limits in found if limits is not None]
    if not known or len(known) < len(found):
        return None, None
    return min(low for low, _ in known), max(high for _, high in known)
