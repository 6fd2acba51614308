"""The way from a task to its gate's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

GATE_TAB = "dataops_gate"
"""The ``url_route`` of the Gate tab, as the plugin registers it with Airflow's UI."""


class GateLink(BaseOperatorLink):
    """A button on the task instance that opens its Gate tab; the worker computes it after every try, failed or not."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Gate"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the tab's path on this Airflow.

        It names no host: a worker may know the api-server by another name than the reader's browser does.

        :param ti_key: dag, run, task and map index; a key or the running task instance itself.
        """
        from airflow.sdk.configuration import conf

        prefix = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        dag, run, task = (quote(part, safe="") for part in (ti_key.dag_id, ti_key.run_id, ti_key.task_id))
        index = getattr(ti_key, "map_index", None)
        mapped = f"/mapped/{index}" if index is not None and index >= 0 else ""
        return f"{prefix}/dags/{dag}/runs/{run}/tasks/{task}{mapped}/plugin/{GATE_TAB}"
