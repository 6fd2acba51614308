"""What the pages say of diffs, over releases that were really compared: nothing that they show is made up."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from warehouses import Warehouse

from airflow_dataops.core.diff_policy import DiffPolicy, FailOn
from airflow_dataops.core.releases import Operation
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target, diff, promote, stage
from airflow_dataops.stores.store import Store
from tests.ui import seed
from tests.ui.conftest import Login, Served, window
from tests.ui.test_pages import text

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
CARRIER = HOSTILE.replace('"', '""')
JANUARY = f"""
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
SELECT i AS flight, 'N' || i AS tailnum, 100 + i % 7 AS distance, i % 60 AS dep_delay, 'UA' AS "{CARRIER}"
FROM n
"""
FEBRUARY = (
    JANUARY.replace("100 + i % 7", "CASE WHEN i % 10 = 0 THEN 1.6 * i ELSE 100 + i % 7 END")
    .replace("i % 60 AS dep_delay, 'UA' AS", "'late' AS note, CASE WHEN i > 990 THEN 'AA' ELSE 'UA' END AS")
    .replace("FROM n\n", "FROM n WHERE i > 20 UNION ALL SELECT 5000 + i, 'X', 1, 'late', 'UA' FROM n WHERE i < 50\n")
)


@pytest.fixture
def compared(store: Store, tmp_path: Path) -> dict[str, int]:
    """Compare two releases as tasks would, and return the diffs' numbers."""
    connector = Warehouse("sqlite", f"{tmp_path}/warehouse.db")
    target = Target(store=store, publisher=publisher_for(connector), connector=connector, fingerprint=fingerprint)

    def op(task: str, run: str) -> Operation:
        at = seed.START + timedelta(minutes=len(run))
        return Operation(op_id=f"{task} {run}", by=f"{seed.DAG}.{task}", now=at, key=seed.key(task, run))

    first = stage(target, "nyc.flights", op("stage", "january"), sql=JANUARY)
    numbers = {"first": diff(target, first.name, op("diff", "january"), key=["flight"]).id}
    promote(target, first.name, op("promote", "january"), required=[], ungated="a test")
    second = stage(target, "nyc.flights", op("stage", "february"), sql=FEBRUARY)
    rules = DiffPolicy(fail_on=(FailOn.BREAKING_SCHEMA,), max_changed=0.05)
    at = op("diff", "february")
    numbers["refused"] = diff(target, second.name, at, key=["flight"], policy=rules, samples=2).id
    numbers["passed"] = diff(target, second.name, at, key=["flight"], policy=DiffPolicy(max_changed=0.2)).id
    numbers["unkeyed"] = diff(target, second.name, at).id
    return numbers


def test_a_refused_diff_says_why_first_and_then_what_differs(compared: dict[str, int], login: Login) -> None:
    answer = login("viewer").get(f"diffs/{compared['refused']}")
    assert answer.status_code == 200
    page = text(answer.text)
    assert "✕ REFUSED nyc.flights@r2 against nyc.flights@r1" in page
    assert page.index("Why it is refused breaking_schema: dep_delay dropped") < page.index("Columns For readers")
    assert "max_changed=0.05: 176 against 1,000 live keys (17.6 %): 49 added, 20 removed, 107 changed" in page
    assert "✕ breaking dep_delay dropped who reads it fails" in page
    assert "not breaking note added" in page
    assert "Keys added 49 Keys removed 20 2 % Rows changed 107 10.7 % Rows the same 873 87.3 %" in page
    assert "distance 98 10 %" in page
    assert "No difference in 1 column." in page
    assert re.search(r"6 sampled keys .* added 5001 .* removed 1 .* changed 30 distance", page)
    assert "statements found this" in page


def test_a_first_release_and_one_without_a_key_say_so(compared: dict[str, int], login: Login) -> None:
    client = login("viewer")
    assert "Nothing of nyc.flights was live: 1,000 rows." in text(client.get(f"diffs/{compared['first']}").text)
    unkeyed = text(client.get(f"diffs/{compared['unkeyed']}").text)
    assert "COMPARED" in unkeyed
    assert "no key was given" in unkeyed
    passed = text(client.get(f"diffs/{compared['passed']}").text)
    assert "✓ PASS" in passed
    assert "Asked max_changed=0.2" in passed


def test_the_releases_page_lists_its_diffs_and_leads_to_them(
    compared: dict[str, int], store: Store, login: Login
) -> None:
    client = login("viewer")
    html = client.get("releases/nyc.flights/2").text
    shown = re.findall(r'href="../../diffs/(\d+)"', html)
    assert shown == [str(compared[name]) for name in ("unkeyed", "passed", "refused")]
    assert "keys: 49 added, 20 removed, 107 changed; " in text(html)
    weather = replace(seed.FLIGHTS, name="nyc.weather", target="nyc.weather", reader="nyc_weather")
    seed.staged(store, weather, seed.START, "bare", "f")
    bare = text(client.get("releases/nyc.weather/1").text)
    assert "It has not been compared with what was live." in bare
    assert "airflow dataops release diff nyc.weather@r1 --key" in bare


def test_names_are_only_text_and_nothing_is_inline_or_from_elsewhere(compared: dict[str, int], login: Login) -> None:
    client = login("viewer")
    for path in (f"diffs/{compared['refused']}", "releases/nyc.flights/2"):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert not re.search(r'(?:src|href|action)="(?:[a-z]+:|/)', page.text)
        assert not re.search(r"\son\w+=\"|\sstyle=|<style|<script>", page.text)
    assert "&lt;script&gt;" in client.get(f"diffs/{compared['refused']}").text


def test_a_diff_is_shown_to_those_who_may_read_its_dag(compared: dict[str, int], login: Login) -> None:
    path = f"diffs/{compared['refused']}"
    assert login("").get(path).status_code == 401
    assert login("flights-reader").get(path).status_code == 200
    assert login("hotels-reader").get(path).status_code == 404
    assert login("viewer").get("diffs/4711").status_code == 404
    assert login("viewer").post(path).status_code == 405


def test_a_diff_fits_every_window_and_is_reached_from_its_release(
    chromium: Browser,
    served: Served,
    site: str,
    compared: dict[str, int],
) -> None:
    for width, theme in ((400, "dark"), (1400, "light")):
        options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
        with window(chromium, served, site, **options) as page:
            page.goto("releases/nyc.flights/2")
            expect(page.locator("html")).to_have_attribute("data-theme", theme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.get_by_role("row", name="REFUSED").get_by_role("link").click()
            expect(page.get_by_role("heading", level=2).first).to_have_text("Why it is refused")
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for number in compared.values():
                page.goto(f"diffs/{number}")
                assert page.evaluate("document.documentElement.scrollWidth") <= width
