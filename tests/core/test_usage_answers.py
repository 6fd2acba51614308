"""Who reads this, whom does a change hit, is it still used, is the new release used: pure, over what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_dataops.core.impact import impact
from airflow_dataops.core.readers import adoption, readers
from airflow_dataops.core.still_used import Standing, Watch, still_used
from airflow_dataops.core.usage import Access, Coverage, Usage

NOW = datetime(2013, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def use(consumer: str, name: str, **more: Any) -> Usage:
    """Return daily use in the last month, unless told otherwise."""
    given = {"access": Access.READ, "source": "ref", "events": 30, "first_at": NOW - 31 * DAY, "last_at": NOW - DAY}
    return Usage(**{"consumer": consumer, "dag_id": consumer.partition(".")[0], "relation": name, **given, **more})


def reads(consumer: str, dataset: str, release: int | None = 1, **more: Any) -> Usage:
    return use(consumer, f"{dataset}__r{release}", dataset=dataset, release=release, **more)


def writes(consumer: str, name: str, **more: Any) -> Usage:
    return use(consumer, name, access=Access.WRITE, source="sql", **more)


def test_a_read_that_two_sources_tell_of_is_one_and_the_surer_says_how_sure() -> None:
    exact = reads("report.build", "sales.orders")
    parsed = replace(exact, source="sql", columns=("day", "price"))
    (reader,) = readers([parsed, exact])
    assert (reader.reads, reader.confidence, reader.sources) == (30, "exact", ("ref", "sql"))
    assert reader.columns == ("day", "price")


def test_columns_are_known_only_where_every_read_tells_them() -> None:
    exact = reads("report.build", "sales.orders")
    (reader,) = readers([exact, replace(exact, source="sql", columns=("day",), events=12)])
    assert reader.columns is None
    assert reader.may_read("anything")


def test_whoever_reads_all_columns_reads_each() -> None:
    (reader,) = readers(
        [reads("a.b", "d", source="sql", columns=("*",)), reads("a.b", "d", 2, source="sql", columns=("v",))]
    )
    assert reader.columns == ("*",)
    assert reader.release == 2
    assert reader.may_read("other")


def test_a_dag_that_waits_for_an_asset_is_its_reader_unless_one_of_its_tasks_is_seen_to_read_it() -> None:
    waits = reads("report.land", "d", source="schedule")
    (reader,) = readers([waits])
    assert (reader.consumer, reader.confidence) == ("report.land", "declared")
    seen = [waits, reads("report.build", "d"), reads("report.land", "e"), reads("other.build", "d")]
    assert {(r.consumer, r.name) for r in readers(seen)} == {
        ("report.build", "d"),
        ("report.land", "e"),
        ("other.build", "d"),
    }
    assert {one.consumer for one in adoption([waits, reads("report.build", "d")], live=1)} == {"report.build"}


def test_a_columns_case_does_not_matter() -> None:
    (reader,) = readers([reads("a.b", "d", source="sql", columns=("Price",))])
    assert reader.may_read("PRICE")
    assert not reader.may_read("day")


def test_readers_come_with_the_newest_first_and_writers_are_none() -> None:
    found = readers([reads("old.one", "d", last_at=NOW - 9 * DAY), reads("new.one", "d"), writes("w.one", "d")])
    assert [reader.consumer for reader in found] == ["new.one", "old.one"]


def test_adoption_goes_by_the_release_that_was_read_last() -> None:
    found = adoption(
        [
            reads("slow.task", "d", 1, last_at=NOW - DAY),
            reads("quick.task", "d", 1, last_at=NOW - 2 * DAY),
            reads("quick.task", "d", 2, last_at=NOW),
            reads("back.task", "d", 2, last_at=NOW - 3 * DAY),
            reads("back.task", "d", 1, last_at=NOW - DAY),
        ],
        live=2,
    )
    assert [(one.consumer, one.release, one.adopted) for one in found] == [
        ("back.task", 1, False),
        ("slow.task", 1, False),
        ("quick.task", 2, True),
    ]


def test_nobody_has_adopted_what_is_not_live() -> None:
    assert [one.adopted for one in adoption([reads("a.b", "d", None)], live=None)] == [False]


FLOW = [
    reads("orders.stage", "raw.orders"),
    use("orders.stage", "sales.orders__r1", dataset="sales.orders", release=1, access=Access.WRITE),
    reads("mart.build", "sales.orders", columns=("price",), source="sql"),
    writes("mart.build", "mart.revenue"),
    use("report.send", "mart.revenue", source="sql"),
    reads("analyst.look", "sales.orders", columns=("day",), source="sql", events=400),
    reads("forgotten.job", "sales.orders", last_at=NOW - 300 * DAY, first_at=NOW - 400 * DAY),
    reads("elsewhere.job", "sales.returns"),
]


def test_a_change_reaches_who_reads_it_and_who_reads_what_they_build() -> None:
    hits = impact(FLOW, "sales.orders", now=NOW)
    assert {hit.reader.consumer: hit.distance for hit in hits} == {
        "mart.build": 1,
        "analyst.look": 1,
        "forgotten.job": 1,
        "report.send": 2,
    }


def test_who_feeds_others_comes_first_and_who_has_not_read_for_a_year_last() -> None:
    hits = impact(FLOW, "sales.orders", now=NOW)
    assert [hit.reader.consumer for hit in hits] == ["mart.build", "analyst.look", "report.send", "forgotten.job"]
    assert (hits[0].feeds, hits[0].reach) == (("mart.revenue",), 1)


def test_a_source_of_a_dataset_reaches_the_datasets_readers() -> None:
    assert {hit.reader.consumer: hit.distance for hit in impact(FLOW, "raw.orders", now=NOW)} == {
        "orders.stage": 1,
        "mart.build": 2,
        "analyst.look": 2,
        "forgotten.job": 2,
        "report.send": 3,
    }


def test_a_column_reaches_who_reads_it_or_may() -> None:
    found = {hit.reader.consumer for hit in impact(FLOW, "sales.orders", now=NOW, column="PRICE")}
    assert found == {"mart.build", "report.send", "forgotten.job"}  # of the last one's columns nothing is known


def test_a_circle_of_tables_ends() -> None:
    circle = [use("a.a", "x", source="sql"), writes("a.a", "y"), use("b.b", "y", source="sql"), writes("b.b", "x")]
    assert {hit.reader.consumer: hit.distance for hit in impact(circle, "x", now=NOW)} == {"a.a": 1, "b.b": 2}


def watch(**more: Any) -> Watch:
    given: dict[str, Any] = {
        "since": NOW - 92 * DAY,
        "now": NOW,
        "started": NOW - 400 * DAY,
        "coverage": Coverage(statements=1000, unparsed=30),
    }
    return Watch(**(given | more))


def test_what_was_read_in_the_window_is_used() -> None:
    found = still_used("d", readers([reads("a.b", "d")]), watch())
    assert (found.standing, found.consumers) == (Standing.USED, ("a.b",))
    assert found.why == "read by 1 consumer in 92 days; 97% of 1,000 statements parsed; known from ref"


def test_what_was_read_before_the_window_alone_is_unused_and_says_when_it_was_read_last() -> None:
    found = still_used("d", readers([reads("a.b", "d", first_at=NOW - 300 * DAY, last_at=NOW - 100 * DAY)]), watch())
    assert (found.standing, found.last_read) == (Standing.UNUSED, NOW - 100 * DAY)
    assert found.why == "0 reads in 92 days; 97% of 1,000 statements parsed"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"started": None}, "no use of anything has been logged yet"),
        ({"started": NOW - 10 * DAY}, "usage is logged since 2013-05-22 only"),
        ({"coverage": Coverage(statements=100, unparsed=6)}, "a verdict needs 95%"),
        ({"coverage": Coverage(statements=100, dropped=1)}, "1 gap in what tasks and databases told"),
        ({"coverage": Coverage(lost=2)}, "2 gaps in what tasks and databases told"),
    ],
)
def test_without_coverage_absence_proves_nothing(more: dict[str, Any], why: str) -> None:
    found = still_used("d", readers([]), watch(**more))
    assert found.standing is Standing.UNKNOWN
    assert found.why.endswith(f"but {why}")


def test_a_column_is_used_by_who_reads_it_and_unknown_where_a_reader_does_not_tell() -> None:
    told, silent = reads("a.b", "d", source="sql", columns=("v",)), reads("c.d", "d")
    assert still_used("d.v", readers([told, silent]), watch(), column="v").standing is Standing.USED
    assert still_used("d.w", readers([told]), watch(), column="w").standing is Standing.UNUSED
    found = still_used("d.w", readers([told, silent]), watch(), column="w")
    assert (found.standing, found.consumers) == (Standing.UNKNOWN, ("c.d",))
    assert found.why.startswith("c.d reads columns that are not known")
