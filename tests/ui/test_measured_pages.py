"""What the pages say of measuring, over gates that really judged: proofs, thresholds, statements, other connections."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from airflow_dataops.core.checks import Check
from airflow_dataops.core.results import CheckResult, GateResult, Statement
from airflow_dataops.core.verdicts import Outcome
from airflow_dataops.stores.store import Store
from airflow_dataops.ui import rendering
from tests.ui import measured, seed
from tests.ui.conftest import Login, Served, window
from tests.ui.test_pages import text

NULLS = Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "a"})


def stored(store: Store, result: GateResult, name: str = "orders") -> str:
    """Store what a gate found and return its page's address."""
    where = seed.key("gate", f"run_{name}", dag_id=name)
    return f"gates/{seed.gated(store, result, seed.START, where, conn_id=None)}"


def card(html: str, words: str) -> str:
    """Return what a reader sees of the one failed check whose card holds ``words``."""
    (found,) = [text(part) for part in re.findall(r"<article.*?</article>", html, re.S) if words in text(part)]
    return found


def row(html: str, label: str) -> str:
    """Return the cells of a check that holds, but for its history."""
    (found,) = [part for part in re.findall(r"<tr>\s*<td>.*?</tr>", html, re.S) if text(part).startswith(label)]
    return " | ".join(text(cell) for cell in re.findall(r"<td.*?</td>", found, re.S)[1:3])


@pytest.fixture
def orders(store: Store, login: Login) -> str:
    return login("viewer").get(stored(store, measured.judged_orders(samples=2))).text


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("id: to not be null", "all 1,234 rows | not null"),
        ("customer_id: to not be null", "all but 23 of 1,234 rows (1.86 %) | at least 95 % not null"),
        ("address: to match regex", r"all 1,222 rows looked at | matching the pattern ^Elm Street \d+$"),
        ("shop: distinct values", "missing: none | all values of {'east', 'west'}"),
        ("paid: quantile values", "0.5: 0 | 0.5 between 0 and 60"),
        ("all money arrived", "here: 48,675; there: 47,400 | within 10 % of the sum of exported on raw"),
        ("no order is paid twice", "0 | no rows of the query"),
    ],
)
def test_a_check_that_holds_says_of_how_many_rows_or_what_was_measured(orders: str, label: str, said: str) -> None:
    assert row(orders, label) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("address: to not be null", "WARN address: to not be null"),
        ("address: to not be null", "Expected not null but for at most 2 % (a warning above 0 rows)"),
        ("address: to not be null", "Rows that break it 12 of 1,234 0.97 %"),
        ("yesterday's orders", "Measured 2026-01-31 20:59:00 Expected at most 1 day old"),
        ("yesterday's orders", "What to do The shops export at 01:00."),
        ("status: distinct values", "Measured missing: refunded; others: 1 Expected the values of"),
        ("amount: quantile values", "Measured 0.05: 22; 0.5: 39; 0.95: 57"),
        (
            "all rows arrived",
            "1,234 rows, and 1,200 in exported on raw, 34 apart; expected equal to the number of rows",
        ),
        ("row count to equal other table", "Measured self: 1,234; other: 1,200"),
        ("discount: to be between", "there is no such column"),
        ("shop: sum to be", "Measured of another kind in 1,234 rows Expected at least 0"),
        ("paid in full", "table: 88 of 1,234 rows (7.13 %) do not meet the condition"),
        ("the audit trail is complete", "Measured could not be measured"),
        ("order_by 'id'", measured.ODD),
        ("customer_id: to exist", "500 500 north null 99"),
    ],
)
def test_a_check_that_does_not_hold_says_how_much_and_what_was_allowed(orders: str, words: str, said: str) -> None:
    assert said in card(orders, words)


def test_labels_of_checks_with_queries_stay_short(orders: str) -> None:
    headings = [text(part) for part in re.findall(r"<h2>.*?</h2>", orders, re.S)]
    assert max(map(len, headings)) < 200


def test_statements_stand_as_they_were_run_with_what_each_read(store: Store, login: Login) -> None:
    result = measured.judged_orders(samples=2)
    page = login("viewer").get(stored(store, result)).text
    panel = page[page.index('<ol class="statements">') :]
    shown = panel.split("<li>")[1:]
    assert [unescape(sql) for sql in re.findall(r"<pre tabindex=\"0\"><code>(.*?)</code></pre>", panel, re.S)] == [
        one.sql for one in result.statements
    ]
    number, big = max(enumerate(result.statements), key=lambda one: one[1].metrics)
    assert f"{big.metrics} metrics" in text(shown[number])
    assert "1 scan · 1,234 rows" in text(shown[number])
    elsewhere = next(i for i, one in enumerate(result.statements) if one.sql.startswith("-- on connection raw"))
    assert "-- on connection raw SELECT COUNT(*)" in text(shown[elsewhere])
    assert text(shown[-1]).startswith("failing rows SELECT")
    assert f"{len(result.statements)} statements measured this in {result.scans} scans" in text(page)


def test_a_proved_check_says_who_vouches_for_it(store: Store, login: Login, tmp_path: Path) -> None:
    page = login("viewer").get(stored(store, measured.judged_parquet(tmp_path))).text
    assert row(page, "id: to not be null") == "all 1,234 rows proved by Parquet footers | not null"
    assert row(page, "day: max to be") == "2026-02-01 proved by Parquet footers | at least '2026-02-01'"
    assert row(page, "id: to be unique") == "all 1,234 rows | unique"
    assert "4 checks needed none: proved by Parquet footers." in text(page)


def test_where_all_is_proved_no_statement_is_spoken_of(store: Store, login: Login, tmp_path: Path) -> None:
    result = measured.judged_parquet(tmp_path, measured.EXPORT[:3])
    assert result.statements == ()
    page = text(login("viewer").get(stored(store, result)).text)
    assert "No statement was run: all is proved by Parquet footers." in page
    assert "measured this in" not in page


def test_a_refuted_check_says_what_refutes_it(store: Store, login: Login, tmp_path: Path) -> None:
    low = {"type": "expect_column_max_to_be_between", "column": "amount", "max_value": 30}
    page = login("viewer").get(stored(store, measured.judged_parquet(tmp_path, [low]))).text
    assert "Measured 59" in card(page, "amount: max")
    assert "Known without reading a row Parquet footers" in card(page, "amount: max")


def test_a_long_message_can_be_read_whole(store: Store, login: Login) -> None:
    message = "the database said " + "a lot, " * 200 + "and then why"
    result = CheckResult(check=NULLS, outcome=Outcome.ERROR, message=message)
    page = login("viewer").get(stored(store, GateResult(suite="s", suite_hash="0" * 16, source="t", results=(result,))))
    assert "The whole message" in page.text
    assert "and then why" in page.text


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        (None, "—"),
        ("", "—"),
        (0.5, "0.5"),
        ("2026-02-01T00:00:00", "2026-02-01T00:00:00"),
        ([], "none"),
        (list(range(10)), "0, 1, 2, 3, 4, 5, 6, 7, … 2 more"),
        ({"missing": ["a", None], "others": 3}, "missing: a, nothing; others: 3"),
        ({"quantiles": [0.5], "values": [None]}, "0.5: nothing"),
        ({"rows": 2, "not_in_set": 1}, "rows: 2; not in set: 1"),
    ],
)
def test_what_was_observed_reads_as_a_person_says_it(observed: Any, said: str) -> None:
    assert rendering.observed(observed) == said


@pytest.mark.parametrize(
    ("broken", "looked_at", "rows", "said"),
    [
        (0, 1, 1, "all 1 row"),
        (0, 5, None, "all 5 rows"),
        (0, 5, 9, "all 5 rows looked at"),
        (1, 10_000_000, 10_000_000, "all but 1 of 10,000,000 rows (< 0.01 %)"),
        (0, 0, 9, "no row to look at"),
        (3, None, 9, "3 rows that break it"),
    ],
)
def test_rows_that_hold_are_counted(broken: int, looked_at: int | None, rows: int | None, said: str) -> None:
    found = CheckResult(check=NULLS, outcome=Outcome.PASS, unexpected_count=broken, element_count=looked_at)
    assert rendering.measured(found, rows) == said


@pytest.mark.parametrize(
    ("scans", "rows", "said"),
    [
        (1, 1_234, "1 scan · 1,234 rows"),
        (2, 2_468, "2 scans · 2,468 rows"),
        (1, None, "1 scan"),
        (0, 0, "no full scan"),
    ],
)
def test_what_a_statement_read_is_told_where_it_is_known(scans: int, rows: int | None, said: str) -> None:
    assert rendering.reading(Statement(sql="", seconds=0, metrics=1, scans=scans, rows=rows)) == said


# In a browser.


def test_all_that_is_measured_fits_every_window(
    chromium: Browser, served: Served, site: str, store: Store, tmp_path: Path
) -> None:
    pages = [
        stored(store, measured.judged_orders(samples=2)),
        stored(store, measured.judged_parquet(tmp_path), "export"),
        stored(store, measured.judged_wide(), "wide"),
        stored(store, measured.judged_empty(), "empty"),
        "gates",
    ]
    for width, theme in ((400, "light"), (1000, "dark"), (1600, "light")):
        with window(chromium, served, site, viewport={"width": width, "height": 900}, color_scheme=theme) as page:
            for path in pages:
                page.goto(path)
                expect(page.locator("html")).to_have_attribute("data-theme", theme)
                page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


@pytest.mark.parametrize("clipboard", [True, False])
def test_sql_is_copied_with_one_click_on_plain_http_too(
    chromium: Browser, served: Served, site: str, store: Store, clipboard: bool
) -> None:
    result = measured.judged_orders()
    path = stored(store, result)
    with window(chromium, served, site, permissions=["clipboard-read", "clipboard-write"]) as page:
        if not clipboard:
            page.add_init_script("navigator.clipboard.writeText = undefined")
        page.goto(path)
        page.get_by_text("statements measured this").click()
        page.locator(".statements summary").nth(3).click()
        opened = page.locator(".statements li").nth(3)
        opened.get_by_role("button", name="Copy").click()
        expect(opened.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == result.statements[3].sql
