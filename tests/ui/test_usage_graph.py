"""The lineage graph in a real browser: by mouse, by keyboard, in both themes, at every width, empty and large."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from airflow_dataops.stores.store import Store
from tests.operators.hostile import CORPUS
from tests.ui import usage_seed
from tests.ui.conftest import Served, window
from tests.ui.usage_seed import NOW, use

WIDTHS = (400, 760, 1000, 1600)
PATHS = ("usage", "usage/datasets", "usage/unused", "usage/coverage", "usage/of?name=nyc.flights")


@pytest.fixture
def page(store: Store, chromium: Browser, served: Served, site: str) -> Iterator[Page]:
    """Open a window on the flights' story."""
    usage_seed.flights(store)
    with window(chromium, served, site, viewport={"width": 1300, "height": 800}) as opened:
        yield opened


def graph(page: Page, path: str = "usage") -> Locator:
    """Open the graph and wait until it is drawn."""
    page.goto(path)
    page.locator("[data-ready]").wait_for()
    return page.locator("#graph")


def node(page: Page, name: str) -> Locator:
    return page.locator("#graph .node").filter(has=page.locator("text", has_text=re.compile(f"^{re.escape(name)}$")))


def focused(page: Page) -> str:
    """Return the name of the node that has the keyboard."""
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') || ''")).split(",")[0]


def test_a_click_shows_who_reads_and_writes_and_leads_to_the_page(page: Page) -> None:
    graph(page)
    expect(page.locator("#said")).to_have_text("11 nodes, 9 flows.")
    details = page.get_by_role("complementary", name="Details")
    expect(details).to_be_hidden()
    node(page, "nyc.flights").click()
    expect(details.get_by_role("heading", level=2)).to_have_text("nyc.flights")
    expect(details).to_contain_text("! WARN")
    expect(details).to_contain_text("r3 is live since 2026-02-03 06:49:00 UTC")
    expect(details.get_by_role("heading", name="Read by 4")).to_be_visible()
    expect(details.get_by_role("heading", name="Written by 1")).to_be_visible()
    lit = page.locator("#graph .node.on")
    expect(lit).to_have_count(9)  # all but the old export and its table
    details.get_by_role("button", name="nyc_routes").click()
    expect(details.get_by_role("heading", level=2)).to_have_text("nyc_routes")
    expect(details.get_by_role("link", name="Open the DAG")).to_have_attribute("href", re.compile("dags/nyc_routes$"))
    node(page, "nyc.flights").click()
    details.get_by_role("link", name="Open its page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("nyc.flights")
    page.get_by_role("link", name="In the graph").click()
    page.locator("[data-ready]").wait_for()
    expect(page.locator("#said")).to_have_text("Before and behind nyc.flights: 9 nodes, 8 flows.")


def test_a_click_beside_the_nodes_and_the_cross_close_the_details(page: Page) -> None:
    canvas = graph(page)
    details = page.get_by_role("complementary", name="Details")
    node(page, "tableau").click()
    details.get_by_role("button", name="Close").click()
    expect(details).to_be_hidden()
    node(page, "tableau").click()
    canvas.click(position={"x": 10, "y": 10})
    expect(details).to_be_hidden()
    expect(page.locator("#graph.lit")).to_have_count(0)


def test_the_keyboard_walks_along_the_edges_opens_and_leaves(page: Page) -> None:
    graph(page)
    page.get_by_role("button", name="Fit").focus()
    page.keyboard.press("Tab")
    assert focused(page) in ("raw.flights", "old_export"), "into the graph where it begins"
    node(page, "raw.flights").focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        walked.append(focused(page))
    assert walked[:2] == ["flights_release", "nyc.flights"]
    assert walked[2] in ("delay_report", "tableau", "nyc_routes", "nyc_delay_report")
    assert walked[3] != walked[2]
    assert walked[4] == walked[2]
    assert walked[5:] == ["nyc.flights", "flights_release"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("link", name="r3")).to_be_focused()
    page.keyboard.press("Tab")
    expect(details.get_by_role("link", name="Open its page")).to_be_focused()
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    assert focused(page) == "nyc.flights"
    page.keyboard.press("Escape")
    expect(page.get_by_label("Find")).to_be_focused()
    assert page.locator("#graph [tabindex='0']").count() == 1, "one stop for Tab, where the keyboard was last"


def test_enter_twice_opens_a_tables_page(page: Page) -> None:
    graph(page)
    node(page, "nyc.routes").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("nyc.routes")


def test_only_the_lineage_of_a_node_and_back(page: Page) -> None:
    graph(page)
    node(page, "nyc.routes").focus()
    page.keyboard.press("f")
    expect(page.locator("#said")).to_have_text("Before and behind nyc.routes: 6 nodes, 5 flows.")
    expect(node(page, "tableau")).to_have_count(0)
    assert focused(page) == "nyc.routes"
    page.get_by_role("button", name="Whole graph").first.click()
    expect(page.locator("#said")).to_have_text("11 nodes, 9 flows.")


def test_find_shows_what_matches_and_leads_there(page: Page) -> None:
    graph(page)
    find = page.get_by_label("Find")
    find.fill("ROUTE")
    expect(page.locator("#said")).to_have_text("3 nodes of that name. Enter leads to route_map.")
    expect(page.locator("#graph .node.on")).to_have_count(3)
    find.press("Enter")
    assert focused(page) == "route_map"
    find.fill("elsewhere")
    expect(page.locator("#said")).to_have_text("No node of that name.")
    find.fill("")
    expect(page.locator("#said")).to_have_text("11 nodes, 9 flows.")


def test_consumers_are_dags_or_tasks(page: Page) -> None:
    graph(page)
    page.get_by_label("Consumers").select_option("tasks")
    expect(node(page, "nyc_routes.build")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"by=task"))
    expect(page.get_by_label("Consumers")).to_have_value("task")


def test_the_list_says_the_same_as_the_picture(page: Page) -> None:
    graph(page)
    page.get_by_text("The same as a list").click()
    lines = page.locator("#list li")
    expect(lines).to_have_count(11)
    expect(lines.filter(has_text="nyc.routes table")).to_have_text(
        "nyc.routes table; read by route_map; written by nyc_routes"
    )
    expect(lines.filter(has_text=re.compile("^route_map"))).to_have_text(
        "route_map DAG; reads nyc.routes; writes nothing"
    )
    lines.get_by_role("button", name="tableau").click()
    expect(page.get_by_role("complementary", name="Details")).to_contain_text("outside of Airflow")


def test_hands_zoom_and_move_the_picture(page: Page) -> None:
    canvas = graph(page)
    box = canvas.bounding_box()
    assert box is not None

    def place() -> dict[str, float]:
        found = node(page, "nyc.flights").bounding_box()
        assert found is not None
        return dict(found)

    before = place()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    page.mouse.up()
    moved = place()
    assert moved["x"] - before["x"] == pytest.approx(100, abs=3)
    assert moved["y"] - before["y"] == pytest.approx(40, abs=3)
    page.mouse.wheel(0, 400)
    expect(page.get_by_role("complementary", name="Details")).to_be_hidden()
    assert place()["width"] < moved["width"] * 0.8
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Fit").click()
    assert place() == pytest.approx(before, abs=1)


def test_colours_follow_airflows_theme(page: Page) -> None:
    graph(page)
    colours = {}
    for theme in ("light", "dark"):
        page.evaluate("theme => { localStorage.setItem('theme', theme); dispatchEvent(new Event('storage')); }", theme)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        box = node(page, "nyc.routes").locator(".box")
        colours[theme] = box.evaluate("box => getComputedStyle(box).fill")
    assert colours["light"] != colours["dark"]


@pytest.mark.parametrize("path", PATHS)
def test_pages_fit_their_window(page: Page, path: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if path == "usage":
            page.locator("[data-ready]").wait_for()
            node(page, "nyc.flights").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_empty_store_says_what_to_do(store: Store, chromium: Browser, served: Served, site: str) -> None:
    with window(chromium, served, site, viewport={"width": 1300, "height": 800}) as page:
        page.goto("usage")
        expect(page.get_by_role("heading", name="Nothing is known to be read or written yet")).to_be_visible()
        expect(page.locator("#graph")).to_be_hidden()
        expect(page.get_by_label("Find")).to_be_hidden()


def test_who_may_read_one_dag_is_shown_that_one(store: Store, chromium: Browser, served: Served, site: str) -> None:
    usage_seed.flights(store)
    with window(chromium, served, site, name="flights-reader") as page:
        graph(page)
        expect(page.locator("#said")).to_have_text("3 nodes, 2 flows.")
        assert page.locator("#names option").evaluate_all("all => all.map(each => each.value)") == [
            "nyc.flights",
            "raw.flights",
            "flights_release",
        ]


def test_hostile_names_are_drawn_as_text(store: Store, chromium: Browser, served: Served, site: str) -> None:
    names = [value for value in CORPUS if value.strip() and value.isprintable() and len(value) < 250]
    store.usage.add(*(use(f"d{number}.t", name, at=NOW) for number, name in enumerate(names)))
    with window(chromium, served, site) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        graph(page)
        page.get_by_text("The same as a list").click()
        for each in page.locator("#list button").all():
            each.click()
        assert page.locator("main script, main img").count() == 0
        assert dialogs == []


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('#graph .node .box')].map((box) => box.getBoundingClientRect());
  const beyond = [...document.querySelectorAll('#graph .node')].filter((node) => {
    const box = node.querySelector('.box').getBBox();
    return [...node.querySelectorAll('text')].some((text) => {
      const { x, width } = text.getBBox();
      return x < box.x || x + width > box.x + box.width;
    });
  }).length;
  boxes.sort((a, b) => a.x - b.x);
  let over = 0;
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) {
      if (b.x >= a.right) break;
      if (a.top < b.bottom && b.top < a.bottom) over += 1;
    }
  });
  const room = document.querySelector('#graph').getBoundingClientRect();
  const outside = boxes.filter((b) => b.x < room.x || b.right > room.right || b.y < room.y || b.bottom > room.bottom);
  return { nodes: boxes.length, over, beyond, outside: outside.length };
}"""


def test_five_hundred_nodes_are_drawn_soon_whole_and_without_overlap(
    store: Store, chromium: Browser, served: Served, site: str
) -> None:
    assert usage_seed.company(store) == 500
    with window(chromium, served, site, viewport={"width": 1500, "height": 900}) as page:
        begin = time.perf_counter()
        graph(page)
        took = time.perf_counter() - begin
        print(f"500 nodes in {took:.2f} s")
        assert took < 15  # about one second where nothing else runs
        assert page.evaluate(OVERLAPS) == {"nodes": 500, "over": 0, "beyond": 0, "outside": 0}
        landmarks = page.locator("#graph .names g")
        assert 10 <= landmarks.count() <= 24
        assert page.locator("#graph .names .bad").count() >= 1, "what fails is named from afar"
        page.get_by_label("Find").fill("core.sales_orders")
        page.keyboard.press("Enter")
        text = node(page, "core.sales_orders").locator("text").nth(1)
        height = text.evaluate("text => text.getBoundingClientRect().height")
        assert height >= 11, "at the zoom to which Find leads, names are read"
        page.keyboard.press("f")
        expect(page.locator("#said")).to_contain_text("Before and behind core.sales_orders: 32 nodes")
        seen = page.evaluate(OVERLAPS)
        assert (seen["nodes"], seen["over"], seen["beyond"]) == (32, 0, 0)


def test_more_nodes_than_anybody_can_read_are_left_to_find(
    store: Store, chromium: Browser, served: Served, site: str
) -> None:
    store.usage.add(*(use(f"dag_{number // 3}.t", f"raw.t{number:04}", at=NOW) for number in range(900)))
    with window(chromium, served, site) as page:
        graph(page)
        expect(page.locator("#said")).to_contain_text("The 600 most used of 1,200 are drawn; Find leads to the others.")
        page.get_by_label("Find").fill("raw.t0899")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Before and behind raw.t0899: 2 nodes")
        assert focused(page) == "raw.t0899"
