"""Usage: what is read outside of Airflow, too, and what nobody reads any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_dataops.hooks.store import open_store
from airflow_dataops.operators.errors import airflow_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class HarvestUsageOperator(BaseOperator):
    """Log who used what outside of Airflow, from the database's own records, and return what was found.

    Each run goes on where the last one ended, and counts in one transaction: a retry or a second run counts nothing
    twice. What Airflow's tasks have told already and what this package itself has run is left out.

    :param conn_id: the database's connection; its role must see what others run (PostgreSQL: ``pg_read_all_stats``).
        (templated)
    :param source: one record: ``pg_stat_statements``, ``pg_stat_user_tables`` or ``log`` of PostgreSQL,
        ``access_history`` of Snowflake, ``jobs`` of BigQuery. By default both counters of PostgreSQL, or its log
        where that is given, and what the others have. (templated)
    :param log_path: PostgreSQL's csvlog or jsonlog on the worker's host, a path or a glob. (templated)
    :param region: BigQuery's, such as ``eu``. (templated)
    :param exclude: roles, applications and consumers that are no readers, such as a monitoring's. (templated)
    """

    template_fields: Sequence[str] = ("conn_id", "source", "log_path", "region", "exclude")
    ui_color = "#eef3fb"

    def __init__(
        self,
        *,
        conn_id: str,
        source: str | None = None,
        log_path: str | None = None,
        region: str | None = None,
        exclude: str | Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.source = source
        self.log_path = log_path
        self.region = region
        self.exclude = exclude

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Harvest and return for each record how much was new, and whose it was."""
        from airflow_dataops.hooks.harvesting import harvest_from

        with airflow_errors():
            found = harvest_from(
                open_store(),
                self.conn_id,
                source=self.source,
                log=self.log_path,
                region=self.region,
                exclude=self.exclude,
            )
        return [each.to_dict() for each in found]


class UsageReportOperator(BaseOperator):
    """Report which datasets, releases and columns nobody reads any more, and who has not yet read what is live.

    The report is written to the log and returned, as plain values and, under ``markdown``, as a text to send.

    :param datasets: these alone, a name or several; all of them, where none is given. (templated)
    :param window_days: how far back reads count; 92 sees what runs once a quarter. (templated)
    :param keep_days: remove single events that are older, when the report is made; what they add up to stays. By
        default none are removed. (templated)
    """

    template_fields: Sequence[str] = ("datasets", "window_days", "keep_days")
    ui_color = "#eef3fb"

    def __init__(
        self,
        *,
        datasets: str | Sequence[str] = (),
        window_days: float | str = 92,
        keep_days: float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.window_days = window_days
        self.keep_days = keep_days

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the report into the log, remove old events where that is asked for, and return the report."""
        from airflow_dataops.services.usage import report

        now = datetime.now(UTC)
        with airflow_errors():
            window = _days("window_days", self.window_days)
            keep = None if self.keep_days in (None, "", "None") else _days("keep_days", self.keep_days)
            datasets = [self.datasets] if isinstance(self.datasets, str) else list(self.datasets)
            store = open_store()
            found = report(store, now, window=window, datasets=[name for name in datasets if name])
            for line in found.markdown.splitlines():
                self.log.info("%s", line)
            if keep is not None:
                self.log.info("Events older than %s days removed: %d.", keep.days, store.usage.forget(now - keep))
        return found.to_dict()


def _days(name: str, value: Any) -> timedelta:
    """Return a number of days.

    :raises ConfigurationError: it is none.
    """
    from airflow_dataops.core.errors import ConfigurationError

    try:
        days = float(value)
        if not 0 < days <= 36_500:
            raise ValueError
    except (TypeError, ValueError):
        raise ConfigurationError(f"{name}={value!r} is no number of days: expected one above 0, such as 92.") from None
    return timedelta(days=days)
