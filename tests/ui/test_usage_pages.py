"""What the pages of usage say, and to whom."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

import airflow_dataops.ui
from airflow_dataops.core.readers import Reader
from airflow_dataops.core.usage import Access, Coverage, Observed, Use
from airflow_dataops.stores.models import ConsumerRow, UsageRow
from airflow_dataops.stores.store import Store
from airflow_dataops.ui.rendering import age, pace
from tests.operators.hostile import CORPUS
from tests.ui import seed, usage_seed
from tests.ui.conftest import Login
from tests.ui.test_access import HOTELS
from tests.ui.test_pages import text
from tests.ui.usage_seed import NOW, use

VENDOR = Path(airflow_dataops.ui.__file__).parent / "static" / "vendor"
PAGES = ("usage", "usage/graph.json", "usage/datasets", "usage/unused", "usage/coverage", "usage/of?name=nyc.flights")


@pytest.fixture
def runs(store: Store) -> dict[str, int]:
    return usage_seed.flights(store)


def rows(html: str) -> list[str]:
    """Return what the rows of a page's tables say, each as one line."""
    return [text(row) for row in re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>", 1)[-1], re.S)]


def test_a_datasets_page_tells_who_reads_which_release_and_how_that_is_known(
    runs: dict[str, int], login: Login
) -> None:
    html = login("viewer").get("usage/of?name=nyc.flights").text
    page = text(html)
    assert "Read by 3 consumers in 92 days; 86% of 57 statements parsed; known from ref, sql." in page
    assert "Live nyc.flights@r3" in page
    assert re.search(r"promoted \d+ days ago", page)
    assert "Written by flights_release.stage" in page
    assert "3 of 4 consumers have read r3" in page
    found = rows(html)
    assert any(
        re.match(r"nyc_delay_report.report r3 \(live\) dep_delay, origin 5 1 a day .*ref \(exact\)", r) for r in found
    )
    assert any(re.match(r"nyc_routes.build r1 not yet r3 dest, origin 1 once .*sql \(parsed\)", r) for r in found)
    assert any(r.startswith("tableau r3 (live) carrier 1 once") for r in found)
    reached = page[page.index("Whom a change of it reaches") : page.index("Columns of r3")]
    assert reached.index("nyc_routes.build") < reached.index("nyc_delay_report.report"), "who feeds others comes first"
    assert "route_map.draw nyc.routes which is built from it" in reached
    assert any(r.startswith("origin VARCHAR used 2") for r in found)
    assert any(r.startswith("distance DOUBLE unknown 0") for r in found)
    said = re.findall(r'gates/(\d+)"', html[html.index("What gates said of it") :])
    assert said == [str(runs[name]) for name in ("march", "repaired", "broken", "january")]


def test_pages_of_gates_and_releases_lead_there_and_back(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    for path in (f"gates/{runs['broken']}", "releases/nyc.flights/3"):
        page = client.get(path).text
        assert 'href="../usage/of?name=nyc.flights"' in page or 'href="../../usage/of?name=nyc.flights"' in page
    page = client.get("usage/of?name=nyc.flights").text
    for address in ("../releases/nyc.flights/3", "../releases?dataset=nyc.flights", "../usage?focus=nyc.flights"):
        assert f'href="{address}"' in page
    assert "nyc_delay_report.report" in client.get("releases/nyc.flights/3").text
    for path in ("gates", "releases"):
        assert 'href="usage"' in client.get(path).text


def test_a_table_that_is_no_dataset_has_a_page_too(runs: dict[str, int], login: Login) -> None:
    page = text(login("viewer").get("usage/of?name=nyc.routes").text)
    assert "table, not a dataset" in page
    assert "route_map.draw" in page
    assert "Written by nyc_routes.build" in page
    assert "What gates said" not in page


def test_what_nobody_knows_has_no_page(runs: dict[str, int], login: Login) -> None:
    assert login("viewer").get("usage/of?name=nyc.motels").status_code == 404


def test_the_list_tells_freshness_verdict_readers_and_standing(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    found = rows(client.get("usage/datasets").text)
    assert [row.split()[0] for row in found] == [
        "nyc.flights", "nyc.flights_2013", "nyc.routes", "raw.flights"
    ]  # fmt: skip
    assert re.match(r"nyc.flights r3 2026-02-03 06:49:00 UTC \d+ days ago ! WARN 4 .* used", found[0])
    assert re.match(r"nyc.flights_2013 table 0 never unknown", found[1])
    assert len(rows(client.get("usage/datasets?q=ROUTES").text)) == 1
    assert len(rows(client.get("usage/datasets?kind=table&standing=unknown").text)) == 1
    assert "Nothing matches" in client.get("usage/datasets?q=elsewhere").text


def test_unused_is_said_where_coverage_allows_it_and_unknown_where_not(store: Store, login: Login) -> None:
    usage_seed.flights(store)
    page = login("viewer").get("usage/unused").text
    assert "That nobody was seen proves nothing yet:" in page
    assert all(row.startswith("unknown") for row in rows(page))
    usage_seed.watch(store, ("nyc_delay_report.report", 1000, 0))
    page = login("viewer").get("usage/unused").text
    found = rows(page)
    assert "proves nothing yet" not in page
    assert "unused nyc.flights_2013 table never 0 reads in 92 days; 99% of 1,057 statements parsed" in found
    assert any(row.startswith("unused nyc.flights.distance column 2026-02-02") for row in found)
    assert any(row.startswith("unused nyc.flights@r4 release never") for row in found)
    assert not any(row.startswith("unused nyc.flights.origin") for row in found)
    only = rows(login("viewer").get("usage/unused?kind=table").text)
    assert len(only) == 1


def test_coverage_tells_the_worst_first(runs: dict[str, int], store: Store, login: Login) -> None:
    lost = Coverage(statements=4, dropped=2, lost=3)
    store.usage.record(Observed(consumer="spool.full", at=NOW, uses=(), coverage=lost))
    page = login("viewer").get("usage/coverage").text
    assert "Statements 61 Parsed 86.89 %" in text(page)
    assert rows(page) == [
        "old_export.dump 0 % 5 5 0 0",
        "nyc_routes.build 75 % 12 3 0 0",
        "spool.full 100 % 4 0 2 3",
        "nyc_delay_report.report 100 % 40 0 0 0",
    ]


def test_long_lists_are_paged(store: Store, login: Login) -> None:
    store.usage.add(*(use("d.t", f"raw.t{number:03}", at=NOW) for number in range(120)))
    client, seen, address = login("viewer"), [], "usage/datasets?kind=table"
    while address:
        page = client.get(address).text
        seen += [row.split()[0] for row in rows(page)]
        following = re.search(r'rel="next" href="../([^"]+)"', page)
        address = unescape(following.group(1)) if following else ""
    assert seen == [f"raw.t{number:03}" for number in range(120)]
    assert "page 3 of 3 · 120 in all" in page
    beyond = client.get("usage/datasets?page=9").text
    assert "Nothing matches" in beyond


def test_of_very_many_readers_the_latest_are_shown_and_the_others_counted(store: Store, login: Login) -> None:
    store.usage.add(*(use(f"d{n}.t", "raw.t", at=NOW - timedelta(minutes=n)) for n in range(130)))
    page = text(login("viewer").get("usage/of?name=raw.t").text)
    assert "d99.t" in page
    assert "d100.t" not in page
    assert "and 30 more: airflow dataops usage report lists all" in page
    assert "and 30 more: airflow dataops usage impact raw.t lists all" in page


def test_the_graph_comes_as_json(runs: dict[str, int], login: Login) -> None:
    answer = login("viewer").get("usage/graph.json")
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    nodes = {node["name"]: node for node in found["nodes"]}
    assert nodes["nyc.flights"] == {
        "name": "nyc.flights",
        "kind": "dataset",
        "live": 3,
        "since": "2026-02-03T06:49:00+00:00",
        "verdict": "WARN",
    }
    assert nodes["tableau"]["kind"] == "outside"
    names = [node["name"] for node in found["nodes"]]
    assert ["nyc.routes", "route_map"] in [[names[source], names[target]] for source, target, *_ in found["flows"]]
    by_task = login("viewer").get("usage/graph.json?by=task").json()
    assert "route_map.draw" in [node["name"] for node in by_task["nodes"]]


def test_nothing_yet_says_how_usage_is_known(store: Store, login: Login) -> None:
    client = login("viewer")
    assert client.get("usage/graph.json").json() == {"nodes": [], "flows": []}
    for path, said in {
        "usage": "Nothing is known to be read or written yet",
        "usage/datasets": "Nothing is known to be read or written yet",
        "usage/unused": "No use of anything has been logged yet",
        "usage/coverage": "No statement has been seen yet",
    }.items():
        page = client.get(path)
        assert page.status_code == 200
        assert said in page.text


@pytest.mark.parametrize(
    ("reads", "days", "said"),
    [(1, 0, "once"), (12, 0.5, "12 a day"), (93, 92, "1 a day"), (26, 91, "2 a week"), (3, 91, "1 a month"),
     (2, 300, "2 in all")],
)  # fmt: skip
def test_how_often_is_said_as_people_say_it(reads: int, days: float, said: str) -> None:
    times = {"first_read": NOW - timedelta(days=days), "last_read": NOW}
    reader = Reader(
        consumer="d.t", dag_id="d", name="a.b", release=None, columns=None, sources=("ref",), reads=reads, **times
    )
    assert pace(reader) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "a minute"), (20, "a minute"), (100, "2 minutes"), (600, "10 minutes"), (7_200, "2 hours"),
     (150_000, "41 hours"), (172_800, "2 days")],
)  # fmt: skip
def test_ages_are_told_in_the_largest_unit_of_which_there_are_two(seconds: int, said: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == said


# Who may see what.


@pytest.fixture
def shared(store: Store) -> None:
    """Let the hotels' DAG read the flights, and secret DAGs and a notebook read and write beside it."""
    usage_seed.flights(store)
    hotels = seed.staged(store, HOTELS, seed.START, "r", "f", dag_id="hotels_release")
    name = "nyc.hotels"
    store.usage.add(
        use("hotels_release.stage", "nyc.flights", at=NOW, dataset="nyc.flights", release=3),
        use("hotels_release.stage", str(hotels.relation), at=NOW, access=Access.WRITE, dataset=name, release=1),
        use("secret.job", str(hotels.relation), at=NOW, dataset=name, release=1),
        use("secret.job", "secret.table", at=NOW, access=Access.WRITE),
        use("notebook", "nyc.hotels", at=NOW, dataset=name, release=1, outside=True),
    )
    seed.switched(store, hotels, seed.START + timedelta(minutes=1), "x", epoch=1)
    usage_seed.watch(store, ("secret.job", 3, 0), ("hotels_release.stage", 4, 0))


@pytest.mark.parametrize("path", PAGES)
def test_the_anonymous_get_401_and_nothing_else(shared: None, login: Login, path: str) -> None:
    answer = login("").get(path)
    assert answer.status_code == 401
    assert "Log in to Airflow" in answer.text
    assert "flights" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_who_may_read_no_dag_gets_403(shared: None, login: Login, path: str) -> None:
    assert login("nobody").get(path).status_code == 403


def test_what_other_dags_use_is_nowhere_to_be_seen(shared: None, login: Login) -> None:
    client, everybody = login("hotels-reader"), login("viewer")
    for path in (*PAGES, "usage/of?name=nyc.hotels", "usage/graph.json?by=task"):
        page = client.get(path).text
        for word in ("secret", "notebook", "nyc_delay_report", "tableau", "nyc.routes", "flights_release", "raw."):
            assert word not in page, (path, word)
    assert "secret.job" in everybody.get("usage/of?name=nyc.hotels").text
    assert "notebook" in everybody.get("usage/graph.json").text


def test_a_reader_of_one_dag_sees_what_that_dag_uses(shared: None, login: Login) -> None:
    client = login("hotels-reader")
    graph = client.get("usage/graph.json").json()
    assert [(node["kind"], node["name"]) for node in graph["nodes"]] == [
        ("dataset", "nyc.flights"), ("dataset", "nyc.hotels"), ("DAG", "hotels_release"),
    ]  # fmt: skip
    flights = next(node for node in graph["nodes"] if node["name"] == "nyc.flights")
    assert "live" not in flights, "which release of another DAG is live is that DAG's matter"
    listed = rows(client.get("usage/datasets").text)
    assert [row.split()[0] for row in listed] == ["nyc.flights", "nyc.hotels"]
    assert "used by DAGs that you may not read" in listed[1], "unused would be wrong"
    page = text(client.get("usage/of?name=nyc.flights").text)
    assert "hotels_release.stage" in page
    assert "distance" not in page, "columns of another DAG's release"
    assert rows(client.get("usage/coverage").text) == ["hotels_release.stage 100 % 4 0 0 0"]


def test_pages_of_what_one_may_not_know_look_like_pages_that_are_not_there(shared: None, login: Login) -> None:
    client = login("hotels-reader")
    there, gone = (client.get(f"usage/of?name={name}") for name in ("secret.table", "no.table"))
    assert (there.status_code, there.text) == (gone.status_code, gone.text) == (404, gone.text)
    assert "nyc.routes" not in client.get("usage/unused?q=nyc").text


# Hostile names, and what the pages load.


@pytest.mark.parametrize(
    "route", ["usage?focus={0}&by={0}", "usage/of?name={}", "usage/datasets?q={0}&kind={0}&standing={0}&page={0}",
              "usage/unused?q={0}&page={0}", "usage/coverage?q={}", "usage/graph.json?by={}", "usage/{}"],
)  # fmt: skip
def test_a_hostile_address_gets_a_page_of_ours_in_which_it_is_text(
    runs: dict[str, int], login: Login, route: str
) -> None:
    client = login("viewer")
    for value in (*CORPUS[len(route) % 2 :: 2], "-1", "1" * 30, "１"):
        answer = client.get(route.format(quote(value[:2000], safe="", errors="surrogatepass")))
        assert answer.status_code in (200, 404), (value, answer.status_code)
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "Traceback" not in answer.text


def test_hostile_names_of_tables_and_consumers_are_text_and_have_a_page(store: Store, login: Login) -> None:
    names = [value for value in CORPUS if value.strip() and value.isprintable() and len(value) < 250]
    store.usage.add(*(use(f"dag.{name}", name, at=NOW) for name in names))
    client = login("viewer")
    listed = client.get("usage/datasets").text
    assert "<script>alert" not in listed
    addresses = [unescape(address) for address in re.findall(r'href="\.\./(usage/of\?name=[^"]+)"', listed)]
    assert len(addresses) >= min(50, len(set(names)))
    for address in addresses:
        page = client.get(address)
        assert page.status_code == 200, address
        assert "<script>alert" not in page.text
    assert client.get("usage/graph.json").headers["Content-Type"] == "application/json"


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(runs: dict[str, int], login: Login) -> None:
    client = login("viewer")
    for path in (path for path in PAGES if "json" not in path):
        page = client.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "connect-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r'(?:src|href|action)="(?:[a-z]+:|/)', page.text), "addresses are relative"
        assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son[a-z]+=", page.text), "nothing inline"


def test_the_library_is_as_its_authors_publish_it_and_stays_in_browsers(store: Store, login: Login) -> None:
    (library,) = VENDOR.glob("*.js")
    told = (VENDOR / "README.txt").read_text()
    assert hashlib.sha256(library.read_bytes()).hexdigest() in told
    assert library.name in told
    assert "MIT" in told
    licence = library.name.replace(".min.js", ".LICENSE.txt")
    assert "Permission is hereby granted" in (VENDOR / licence).read_text()
    page = login("viewer").get("usage").text
    assert f'src="static/vendor/{library.name}"' in page
    answer = login("viewer").get(f"static/vendor/{library.name}")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content == library.read_bytes()
    assert "immutable" not in login("viewer").get("static/graph.js").headers.get("Cache-Control", "")


def test_every_page_is_quick_with_ten_thousand_totals(store: Store, login: Login) -> None:
    tables = [f"raw.table_{number:04}" for number in range(500)]
    uses = [use(f"dag_{n % 400}.task_{n // 400}", tables[(n * 7) % 500], at=NOW) for n in range(10_000)]
    _insert(store, uses)
    client = login("viewer")
    client.get("usage")  # what is imported once
    for path in ("usage/graph.json", "usage/datasets", "usage/unused", "usage/coverage", f"usage/of?name={tables[3]}"):
        begin = time.perf_counter()
        assert client.get(path).status_code == 200
        assert time.perf_counter() - begin < 5, path  # a busy machine; alone each takes a tenth of that


def _insert(store: Store, uses: list[Use]) -> None:
    with store.writing() as session:
        names = {name: number for number, name in enumerate(dict.fromkeys(each.consumer for each in uses), start=1)}
        session.add_all(ConsumerRow(id=number, name=name) for name, number in names.items())
        session.flush()
        session.add_all(
            UsageRow(key=f"{number}", consumer_id=names[each.consumer], dag_id=each.key.dag_id, relation=each.relation,
                     access=str(each.access), source=each.source, events=3, first_at=each.at, last_at=each.at)
            for number, each in enumerate(uses)
        )  # fmt: skip
