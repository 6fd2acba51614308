"""Hostile addresses and reasons: every GET is answered with a page of ours, and what is shown is text."""

from __future__ import annotations

from html import escape, unescape
from urllib.parse import quote

import pytest

from airflow_dataops.stores.store import Store
from tests.operators.hostile import CORPUS
from tests.ui import seed
from tests.ui.conftest import Login

ROUTES = (
    "releases?dataset={}",
    "releases/{}/1",
    "releases/nyc.flights/{}",
    "gates?verdict={0}&dag={0}&dataset={0}&before={0}",
    "gates/{}",
    "gate?dag_id=flights_release&run_id={0}&task_id={0}&map_index={0}",
    "gate?dag_id={0}&run_id={0}&task_id={0}&map_index={0}",
)
NUMBERS = ("-1", "1" * 30, "-" + "1" * 30, "0x10", "1.5", "١")


@pytest.mark.parametrize("route", ROUTES)
def test_a_hostile_address_gets_a_page_of_ours_in_which_it_is_text(store: Store, login: Login, route: str) -> None:
    seed.story(store)
    client = login("viewer")
    before = [len(store.releases.events(release.name)) for release in store.releases.of()]
    # Every third value for each address: another third for the next.
    for value in (*CORPUS, *NUMBERS)[ROUTES.index(route) % 3 :: 3]:
        answer = client.get(route.format(quote(value[:2000], safe="", errors="surrogatepass")))
        assert answer.status_code in (200, 403, 404), (value, answer.status_code)
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "Traceback" not in answer.text
    assert before == [len(store.releases.events(release.name)) for release in store.releases.of()]


def test_a_reason_is_shown_as_it_was_written(store: Store, login: Login) -> None:
    hostile = [value for value in CORPUS if "<" in value or "{" in value or "DROP" in value]
    for number, reason in enumerate((r for r in hostile if r.isprintable()), start=1):
        release = seed.staged(store, seed.FLIGHTS, seed.START, f"run {number}", "f")
        seed.switched(store, release, seed.START, f"run {number}", epoch=number, reason=reason)
        page = login("viewer").get(f"releases/{release.dataset.name}/{release.number}").text
        assert reason in unescape(page)
        assert reason == escape(reason, quote=False) or reason not in page
