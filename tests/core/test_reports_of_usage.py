"""The report on usage as a text: long ones stay short enough for a message and an XCom."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_dataops.core.readers import Adopter
from airflow_dataops.core.still_used import Standing, StillUsed
from airflow_dataops.core.usage_report import LONGEST, Adoption, UsageReport

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def unused(name: str, dataset: str) -> StillUsed:
    return StillUsed(
        name=name, dataset=dataset, standing=Standing.UNUSED, last_read=None, consumers=(), why="0 reads in 92 days"
    )


def test_of_very_many_lines_the_datasets_are_shown_first_and_the_rest_is_counted() -> None:
    names = [f"d{number:04}" for number in range(3_000)]
    found = [unused(f"{name}{part}", name) for name in names for part in ("", "@r1", ".v")]
    adopters = tuple(Adopter(consumer=f"c{n}", release=1, last_read=NOW, adopted=False) for n in range(250))
    adoption = Adoption(dataset="d0000", live=2, adopters=adopters)
    report = UsageReport(at=NOW, watched="in 92 days", standings=tuple(found), adoptions=(adoption,))
    text = report.markdown
    assert "## Unused (9000)" in text
    assert "| d0099 | never | 0 reads in 92 days |" in text
    assert "d0100" not in text
    assert "@r1" not in text
    assert "And 8,900 more: `airflow dataops usage unused` prints all." in text
    assert "And 150 more: `airflow dataops usage adoption DATASET` prints all." in text
    assert len(text.splitlines()) < 3 * LONGEST
    assert report.to_dict()["unused"] == [each.name for each in found]
    few = UsageReport(at=NOW, watched="in 92 days", standings=tuple(found[:LONGEST]), adoptions=())
    assert " more: " not in few.markdown
