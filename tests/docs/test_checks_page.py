"""docs/checks.md says what the code does: its table is made of the code, and nobody has forgotten to make it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import vocabulary

TREE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return vocabulary.PAGE.read_text(encoding="utf-8")


def test_the_table_is_up_to_date(page) -> None:
    assert page == vocabulary.rewritten(page), "run: python -m tests.docs.vocabulary"


def test_every_type_that_great_expectations_has_is_accepted() -> None:
    assert vocabulary.of_great_expectations() - set(vocabulary.VOCABULARY) == set()


def test_the_table_tells_the_three_apart(page) -> None:
    rows = {cells[0]: cells[1:] for cells in (re.findall(r"[^|]+", line) for line in page.splitlines()) if cells}
    engines = [cell.strip() for cell in rows[" type "]]

    def row(kind: str) -> dict[str, str]:
        return dict(zip(engines, (cell.strip() for cell in rows[f" `{kind}` "]), strict=True))

    mean, schema = row("expect_column_mean_to_be_between"), row("expect_column_values_to_match_json_schema")
    order = row("expect_column_values_to_be_increasing")
    assert {mean["PostgreSQL"], mean["SQLite"], mean["DuckDB"], mean["frames and files"]} == {vocabulary.PLANNER}
    assert {schema["DuckDB"], schema["frames and files"]} == {vocabulary.FOREIGN}
    assert {schema["PostgreSQL"], schema["SQLite"]} == {vocabulary.NOWHERE}
    assert (order["PostgreSQL"], order["frames and files"]) == (vocabulary.IN_ORDER, vocabulary.PLANNER)


def test_the_readme_leads_there() -> None:
    assert "(docs/checks.md)" in (TREE / "README.md").read_text(encoding="utf-8")
