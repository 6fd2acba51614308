"""Who sees what: nobody without logging in, and of the rest no more than Airflow lets them read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_dataops.core.releases import Dataset, TaskKey
from airflow_dataops.stores.store import Store
from tests.ui import seed
from tests.ui.conftest import Login

HOTELS = Dataset(name="nyc.hotels", conn_id="warehouse", publisher="view", target="nyc.hotels", reader="nyc.hotels")
PAGES = ("gate?dag_id=flights_release&run_id=r&task_id=gate", "gates", "gates/1", "releases", "releases/nyc.flights/1")


@pytest.fixture
def hotels(store: Store) -> int:
    """Add another DAG's release, its gate, and a notebook's gate to the flights' story; return that DAG's gate."""
    seed.story(store)
    release = seed.staged(store, HOTELS, seed.START, "r", "f", dag_id="hotels_release")
    where = seed.key("gate", "r", dag_id="hotels_release")
    number = seed.gated(store, seed.bad(), seed.START, where, release.name)
    seed.gated(store, seed.bad(), seed.START, TaskKey())
    return number


@pytest.mark.parametrize("path", PAGES)
def test_the_anonymous_get_401_and_nothing_else(hotels: int, login: Login, path: str) -> None:
    answer = login("").get(path)
    assert answer.status_code == 401
    assert "Log in to Airflow" in answer.text
    assert "flights" not in answer.text


def test_a_forged_token_is_refused(hotels: int, login: Login) -> None:
    client = login("")
    for headers in ({"Cookie": "_token=eyJ.forged.token"}, {"Authorization": "Bearer eyJ.forged.token"}):
        assert client.get("gates", headers=headers).status_code in (401, 403)


def test_a_bearer_token_opens_pages_as_the_cookie_does(hotels: int, login: Login) -> None:
    token = login("viewer").cookies["_token"]
    answer = login("").get("gates", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_no_schema_of_the_application_is_open(login: Login) -> None:
    for path in ("docs", "redoc", "openapi.json", ""):
        assert login("").get(path).status_code == 404


def test_lists_hold_only_what_the_user_may_read(hotels: int, login: Login) -> None:
    gates, releases = (login("hotels-reader").get(path).text for path in ("gates", "releases"))
    assert "hotels_release.gate" in gates
    assert "nyc.hotels" in releases
    assert "flights_release" not in gates + releases
    assert "nyc.flights<" not in releases
    gates, releases = (login("flights-reader").get(path).text for path in ("gates", "releases"))
    assert "flights_release.gate" in gates
    assert "hotels" not in gates + releases
    assert login("viewer").get("gates").text.count('class="main"') == 6


def test_filters_do_not_reach_around(hotels: int, login: Login) -> None:
    client = login("hotels-reader")
    for query in ("dag=flights_release", "dataset=nyc.flights", "dag_id=hotels_release&dag=flights_release"):
        page = client.get(f"gates?{query}").text
        assert "No gate run matches" in page
        assert "<option>flights" not in page
    assert "nyc.flights__" not in client.get("releases?dataset=nyc.flights").text


def test_pages_of_other_dags_look_like_pages_that_are_not_there(hotels: int, login: Login) -> None:
    client = login("flights-reader")
    there, gone = client.get(f"gates/{hotels}"), client.get("gates/4711")
    assert (there.status_code, there.text) == (gone.status_code, gone.text) == (404, gone.text)
    there, gone = client.get("releases/nyc.hotels/1"), client.get("releases/nyc.motels/1")
    assert (there.status_code, there.text) == (gone.status_code, gone.text) == (404, gone.text)
    assert client.get(f"gates/{hotels}?dag_id=flights_release").status_code == 404
    assert client.get("releases/nyc.hotels/1?dag_id=flights_release").status_code == 404


def test_the_tab_of_another_dag_is_forbidden_whether_it_exists_or_not(hotels: int, login: Login) -> None:
    client = login("flights-reader")
    where = "run_id=r&task_id=gate&map_index=-1"
    there, gone = client.get(f"gate?dag_id=hotels_release&{where}"), client.get(f"gate?dag_id=motels&{where}")
    assert (there.status_code, there.text) == (gone.status_code, gone.text) == (403, gone.text)
    twice = client.get(f"gate?dag_id=hotels_release&dag_id=flights_release&{where}").text
    assert "hotels" not in twice


def test_who_may_read_no_dag_gets_403_everywhere(hotels: int, login: Login) -> None:
    for path in PAGES:
        assert login("nobody").get(path).status_code == 403


def test_what_was_made_outside_of_airflow_is_for_those_who_may_read_every_dag(hotels: int, login: Login) -> None:
    assert login("viewer").get(f"gates/{hotels + 1}").status_code == 200
    assert login("flights-reader").get(f"gates/{hotels + 1}").status_code == 404


def test_in_multi_team_mode_nobody_is_taken_for_a_reader_of_every_dag(
    hotels: int, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    client = login("flights-reader")
    assert "hotels" not in client.get("gates").text
    assert client.get(f"gates/{hotels}").status_code == 404


def test_a_release_tells_with_which_others_it_went_live_as_far_as_one_may_read_those(
    store: Store, login: Login
) -> None:
    flights = seed.staged(store, seed.FLIGHTS, seed.START, "r", "f")
    hotels = seed.staged(store, HOTELS, seed.START, "r", "f", dag_id="hotels_release")
    together = (flights.name, hotels.name)
    for release in (flights, hotels):
        seed.switched(store, release, seed.START + timedelta(minutes=1), "x", epoch=1, together=together)
    reader, everybody = (login(name).get("releases/nyc.hotels/1").text for name in ("hotels-reader", "viewer"))
    assert "in one transaction: nyc.flights@r1, nyc.hotels@r1" in everybody
    assert "in one transaction" not in reader
    assert "nyc.flights" not in reader


def test_a_release_does_not_tell_of_other_dags_that_touched_it(store: Store, login: Login) -> None:
    release = seed.staged(store, HOTELS, seed.START, "r", "f", dag_id="hotels_release")
    seed.gated(store, seed.bad(), seed.START, seed.key("gate", "x", dag_id="secret_audit"), release.name)
    seed.switched(store, release, seed.START + timedelta(minutes=1), "x", epoch=1, reason="flights are full")
    seed.read(store, release, seed.START, "x", dag_id="secret_report")
    reader, everybody = (login(name).get("releases/nyc.hotels/1").text for name in ("hotels-reader", "viewer"))
    for word in ("flights_release", "flights are full", "secret_audit", "secret_report"):
        assert word not in reader
        assert word in everybody
    assert "by another DAG" in reader
    assert "LIVE" in reader
