"""What the pages say, over a store with the demo's history."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from airflow_dataops.core.checks import Check
from airflow_dataops.core.releases import Dataset
from airflow_dataops.core.results import CheckResult, GateResult
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.stores.store import Store
from tests.ui import seed
from tests.ui.conftest import Login

TAB = "gate?dag_id=flights_release&run_id=manual__february&task_id=gate&map_index="


def text(html: str) -> str:
    """Return what a reader sees of a page, as one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture
def runs(store: Store) -> dict[str, int]:
    return seed.story(store)


def test_gate_tab_shows_failures_first_with_how_much_and_what_to_do(runs: dict[str, int], login: Login) -> None:
    answer = login("viewer").get(TAB + "{MAP_INDEX}")
    assert answer.status_code == 200
    page = text(answer.text)
    assert page.index("3 FAIL , 1 WARN , 2 PASS of 6 checks on 25,951 rows") < page.index("distance: to be between")
    assert "4,113 of 25,951 15.85 %" in page
    assert "between 16 and 5,000" in page
    assert "What to do Miles. Kilometres look like 1.6 times as much" in page
    assert 'NOT ("distance" >= 16 AND "distance" <= 5000)' in page
    assert (
        page.index("tailnum: to not be null")
        < page.index("dep_delay: mean to be between")
        < page.index("2 checks held")
    )
    assert "2 statements measured this in 2 scans" in page
    assert "nyc_flights" in page


def test_history_strip_tells_outcomes_in_words(runs: dict[str, int], login: Login) -> None:
    answer = login("viewer").get(f"gates/{runs['march']}")
    strip = re.search(r'<ol class="strip".*?</ol>', answer.text, re.S)
    assert strip is not None
    assert [runs[name] for name in ("january", "broken", "repaired", "march")] == [
        int(number) for number in re.findall(r"gates/(\d+)", strip.group())
    ]
    assert "2026-02-02 06:01 UTC · manual__february" in strip.group()


def test_tab_of_a_task_without_a_gate_says_what_to_do(runs: dict[str, int], login: Login) -> None:
    answer = login("viewer").get("gate?dag_id=flights_release&run_id=manual__february&task_id=load&map_index=-1")
    assert answer.status_code == 200
    assert "No gate has judged data here" in answer.text
    assert "load &gt;&gt; gate" in answer.text


def test_tab_tells_map_indexes_and_tries_apart(store: Store, login: Login) -> None:
    for index, result in ((0, seed.bad()), (1, seed.good(10, number=1))):
        seed.gated(store, result, seed.START, seed.key("gate", "r", map_index=index))
    first = seed.gated(store, seed.bad(), seed.START, seed.key("gate", "s"))
    second = seed.gated(store, seed.good(10, number=1), seed.START, seed.key("gate", "s", try_number=2))
    client = login("viewer")
    where = "gate?dag_id=flights_release&task_id=gate"
    assert "<title>FAIL" in client.get(f"{where}&run_id=r&map_index=0").text
    assert "<title>PASS" in client.get(f"{where}&run_id=r&map_index=1").text
    assert "No gate has judged" in client.get(f"{where}&run_id=r&map_index={{MAP_INDEX}}").text
    latest = client.get(f"{where}&run_id=s&map_index={{MAP_INDEX}}").text
    assert "<title>PASS" in latest
    assert f"gates/{first}" in latest
    assert f'aria-current="page" href="gates/{second}"' in latest


def test_gates_are_filtered_and_paged_newest_first(runs: dict[str, int], store: Store, login: Login) -> None:
    client = login("viewer")
    numbers = [int(n) for n in re.findall(r'class="main" href="gates/(\d+)"', client.get("gates").text)]
    assert numbers == sorted(runs.values(), reverse=True)
    only = client.get("gates?verdict=FAIL&dag=flights_release&dataset=nyc.flights").text
    assert re.findall(r'class="main" href="gates/(\d+)"', only) == [str(runs["broken"])]
    assert "No gate run matches" in client.get("gates?dag=elsewhere").text
    for minute in range(50):
        seed.gated(
            store, seed.good(10, number=1), seed.START + timedelta(minutes=minute), seed.key("gate", f"r{minute}")
        )
    first = client.get("gates?verdict=PASS").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    rest = client.get(unescape(older.group(1))).text
    assert re.findall(r'class="main" href="gates/(\d+)"', rest) == [str(runs["march"]), str(runs["january"])]
    assert "Newest" in rest


def test_shadow_says_that_nothing_was_stopped(store: Store, login: Login) -> None:
    number = seed.gated(store, seed.bad(), seed.START, seed.key("gate", "r"), on_fail="shadow")
    assert "shadow: nothing was stopped" in login("viewer").get(f"gates/{number}").text
    assert "shadow: nothing was stopped" in login("viewer").get("gates").text


def test_one_error_that_kept_all_checks_from_being_measured_is_told_once(store: Store, login: Login) -> None:
    message = "Catalog Error: Table nyc.flights does not exist"
    errors = tuple(
        CheckResult(check=check, outcome=Outcome.ERROR, message=message)
        for check in (seed.TAIL, seed.DISTANCE, seed.ROWS)
    )
    result = GateResult(suite="s", suite_hash="0" * 16, source="table nyc.flights", results=errors)
    page = login("viewer").get(f"gates/{seed.gated(store, result, seed.START, seed.key('gate', 'r'))}").text
    assert page.count(message) == 1
    assert "3 checks could not be measured" in page


def test_releases_show_state_live_and_reasons(runs: dict[str, int], login: Login) -> None:
    page = text(login("viewer").get("releases").text)
    assert "live: nyc.flights@r3" in page
    assert re.search(r"r4 ROLLED BACK .* r3 ● LIVE .* r2 ✕ REJECTED .* r1 SUPERSEDED", page)
    assert "rolled back by flights_release.promote" in page
    assert "The delay report counts cancelled flights since March." in page


def test_release_page_shows_gates_events_columns_and_readers(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    live = text(client.get("releases/nyc.flights/3").text)
    assert "This is what readers of nyc.flights get." in live
    for part in (
        "nyc.flights__r3",
        "raw.flights, raw.planes",
        "! WARN flights_release.gate",
        "restored",
        "tailnum VARCHAR",
    ):
        assert part in live
    assert "delay_report.build_report not known" in live  # the columns, as ref does not tell them
    assert "Whom a change of nyc.flights reaches" in live
    assert "(exact)" in live
    refused = text(client.get("releases/nyc.flights/2").text)
    assert "REJECTED" in refused
    assert "A gate refuses this release" in refused
    assert "Readers of nyc.flights get nyc.flights@r3" in refused
    assert "Nobody that we know of." in refused


def test_older_releases_are_a_click_away(store: Store, login: Login) -> None:
    dataset = Dataset(
        name="sales.orders", conn_id="warehouse", publisher="view", target="sales.orders", reader="sales.orders"
    )
    for number in range(12):
        seed.staged(store, dataset, seed.START + timedelta(hours=number), f"r{number}", "f")
    client = login("viewer")
    assert "releases?dataset=sales.orders" in client.get("releases").text
    assert "Older releases" in client.get("releases").text
    every = client.get("releases?dataset=sales.orders").text
    assert "Older releases" not in every
    assert "releases/sales.orders/1" in every


@pytest.mark.parametrize("path", ["gates", "releases"])
def test_empty_pages_say_what_to_do_next(store: Store, login: Login, path: str) -> None:
    page = text(login("viewer").get(path).text)
    assert "GateOperator(" in page
    assert re.search(r"No (gate has run|release) .*yet", page)


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_hostile_names_are_only_text(store: Store, login: Login) -> None:
    check = Check(
        kind="expect_column_values_to_not_be_null",
        kwargs={"column": HOSTILE},
        name=HOSTILE,
        meta={"notes": {"format": "markdown", "content": [HOSTILE]}},
    )
    found = CheckResult(
        check=check,
        outcome=Outcome.FAIL,
        observed=HOSTILE,
        expected=HOSTILE,
        unexpected_count=1,
        element_count=2,
        message=HOSTILE,
        failing_rows_sql=HOSTILE,
        samples=({HOSTILE: HOSTILE},),
    )
    result = GateResult(suite=HOSTILE, suite_hash="0" * 16, source=HOSTILE, results=(found,))
    where = seed.key(HOSTILE, HOSTILE, dag_id=HOSTILE)
    for _ in range(2):
        number = seed.gated(store, result, seed.START, where)
    client = login("viewer")
    tab = client.get("gate", params={"dag_id": HOSTILE, "run_id": HOSTILE, "task_id": HOSTILE})
    for page in (tab, client.get(f"gates/{number}"), client.get("gates"), client.get("gates", params={"dag": HOSTILE})):
        assert page.status_code == 200
        assert "&lt;script&gt;" in page.text
        assert "<script>alert" not in page.text
        assert "<img" not in page.text


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    for path in ("gates", f"gates/{runs['broken']}", "releases", "releases/nyc.flights/3", TAB, "gates/4711"):
        page = client.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r'(?:src|href|action)="(?:[a-z]+:|/)', page.text), "addresses are relative"
        assert not re.search(r"\son\w+=|\sstyle=|<style|<script>", page.text), "nothing inline"


@pytest.mark.parametrize("path", ["gates/1", "releases/nyc.flights/1", "gates", TAB])
def test_static_files_are_found_from_every_depth(runs: dict[str, int], login: Login, path: str) -> None:
    client = login("viewer")
    page = client.get(path)
    found = re.findall(r'(?:href|src)="([^"]*static/[^"]+)"', page.text)
    assert len(found) == 3
    for address in found:
        asset = client.get(str(page.url.join(address)))
        assert asset.status_code == 200
        assert "no-store" not in asset.headers.get("Cache-Control", "")


def test_a_path_prefix_before_airflow_changes_no_address(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    client._transport.root_path = "/airflow"  # type: ignore[attr-defined]
    page = client.get("http://testserver/airflow/dataops/gates/1")
    assert page.status_code == 200
    assert 'href="../static/dataops.css' in page.text


@pytest.mark.parametrize("number", ["4711", "-1", "x", "9" * 30])
@pytest.mark.parametrize("path", ["gates/{}", "releases/nyc.flights/{}", "releases/none/{}"])
def test_what_is_not_there_is_a_404(runs: dict[str, int], login: Login, path: str, number: str) -> None:
    answer = login("viewer").get(path.format(number))
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_nonsense_in_an_address_is_not_an_error(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    assert client.get(TAB + "9" * 30).status_code == 200
    assert client.get("gates?verdict=SPLENDID&before=").status_code in (200, 404)
    assert client.get("gates?before=x").status_code == 404


def test_store_of_another_version_is_a_clear_page(store: Store, login: Login) -> None:
    from sqlalchemy import text as sql

    with store.engine.begin() as connection:
        connection.execute(sql("UPDATE dataops_alembic_version SET version_num = '0000'"))
    answer = login("viewer").get("gates")
    assert answer.status_code == 503
    assert "Run: airflow dataops db upgrade" in answer.text


def test_store_that_cannot_be_reached_is_a_clear_page(
    store: Store, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", "postgres://me:s3cret@127.0.0.1:9/dataops")
    answer = login("viewer").get("releases")
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
    assert "s3cret" not in answer.text


def test_reading_changes_nothing(runs: dict[str, int], store: Store, login: Login) -> None:
    def rows() -> list[object]:
        with store.engine.connect() as connection:
            return list(connection.connection.iterdump())  # type: ignore[attr-defined]

    before = rows()
    client = login("viewer")
    for path in ("gates", f"gates/{runs['broken']}", "releases", "releases/nyc.flights/3", TAB):
        assert client.get(path).status_code == 200
    assert rows() == before
    assert client.post("gates").status_code == 405
