"""``python -m tests.ui.screenshots``: tell the demo's story on a fresh Airflow and renew docs/images from it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from dags_examples.demo.__main__ import airflow_of_the_demo
from dags_examples.demo.airflow_process import RunningAirflow
from dags_examples.demo.story import RELEASE, tell_story
from dags_examples.demo.telling import Teller
from tests.ui.browsing import ARGUMENTS, find_chromium, visit

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A page of Airflow as the README shows it.

    :param path: below Airflow's address; ``{run}`` is the run whose gate failed.
    """

    name: str
    path: str
    height: int
    theme: str = "light"
    width: int = 1360


PICTURES = (
    Picture(name="gate-failed", path=f"dags/{RELEASE}/runs/{{run}}/tasks/gate/plugin/dataops_gate", height=860),
    Picture(name="gates", path="plugin/dataops_gates", height=460),
    Picture(name="releases", path="plugin/dataops_releases", height=560, theme="dark"),
)


def take(browser: Browser, airflow: RunningAirflow, picture: Picture, run_id: str) -> Path:
    """Save the picture once our page inside Airflow's is there, and return its file."""
    size = {"width": picture.width, "height": picture.height}
    with visit(browser, airflow, viewport=size, color_scheme=picture.theme) as window:
        window.page.goto(picture.path.format(run=run_id))
        window.page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
        window.page.wait_for_load_state("networkidle")
        target = IMAGES / f"{picture.name}.png"
        window.page.screenshot(path=target, animations="disabled")
    return target


def main() -> None:
    """Tell the story and take every picture."""
    teller = Teller()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dataops-pictures-") as folder:
        warehouse = Path(folder) / "warehouse.duckdb"
        users = {"admin": "admin"}
        with airflow_of_the_demo(Path(folder) / "airflow", warehouse, users=users, teller=teller) as airflow:
            told = tell_story(airflow, warehouse, teller)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
                for picture in PICTURES:
                    saved = take(browser, airflow, picture, told["bad_february"].run_id)
                    teller.line(f"{saved} ({saved.stat().st_size:,} bytes)")
                browser.close()


if __name__ == "__main__":
    main()
