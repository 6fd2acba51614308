"""What Airflow loads: light, valid, and leading to the Gate tab."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from airflow_dataops.operators.links import GATE_TAB, DiffLink, GateLink
from airflow_dataops.ui.plugin import URL_PREFIX, DataOpsPlugin


def test_importing_the_plugin_loads_no_page() -> None:
    code = (
        "import sys, airflow.plugins_manager; before = set(sys.modules)\n"
        "import airflow_dataops.ui.plugin\n"
        "new = {m for m in set(sys.modules) - before}\n"
        "heavy = ('fastapi', 'pandas', 'duckdb', 'sqlglot', 'great_expectations', 'airflow_dataops.stores', "
        "'airflow_dataops.ui.app', 'airflow_dataops.services')\n"
        "sys.exit(', '.join(sorted(m for m in new if m.startswith(heavy))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_airflow_takes_every_view() -> None:
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse
    from airflow.plugins_manager import is_valid_plugin

    assert is_valid_plugin(DataOpsPlugin)
    views = [ExternalViewResponse.model_validate(view) for view in DataOpsPlugin.external_views]
    assert [(view.name, view.destination) for view in views] == [
        ("Gates", "nav"),
        ("Releases", "nav"),
        ("Usage", "nav"),
        ("Gate", "task_instance"),
    ]
    assert len({view.url_route for view in views}) == 4
    assert not any(view.href.startswith(("/", "http")) for view in views), "a path prefix before Airflow is kept"


@pytest.mark.parametrize(
    ("base_url", "map_index", "expected"),
    [
        ("http://localhost:8080", -1, f"/dags/d/runs/manual__1%2B00%3A00/tasks/g.gate/plugin/{GATE_TAB}"),
        ("https://corp/airflow/", -1, f"/airflow/dags/d/runs/manual__1%2B00%3A00/tasks/g.gate/plugin/{GATE_TAB}"),
        ("", 3, f"/dags/d/runs/manual__1%2B00%3A00/tasks/g.gate/mapped/3/plugin/{GATE_TAB}"),
    ],
)
def test_link_leads_to_the_tab_of_its_task_instance(
    monkeypatch: pytest.MonkeyPatch, base_url: str, map_index: int, expected: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    key = SimpleNamespace(dag_id="d", run_id="manual__1+00:00", task_id="g.gate", map_index=map_index)
    assert GateLink().get_link(None, ti_key=key) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("base_url", "release", "expected"),
    [
        ("http://localhost:8080", "nyc.flights@r2", f"{URL_PREFIX}/releases/nyc.flights/2"),
        ("https://corp/airflow/", "nyc.flights@r2", f"/airflow{URL_PREFIX}/releases/nyc.flights/2"),
        ("", "{{ not rendered }}", ""),
    ],
)
def test_link_of_a_diff_leads_to_its_release(
    monkeypatch: pytest.MonkeyPatch, base_url: str, release: str, expected: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert DiffLink().get_link(SimpleNamespace(release=release), ti_key=None) == expected  # type: ignore[arg-type]
