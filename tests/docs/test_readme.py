"""The code in the README and the docs stands, word for word, in files that tests run; pictures and files are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
README = (TREE / "README.md").read_text()
PAGES = (TREE / "README.md", *sorted((TREE / "docs").glob("*.md")))
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"(?:<!-- from (\S+) -->\n)?```(\w+)\n(.*?)```", page.read_text(), re.DOTALL)
]


@pytest.mark.parametrize(("source", "language", "code"), [b for b in BLOCKS if b[1] != "console"])
def test_a_snippet_is_part_of_a_file_that_is_tested(source: str, language: str, code: str) -> None:
    assert source.startswith(("dags_examples/", "tests/")), f"this {language} snippet does not say where it is from"
    assert code in (TREE / source).read_text()


def test_there_are_snippets_and_all_commands_exist() -> None:
    assert len(BLOCKS) >= 6
    makefile = (TREE / "Makefile").read_text()
    for target in re.findall(r"(?:\$ |`)make (\w+)", README):
        assert f"\n{target}:" in makefile


def test_pictures_and_links_lead_somewhere() -> None:
    targets = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text())
        if not target.startswith("https://")
    ]
    assert targets
    for page, target in targets:
        assert (page.parent / target).exists(), (page.name, target)
