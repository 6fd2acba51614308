"""What Airflow loads in every component: names and addresses. The pages are built in the api-server, when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.lineage import HookLineageReader

from airflow_dataops.listeners import promotions, reads
from airflow_dataops.macros import ref
from airflow_dataops.operators.links import GATE_TAB

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

URL_PREFIX = "/dataops"


class LazyApp:
    """An ASGI application that imports FastAPI and the templates at its first request."""

    _app: Any = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Pass the request on."""
        if self._app is None:
            from airflow_dataops.ui.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


def _view(name: str, href: str, destination: str, url_route: str, icon: str) -> dict[str, Any]:
    """Return a view as Airflow wants it; addresses are relative, so that a path prefix before Airflow is kept."""
    return {
        "name": name,
        "href": f"dataops/{href}",
        "destination": destination,
        "url_route": url_route,
        "icon": f"dataops/static/{icon}.svg",
        "icon_dark_mode": f"dataops/static/{icon}-dark.svg",
        "nav_top_level": True,
    }


class DataOpsPlugin(AirflowPlugin):
    """Gates, releases and usage in the navigation, a Gate tab on task instances, ``ref`` in templates, reads heard."""

    name = "dataops"
    # Lists, because that is what Airflow takes views out of.
    macros = [ref]  # noqa: RUF012
    # The last one hears first: a promotion's news does not wait for its reads.
    listeners = [reads, promotions]  # noqa: RUF012
    # Without a reader Airflow's hooks report nothing, and the listener would have nothing to read.
    hook_lineage_readers = [HookLineageReader]  # noqa: RUF012
    fastapi_apps = [{"app": LazyApp(), "url_prefix": URL_PREFIX, "name": "DataOps"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        _view("Gates", "gates", "nav", "dataops_gates", "gate"),
        _view("Releases", "releases", "nav", "dataops_releases", "release"),
        _view("Usage", "usage", "nav", "dataops_usage", "usage"),
        _view(
            "Gate",
            "gate?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}",
            "task_instance",
            GATE_TAB,
            "gate",
        ),
    ]
