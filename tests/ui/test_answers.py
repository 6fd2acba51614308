"""The button that approves, on a running Airflow: who may press it, and what comes of it."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import DemoAirflow
from tests.e2e.approvals import Asked, started
from tests.ui.browsing import visit


@pytest.fixture
def asked(demo_airflow: DemoAirflow) -> Asked:
    return started(demo_airflow.airflow)


def path(asked: Asked, *deed: str) -> str:
    return "/".join(["dataops/releases", asked.release.dataset, str(asked.release.number), *deed])


def field(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found, text
    return found[1]


def press(page: Page, asked: Asked, answer: str, why: str) -> None:
    """Click from the release's page to the answer; nothing where the task does not wait in this moment."""
    page.goto(path(asked))
    link = page.get_by_role("link", name="Approve…")
    if link.count():
        link.click()
        page.get_by_label("Why?").fill(why)
        page.get_by_role("button", name=answer).click()
        expect(page.get_by_role("status")).to_contain_text(f"Your answer ({answer}) is with Airflow")


def test_two_people_approve_by_clicking(chromium: Browser, demo_airflow: DemoAirflow, asked: Asked) -> None:
    for person, why, width, theme in (("ada", "as <agreed>", 400, "dark"), ("grace", "", 1300, "light")):
        looks = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
        with visit(chromium, demo_airflow.airflow, user=person, **looks) as window:
            asked.answer_by(lambda page=window.page, why=why: press(page, asked, "Approve", why))
            assert window.page.evaluate("document.documentElement.scrollWidth") <= width
            assert window.elsewhere == []
            assert window.complaints == []
    said = [(action, by, why) for action, by, why in asked.history() if action == "approved"]
    assert said == [("approved", "ada", "as <agreed>"), ("approved", "grace", None)]
    assert asked.ended() == "success"


def test_nobody_else_presses_it_and_looking_answers_nothing(demo_airflow: DemoAirflow, asked: Asked) -> None:
    airflow = demo_airflow.airflow

    def client(user: str | None) -> httpx.Client:
        cookies = {"_token": airflow.token(user)} if user else {}
        return httpx.Client(base_url=f"{airflow.url}/", cookies=cookies, timeout=60, trust_env=False)

    here = {"Origin": airflow.url, "Sec-Fetch-Site": "same-origin"}
    with client("ada") as ada, client("viewer") as viewer, client(None) as nobody:
        page = ada.get(path(asked, "approve"))
        form = {"task": field(page.text, "task"), "mark": field(page.text, "mark"), "answer": "Approve"}
        assert (page.status_code, "0 of 2" in page.text) == (200, True)
        assert "/approve" not in viewer.get(path(asked)).text
        for refused, status in ((viewer, 403), (nobody, 401)):
            assert refused.get(path(asked, "approve")).status_code == status
            assert refused.post(path(asked, "approve"), data=form, headers=here).status_code == status
        for wrong, headers, status, words in (
            (form, {}, 403, "was not sent from this page"),
            (form, {"Origin": "http://elsewhere.example"}, 403, "was not sent from this page"),
            ({**form, "answer": "Perhaps"}, here, 422, "expected Approve or Reject"),
            ({**form, "reason": "x" * 2_001}, here, 422, "at most 2,000 characters"),
            ({**form, "mark": "nyc.weather@r1#00000000"}, here, 409, "Nobody waits for this answer any more"),
            ({**form, "task": "0" * 8}, here, 409, "Nobody waits for this answer any more"),
        ):
            answer = ada.post(path(asked, "approve"), data=wrong, headers=headers)
            assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert ada.get("dataops/releases/nyc.weather/99999/approve").status_code == 404
        assert asked.history() == []
        asked.answer_by(lambda: ada.post(path(asked, "approve"), data={**form, "answer": "Reject"}, headers=here))
        assert asked.ended() == "success"
        assert "No task waits for an answer" in ada.get(path(asked, "approve")).text
    assert asked.shown == "REJECTED"
