"""Usage: what is read outside of Airflow, too."""

from __future__ import annotations

from collections.abc import Sequence
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
