"""What need not be measured: metrics that the source vouches for, and what they equal."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from airflow_dataops.core.metrics import Count, Known, Metric, Repeats
from airflow_dataops.core.ports import Voucher


class Vouched:
    """The metrics of one snapshot that vouchers know.

    :param filtered: only some of the source's rows are looked at. What holds for each row, or for no row, holds for
        those too; a number of rows or a largest value does not.
    """

    def __init__(self, vouchers: Sequence[Voucher], *, filtered: bool) -> None:
        self._vouchers = vouchers
        self._filtered = filtered
        self._same: dict[Metric, Metric] = {}
        self.by: dict[Metric, str] = {}

    def sift(self, metrics: Iterable[Metric], values: dict[Metric, Any]) -> list[Metric]:
        """Put what is known into ``values``; return what must be measured, each once."""
        wanted: dict[Metric, None] = {}
        queue = deque(metrics)
        while queue:
            metric = queue.popleft()
            if metric in values or metric in self._same or metric in wanted:
                continue
            known = self._known(metric)
            if known is None:
                wanted[metric] = None
                continue
            self.by[metric] = known.by
            if known.same_as is None:
                values[metric] = known.value
            else:
                self._same[metric] = known.same_as
                queue.append(known.same_as)
        return list(wanted)

    def complete(self, values: dict[Metric, Any]) -> None:
        """Give each metric that equals another one that one's value."""
        for metric in self._same:
            values[metric] = values[self._root(metric)]

    def _known(self, metric: Metric) -> Known | None:
        for voucher in self._vouchers:
            known = voucher.known(metric)
            if known is None or (known.same_as is not None and self._root(known.same_as) == metric):
                continue
            none = isinstance(metric, Count | Repeats) and known.value == 0
            if not self._filtered or known.same_as is not None or none:
                return known
        return None

    def _root(self, metric: Metric) -> Metric:
        while metric in self._same:
            metric = self._same[metric]
        return metric
