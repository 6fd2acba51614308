"""Buttons on releases: who may press them, what they do, and that nothing else can press them for you."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from airflow_dataops.core.releases import Operation, Release, State, TaskKey
from airflow_dataops.core.usage import Use
from airflow_dataops.hooks.connectors import HookConnector
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target, promote, stage
from airflow_dataops.stores.store import Store
from tests.ui.conftest import Login, Served, window

HOME = "http://testserver"
HERE = {"Origin": HOME, "Sec-Fetch-Site": "same-origin"}
NAME = "nyc.flights"


@pytest.fixture
def target(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A real warehouse with two releases, the first of them live."""
    place = {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(place))
    first = _stage("one", 1)
    opened = target_of(store, NAME)
    promote(opened, first.name, _op("promote one"), required=[], ungated="the first")
    _stage("two", 2)
    return opened


def _op(name: str) -> Operation:
    key = TaskKey(dag_id="flights_release", run_id=name, task_id="stage", try_number=1)
    return Operation(op_id=name, by="flights_release.stage", now=datetime.now(UTC), key=key)


def _stage(name: str, v: int) -> Release:
    from airflow_dataops.engines.fingerprints import fingerprint
    from airflow_dataops.hooks.store import open_store

    connector = HookConnector("warehouse")
    made = Target(store=open_store(), publisher=publisher_for(connector), connector=connector, fingerprint=fingerprint)
    return stage(made, NAME, _op(name), sql=f"SELECT {v} AS v")


def _rows(target: Target) -> list[Any]:
    with target.connector.open(read_only=True) as db:
        return db.execute("SELECT * FROM nyc_flights")


def _op_id(text: str) -> str:
    found = re.search(r'name="op_id" value="([0-9a-f]{32})"', text)
    assert found, text
    return found[1]


def _state(target: Target, number: int) -> State:
    return next(r.state for r in target.store.releases.of(NAME) if r.number == number)


def test_a_roll_back_says_its_plan_asks_for_a_reason_and_is_done_once(login: Login, target: Target) -> None:
    promote(target, target.store.releases.of(NAME)[0].name, _op("promote two"), required=[], ungated="the second")
    assert _rows(target) == [(2,)]
    ada = login("ada", "user")
    assert 'href="2/rollback"' in ada.get(f"releases/{NAME}/2").text
    asked = ada.get(f"releases/{NAME}/2/rollback")
    assert asked.status_code == 200
    assert "point nyc_flights from nyc_flights__r2 (nyc.flights@r2) to nyc_flights__r1" in asked.text
    assert _rows(target) == [(2,)], "a GET changed something"
    form = {"reason": "kilometres <again>", "op_id": _op_id(asked.text)}
    for _ in range(2):
        answer = ada.post(f"releases/{NAME}/2/rollback", data=form, headers=HERE)
        assert answer.status_code == 200
    assert _rows(target) == [(1,)]
    events = target.store.releases.events(target.store.releases.live(NAME).name)
    assert [(e["action"], e["by"], e["reason"]) for e in events if e["action"] == "restore"] == [
        ("restore", "ui:ada", "kilometres <again>")
    ]
    assert "kilometres &lt;again&gt;" in ada.get(f"releases/{NAME}/1").text


def test_a_promotion_is_refused_with_its_reason_where_no_gate_has_judged(login: Login, target: Target) -> None:
    ada = login("ada", "user")
    asked = ada.get(f"releases/{NAME}/2/promote").text
    assert "This would be refused" in asked
    assert "no gate stands upstream of it" in asked
    assert "on a machine that can" not in asked  # it would be refused there, too
    assert "<textarea" not in asked
    form = {"reason": "all the same", "op_id": "0" * 32}
    answer = ada.post(f"releases/{NAME}/2/promote", data=form, headers=HERE)
    assert (answer.status_code, "Nothing was done" in answer.text) == (409, True)
    assert _rows(target) == [(1,)]


@pytest.mark.parametrize(("name", "status"), [("", 401), ("grace", 403), ("hotels-reader", 404)])
def test_who_may_not(login: Login, target: Target, name: str, status: int) -> None:
    client = login(name)
    form = {"reason": "mine", "op_id": "0" * 32}
    assert client.get(f"releases/{NAME}/1/rollback").status_code == status
    assert client.post(f"releases/{NAME}/1/rollback", data=form, headers=HERE).status_code == status
    if status == 403:
        page = client.get(f"releases/{NAME}/1")
        assert page.status_code == 200
        assert "/rollback" not in page.text
    assert _state(target, 1) is State.LIVE


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://elsewhere.example"},
        {"Origin": HOME, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://elsewhere.example", "Authorization": "Basic YWRhOmFkYQ=="},
        {"Origin": f"{HOME}.elsewhere.example"},
    ],
)
def test_another_site_cannot_press_a_button(login: Login, target: Target, headers: dict[str, str]) -> None:
    ada = login("ada", "user")
    form = {"reason": "mine", "op_id": "0" * 32}
    answer = ada.post(f"releases/{NAME}/2/promote", data=form, headers=headers)
    assert answer.status_code == 403
    assert "was not sent from this page" in answer.text
    assert target.store.releases.events(target.store.releases.of(NAME)[0].name)[-1]["action"] == "built"


def test_behind_a_proxy_that_renames_the_host_the_address_that_people_see_counts(
    login: Login, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/prefix")
    form = {"reason": "mine", "op_id": "0" * 32}
    answer = login("ada", "user").post(
        f"releases/{NAME}/2/promote", data=form, headers={"Origin": "https://airflow.example"}
    )
    assert (answer.status_code, "no gate stands upstream" in answer.text) == (409, True)


def test_the_plan_does_not_tell_of_dags_that_the_user_may_not_read(login: Login, target: Target) -> None:
    promote(target, target.store.releases.of(NAME)[0].name, _op("promote two"), required=[], ungated="the second")
    read = Use(
        consumer="secret_report.build",
        dataset=NAME,
        release=2,
        relation="nyc_flights__r2",
        source="ref",
        at=datetime.now(UTC),
        key=TaskKey(dag_id="secret_report", run_id="r", task_id="build"),
    )
    target.store.usage.add(read)
    path = f"releases/{NAME}/2/rollback"
    assert "secret_report.build" in login("ada", "user").get(path).text
    page = login("flights-reader", "user").get(path)
    assert page.status_code == 200
    assert "secret_report" not in page.text
    assert "a task of another DAG" in page.text


@pytest.mark.parametrize(
    "form", [{}, {"reason": "  "}, {"reason": "x" * 2_001}, {"reason": "fine", "op_id": "'; DROP TABLE x"}]
)
def test_a_form_without_a_reason_or_with_a_strange_identity_does_nothing(
    login: Login, target: Target, form: dict[str, str]
) -> None:
    answer = login("ada", "user").post(f"releases/{NAME}/1/rollback", data={"op_id": "0" * 32, **form}, headers=HERE)
    assert answer.status_code == 422
    assert "Nothing was done" in answer.text
    assert _state(target, 1) is State.LIVE


def test_what_is_not_there_is_not_found(login: Login, target: Target) -> None:
    ada = login("ada", "user")
    for path in (f"{NAME}/9/promote", f"{NAME}/1/drop", "nyc.hotels/1/promote", f"{NAME}/99999999999/promote"):
        assert ada.get(f"releases/{path}").status_code == 404
        assert ada.post(f"releases/{path}", data={"reason": "r", "op_id": "0" * 32}, headers=HERE).status_code == 404


def test_a_database_that_cannot_be_reached_is_told_with_the_command(
    login: Login, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1}))
    page = login("ada", "user").get(f"releases/{NAME}/1/rollback")
    assert page.status_code == 200
    assert "This would be refused" in page.text
    assert "airflow dataops release rollback nyc.flights@r1 --reason" in page.text


def test_a_database_file_that_is_elsewhere_is_told_and_none_is_made(
    login: Login, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "warehouse.db"
    file.rename(tmp_path / "elsewhere.db")
    page = login("ada", "user").get(f"releases/{NAME}/1/rollback").text
    assert f"names the SQLite file {file}, which is not on this machine." in page
    assert "airflow dataops release rollback nyc.flights@r1 --reason" in page
    assert not file.exists()


def test_who_holds_the_lock_is_named_on_the_page(
    login: Login, store: Store, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    from airflow_dataops.ui import actions

    monkeypatch.setattr(actions, "PATIENCE", 1.0)
    folder, database = re.search(r"/(\w+)\?host=(.*)", postgres_url).group(2, 1)
    place = {"conn_type": "postgres", "host": folder, "login": "postgres", "schema": database}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(place))
    for number, name in enumerate(("one", "two"), start=1):
        staged = _stage(name, number)
        promote(target_of(store, NAME), staged.name, _op(f"promote {name}"), required=[], ungated="a test")
    ada = login("ada", "user")
    form = {"reason": "wrong", "op_id": _op_id(ada.get(f"releases/{NAME}/2/rollback").text)}
    with psycopg.connect(postgres_url, application_name="the monthly report") as reader:
        reader.execute("SELECT * FROM nyc.flights")
        answer = ada.post(f"releases/{NAME}/2/rollback", data=form, headers=HERE)
    assert (answer.status_code, "Nothing was done" in answer.text) == (409, True)
    assert "application &#39;the monthly report&#39;" in answer.text
    assert ada.post(f"releases/{NAME}/2/rollback", data=form, headers=HERE).status_code == 200  # it has ended
    assert target_of(store, NAME).store.releases.live(NAME).number == 1


@pytest.mark.parametrize(("width", "theme"), [(400, "dark"), (1300, "light")])
def test_a_person_rolls_back_by_clicking(
    chromium: Browser, served: Served, site: str, target: Target, width: int, theme: str
) -> None:
    promote(target, target.store.releases.of(NAME)[0].name, _op("promote two"), required=[], ungated="the second")
    looks: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with window(chromium, served, site, name="ada", role="user", **looks) as page:
        page.goto(f"releases/{NAME}/2")
        page.get_by_role("link", name="Roll back…").click()
        expect(page.get_by_text("point nyc_flights from nyc_flights__r2")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_label("Why is it rolled back?").fill("the carrier sent kilometres")
        page.get_by_role("button", name="Roll back").click()
        expect(page.get_by_role("status")).to_contain_text("nyc.flights@r1 is live again")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name="nyc.flights@r2").click()
        expect(page.get_by_text("the carrier sent kilometres")).to_be_visible()
        expect(page.get_by_role("link", name="Promote…")).to_be_visible()
    assert _rows(target) == [(1,)]
