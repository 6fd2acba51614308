"""The way from a task to its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import ReleaseName

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
        dag, run, task = (quote(part, safe="") for part in (ti_key.dag_id, ti_key.run_id, ti_key.task_id))
        index = getattr(ti_key, "map_index", None)
        mapped = f"/mapped/{index}" if index is not None and index >= 0 else ""
        return f"{_prefix()}/dags/{dag}/runs/{run}/tasks/{task}{mapped}/plugin/{GATE_TAB}"


class DiffLink(BaseOperatorLink):
    """A button on the task instance that opens the page of the release that was compared, where its diffs stand."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Diff"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the page's path on this Airflow; none where the task was given no release.

        :param operator: the task, its arguments rendered.
        """
        try:
            name = ReleaseName.parse(getattr(operator, "release", None))
        except ConfigurationError:
            return ""
        return f"{_prefix()}/dataops/releases/{quote(name.dataset, safe='')}/{name.number}"


def _prefix() -> str:
    """Return the path before Airflow's own, of a proxy."""
    from airflow.sdk.configuration import conf

    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
