"""docs/engines.md tells of each database that there is a driver for, and which of them are only generated."""

from __future__ import annotations

from pathlib import Path

from airflow_dataops.engines.drivers import DRIVERS
from airflow_dataops.engines.drivers.warehouse import Warehouse

TREE = Path(__file__).parents[2]


def test_every_engine_has_a_line_and_says_how_it_is_tested() -> None:
    page = (TREE / "docs" / "engines.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    for driver in DRIVERS:
        (line,) = (line for line in lines if driver.label in line.split("|")[1])
        assert ("generated, not run here" in line) == isinstance(driver, Warehouse)
        # What there is no snapshot for is not promised.
        assert ("each statement by itself" in line) == (driver.snapshot == ())


def test_the_page_of_checks_leads_there() -> None:
    assert "(engines.md)" in (TREE / "docs" / "checks.md").read_text(encoding="utf-8")
