"""Iceberg manifests as proofs: rows, null counts, and limits of whole numbers, decimals, days and times.

Not trusted: a float's nulls without its NaN count, limits of floats and texts, nested columns, and a manifest's limits
as values: the format only promises that no value lies beyond them.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from airflow_dataops.core.metrics import Known, Metric
from airflow_dataops.core.proofs import Bounds, Statistics
from airflow_dataops.engines.proofs.footers import extremes

log = logging.getLogger(__name__)

BY = "Iceberg manifests"


class Manifests:
    """Vouches for what manifests say of all data files of one snapshot; they are found by field id, not by name.

    :param files: the snapshot's data files as PyIceberg has them; none of their rows is deleted.
    :param schema: the table's schema as PyIceberg has it.
    """

    def __init__(self, files: Sequence[Any], schema: Any) -> None:
        self._files = files
        self._fields: dict[str, Any] = {}
        for field in schema.fields:
            folded = field.name.casefold()
            self._fields[folded] = None if folded in self._fields else field
        self._bounds: dict[str, Bounds | None] = {}
        counted = all(file.record_count >= 0 for file in files)
        self._rows = sum(file.record_count for file in files) if counted else None
        self._statistics = Statistics(by=BY, rows=self._rows, bounds_of=self._bounds_of)

    def known(self, metric: Metric) -> Known | None:
        """Return the metric's value if the manifests say it; ``None``, unknown, if not."""
        return self._statistics.known(metric)

    def _bounds_of(self, column: str) -> Bounds | None:
        folded = column.casefold()
        if folded not in self._bounds:
            field = self._fields.get(folded)
            plain = field is not None and field.field_type.is_primitive and self._rows is not None
            self._bounds[folded] = self._of_all_files(field) if plain else None
        return self._bounds[folded]

    def _of_all_files(self, field: Any) -> Bounds:
        nulls: int | None = 0
        found: list[tuple[Any, Any] | None] = []
        for file in self._files:
            null = _nulls(field, file)
            nulls = None if nulls is None or null is None else nulls + null
            if null != file.record_count:
                found.append(_limits(field, file))
        low, high = extremes(found)
        return Bounds(low=low, high=high, exact=False, nulls=nulls, all_null=nulls == self._rows)


def _nulls(field: Any, file: Any) -> int | None:
    """Return how many rows of the file are null there, NaN among them; ``None`` if the manifest does not say."""
    counts, nulls = _of(file.value_counts, field), _of(file.null_value_counts, field)
    if not file.record_count:
        return 0
    if nulls is None or counts != file.record_count or not 0 <= nulls <= counts:
        return None
    if str(field.field_type) not in ("float", "double") or nulls == counts:
        return int(nulls)
    nans = _of(file.nan_value_counts, field)
    return None if nans is None or not 0 <= nans <= counts - nulls else int(nulls + nans)


def _limits(field: Any, file: Any) -> tuple[Any, Any] | None:
    """Return two values between which all of the file's lie; ``None`` if the manifest says none that can be trusted."""
    read = _readers().get(type(field.field_type))
    limits = _of(file.lower_bounds, field), _of(file.upper_bounds, field)
    if read is None or None in limits:
        return None
    try:
        low, high = (read(field.field_type, limit) for limit in limits)
    except (struct.error, ValueError, OverflowError) as error:  # of another type, or nothing that Python can hold
        log.debug("The limits of column %s in %s say nothing: %s", field.name, file.file_path, error)
        return None
    return low, high


def _of(values: Mapping[int, Any] | None, field: Any) -> Any:
    return None if values is None else values.get(field.field_id)


@lru_cache(maxsize=1)
def _readers() -> dict[type, Callable[[Any, bytes], Any]]:
    """Return how limits are read, by the types whose limits are trusted."""
    from pyiceberg import types
    from pyiceberg.conversions import from_bytes
    from pyiceberg.utils.datetime import days_to_date, micros_to_timestamp, micros_to_timestamptz

    number: Callable[[Any, bytes], Any] = from_bytes
    return {
        types.IntegerType: number,
        types.LongType: number,
        types.DecimalType: number,
        types.DateType: lambda type_, value: days_to_date(number(type_, value)),
        types.TimestampType: lambda type_, value: micros_to_timestamp(number(type_, value)),
        types.TimestamptzType: lambda type_, value: micros_to_timestamptz(number(type_, value)),
    }
