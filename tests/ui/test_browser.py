"""A reader clicks through the demo's history, in a real browser on a running Airflow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from dags_examples.demo.story import RELEASE
from tests.conftest import DemoAirflow
from tests.ui.browsing import Visit, visit

FAILED = "expect_compound_columns_to_be_unique"


@pytest.fixture
def visitor(chromium: Browser, demo_airflow: DemoAirflow) -> Iterator[Visit]:
    """Open a window of somebody who is logged in; at the end nothing may have been asked of another host."""
    with visit(chromium, demo_airflow.airflow) as window:
        yield window
        assert window.elsewhere == []
        assert window.complaints == []


def frame(page: Page) -> FrameLocator:
    """Return our page inside Airflow's."""
    return page.frame_locator("iframe")


def open_gate_tab(page: Page, demo_airflow: DemoAirflow, step: str) -> None:
    """Click from the DAG run's page to its gate's tab."""
    page.goto(f"dags/{RELEASE}/runs/{demo_airflow.told[step].run_id}")
    page.get_by_role("row").get_by_role("link", name="gate", exact=True).click()
    page.get_by_role("link", name="Gate", exact=True).click()


def test_a_failed_gate_is_found_from_the_dag_runs_page_its_failed_checks_first(
    visitor: Visit, demo_airflow: DemoAirflow
) -> None:
    open_gate_tab(visitor.page, demo_airflow, "bad_february")
    inside = frame(visitor.page)
    expect(inside.get_by_role("heading", level=1)).to_have_text(f"{RELEASE}.gate")
    outcomes = inside.locator("article .badge").all_inner_texts()
    words = [re.sub(r"\W", "", text) for text in outcomes]
    assert words == ["FAIL"] * words.count("FAIL") + ["WARN"] * words.count("WARN")
    assert words.count("FAIL") == 4
    expect(inside.locator("article").first.get_by_text(re.compile("of .* %"))).to_be_visible()


def test_sql_of_the_failing_rows_opens_with_the_keyboard(visitor: Visit, demo_airflow: DemoAirflow) -> None:
    open_gate_tab(visitor.page, demo_airflow, "bad_february")
    summary = frame(visitor.page).get_by_text("SQL that shows these rows").first
    summary.focus()
    visitor.page.keyboard.press("Enter")
    sql = frame(visitor.page).locator("details[open] pre").first
    expect(sql).to_be_visible()
    expect(sql).to_contain_text("SELECT")
    frame(visitor.page).locator("details[open] .sql").get_by_role("button", name="Copy").click()
    expect(frame(visitor.page).get_by_role("button", name="Copied")).to_be_visible()


def test_the_tasks_own_link_leads_to_the_tab(visitor: Visit, demo_airflow: DemoAirflow) -> None:
    run_id = demo_airflow.told["bad_february"].run_id
    page = visitor.page
    page.goto(f"dags/{RELEASE}/runs/{run_id}/tasks/gate/details")
    page.locator("a[href*='plugin/dataops_gate'][target]").click()
    expect(frame(page).get_by_role("heading", level=1)).to_have_text(f"{RELEASE}.gate")


def test_gates_in_the_navigation_lead_to_a_run_and_on_to_its_task_instance(
    visitor: Visit, demo_airflow: DemoAirflow
) -> None:
    page = visitor.page
    page.goto(".")
    page.get_by_role("link", name="Gates", exact=True).click()
    inside = frame(page)
    expect(inside.get_by_role("heading", level=1)).to_have_text("Gates")
    inside.get_by_label("Verdict").select_option("FAIL")
    expect(inside.locator("table.list tbody tr")).to_have_count(1)
    inside.get_by_role("link", name=f"{RELEASE}.gate").click()
    expect(inside.get_by_role("heading", level=1)).to_have_text(f"{RELEASE}.gate")
    inside.get_by_role("link", name="Task instance").click()
    expect(page).to_have_url(re.compile(rf"/dags/{RELEASE}/runs/manual__.*/tasks/gate$"))
    expect(page.get_by_role("link", name="Gate", exact=True)).to_be_visible()


def test_releases_in_the_navigation_show_what_is_live_and_what_was_rolled_back(
    visitor: Visit, demo_airflow: DemoAirflow
) -> None:
    page = visitor.page
    page.goto(".")
    page.get_by_role("link", name="Releases", exact=True).click()
    inside = frame(page)
    expect(inside.get_by_role("heading", level=1)).to_have_text("Releases")
    flights = inside.get_by_role("region", name="nyc.flights", exact=True)
    states = flights.locator(".timeline > li > .line:first-child .badge").all_inner_texts()
    words = [re.sub(r"[^\w ]", "", text).strip() for text in states]
    assert words == ["ROLLED BACK", "LIVE", "REJECTED", "SUPERSEDED"]
    flights.get_by_role("link", name="r3", exact=True).click()
    expect(inside.get_by_text("This is what readers of")).to_be_visible()
    expect(inside.get_by_text("nyc_delay_report.report").first).to_be_visible()


def test_usage_in_the_navigation_draws_who_reads_the_flights_and_leads_to_a_dag(
    visitor: Visit, demo_airflow: DemoAirflow
) -> None:
    page = visitor.page
    page.goto(".")
    page.get_by_role("link", name="Usage", exact=True).click()
    inside = frame(page)
    inside.locator("[data-ready]").wait_for()
    inside.get_by_role("button", name=re.compile(r"^nyc\.flights, dataset")).click()
    details = inside.get_by_role("complementary", name="Details")
    details.get_by_role("button", name="nyc_delay_report", exact=True).click()
    expect(details.get_by_role("heading", level=2)).to_have_text("nyc_delay_report")
    details.get_by_role("link", name="Open the DAG").click()
    expect(page).to_have_url(re.compile(r"/dags/nyc_delay_report"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_follow_airflows_theme(visitor: Visit, demo_airflow: DemoAirflow, theme: str) -> None:
    page = visitor.page
    page.goto("plugin/dataops_gates")
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    # The frame hears of it from the storage itself, without being loaded again.
    expect(frame(page).locator("html")).to_have_attribute("data-theme", theme)
    page.reload()
    expect(frame(page).locator("html")).to_have_attribute("data-theme", theme)


@pytest.mark.parametrize("width", [400, 1000, 1600])
@pytest.mark.parametrize("path", ["gates", "releases", "releases/nyc.flights/3", "bad_february", "usage"])
def test_pages_fit_their_window(visitor: Visit, demo_airflow: DemoAirflow, width: int, path: str) -> None:
    page = visitor.page
    page.set_viewport_size({"width": width, "height": 900})
    if path == "bad_february":
        run_id = demo_airflow.told[path].run_id
        page.goto(f"dataops/gate?dag_id={RELEASE}&run_id={run_id.replace('+', '%2B')}&task_id=gate")
    else:
        page.goto(f"dataops/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


ANYTHING = (
    "gates",
    "gates/1",
    "releases",
    "releases/nyc.flights/1",
    "gate?dag_id=x&run_id=y&task_id=z",
    "usage",
    "usage/graph.json",
    "usage/of?name=nyc.flights",
)


@pytest.mark.parametrize("path", ANYTHING)
def test_the_anonymous_get_401_from_the_running_airflow(demo_airflow: DemoAirflow, path: str) -> None:
    answer = httpx.get(f"{demo_airflow.airflow.url}/dataops/{path}", trust_env=False)
    assert answer.status_code == 401
    assert "nyc" not in answer.text


def test_a_viewer_reads_every_page_and_writes_none(chromium: Browser, demo_airflow: DemoAirflow) -> None:
    with visit(chromium, demo_airflow.airflow, user="viewer") as window:
        open_gate_tab(window.page, demo_airflow, "february")
        expect(frame(window.page).get_by_text("WARN").first).to_be_visible()
        for path in ("gates", "gates/1", "releases", "releases/nyc.flights/1", "usage", "usage/graph.json"):
            assert window.page.request.get(f"dataops/{path}").status == 200
            assert window.page.request.post(f"dataops/{path}").status == 405
