"""A stage that builds one part anew and keeps the rest of what is live, on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from story import GATE, NOW, Story

from airflow_dataops.core.errors import ConfigurationError, IllegalTransition, MeasureError
from airflow_dataops.core.releases import OF_NOTHING

pytestmark = pytest.mark.parametrize("target", ["sqlite", "duckdb", "postgres", "mysql"], indirect=True)

MONDAY = "SELECT 1 AS day, 10 AS v UNION ALL SELECT 1, 11"


def tuesday(v: int) -> str:
    return f"SELECT 2 AS day, {v} AS v"


def whole(story: Story, run: str) -> None:
    first = story.stage(run, MONDAY)
    story.gate(first, run)
    story.promote(first, run)


def day(story: Story, run: str, sql: str, where: str = "day = 2"):
    return story.stage(run, sql, replace_where=where)


def test_the_first_release_is_the_sql_itself(story: Story) -> None:
    release = day(story, "one", MONDAY, "day = 1")
    assert release.base == OF_NOTHING
    story.gate(release, "one")
    story.promote(release, "one")
    assert story.rows() == [(1, 10), (1, 11)]


def test_of_two_parts_built_on_nothing_the_second_is_not_the_whole(story: Story) -> None:
    releases = [
        day(story, run, sql, where) for run, sql, where in (("m", MONDAY, "day = 1"), ("t", tuesday(20), "day = 2"))
    ]
    for release in releases:
        story.gate(release, release.key.run_id)
    story.promote(releases[0], "m")
    with pytest.raises(IllegalTransition, match=r"r2 holds one part alone, built on nothing; nyc.flights@r1 is"):
        story.promote(releases[1], "t")
    assert story.rows() == [(1, 10), (1, 11)]


def test_a_part_of_an_earlier_day_goes_live_as_it_holds_all_that_is_live(story: Story) -> None:
    tenth, third = (NOW + timedelta(days=days) for days in (10, 3))
    first = story.stage("mon", MONDAY, interval_end=tenth)
    story.gate(first, "mon")
    story.promote(first, "mon")
    late = story.stage("tue", tuesday(20), replace_where="day = 2", interval_end=third)
    assert late.interval_end == tenth
    story.gate(late, "tue")
    assert story.promote(late, "tue").switched
    assert story.rows() == [(1, 10), (1, 11), (2, 20)]


def test_a_part_is_added_and_replaced_and_the_rest_is_kept(story: Story) -> None:
    whole(story, "mon")
    for run, v in (("tue", 20), ("tue again", 21)):
        release = day(story, run, tuesday(v))
        story.gate(release, run)
        assert story.promote(release, run).switched
        assert story.rows() == [(1, 10), (1, 11), (2, v)]
    assert story.store.releases.get(release.name).base == 2


def test_a_row_for_which_the_condition_is_null_is_kept(story: Story) -> None:
    whole(story, "mon")
    first = story.stage("gap", f"{MONDAY} UNION ALL SELECT NULL, 12")
    story.gate(first, "gap")
    story.promote(first, "gap")
    release = day(story, "tue", tuesday(20))
    story.gate(release, "tue")
    story.promote(release, "tue")
    reader = story.sql(story.target.publisher.reader("nyc.flights"))
    with story.target.connector.open(read_only=True) as db:
        assert sorted(db.execute(f"SELECT v FROM {reader}")) == [(10,), (11,), (12,), (20,)]


def test_a_base_that_is_not_live_any_more_is_refused_and_a_new_stage_builds_on_what_is(story: Story) -> None:
    whole(story, "mon")
    stale, other = day(story, "tue", tuesday(20)), day(story, "wed", "SELECT 3 AS day, 30 AS v", "day = 3")
    for release, run in ((stale, "tue"), (other, "wed")):
        story.gate(release, run)
    story.promote(other, "wed")
    with pytest.raises(
        IllegalTransition, match=r"r2 keeps rows of nyc.flights@r1, which is not live any more; nyc.flights@r3 is"
    ):
        story.promote(stale, "tue", replace_newer=True)
    assert story.rows() == [(1, 10), (1, 11), (3, 30)]
    again = day(story, "tue", tuesday(20))
    assert (again.number, again.base) == (4, 3)
    story.gate(again, "tue")
    story.promote(again, "tue")
    assert story.rows() == [(1, 10), (1, 11), (2, 20), (3, 30)]


def test_a_plain_table_is_adopted_with_its_rows(story: Story) -> None:
    reader = story.target.publisher.reader("nyc.flights")
    story.target.publisher.build(reader, MONDAY)
    release = day(story, "tue", tuesday(20))
    assert release.base == 0
    story.gate(release, "tue")
    assert story.promote(release, "tue").switched
    assert story.rows() == [(1, 10), (1, 11), (2, 20)]
    story.rollback("back")
    assert story.rows() == [(1, 10), (1, 11)]


def test_it_can_be_rolled_back_and_gone_back_to(story: Story) -> None:
    whole(story, "mon")
    release = day(story, "tue", tuesday(20))
    story.gate(release, "tue")
    story.promote(release, "tue")
    story.rollback("back")
    assert story.rows() == [(1, 10), (1, 11)]
    story.promote(release, "on", reason="it was right", required=[GATE])
    assert story.rows() == [(1, 10), (1, 11), (2, 20)]


def test_rows_outside_of_the_part_are_refused_and_nothing_is_left(story: Story) -> None:
    whole(story, "mon")
    with pytest.raises(ConfigurationError, match=r"r2 was not staged: 2 rows of sql= do not meet replace_where"):
        day(story, "tue", f"{tuesday(20)} UNION ALL {MONDAY}")
    assert story.states()["nyc.flights@r2"] == "ABORTED"
    assert not story.target.publisher.exists(story.store.releases.of("nyc.flights")[0].relation)


@pytest.mark.parametrize(
    ("sql", "where", "told"),
    [
        (
            "SELECT 2 AS day",
            "day = 2",
            r"sql= lacks v, and with replace_where the other rows are kept of nyc.flights@r1",
        ),
        (f"SELECT 1 AS w, q.* FROM ({tuesday(2)}) AS q", "day = 2", "sql= adds w, and"),
        (tuesday(20), "day = 2) OR (1 = 1", "replace_where must be one expression"),
        (tuesday(20), "", "replace_where is empty"),
        (tuesday(20), "day = 2; DROP TABLE x", "replace_where must be one expression"),
    ],
)
def test_what_cannot_be_kept_beside_is_refused_before_anything_is_built(
    story: Story, sql: str, where: str, told: str
) -> None:
    whole(story, "mon")
    with pytest.raises(ConfigurationError, match=told):
        day(story, "tue", sql, where)
    assert story.rows() == [(1, 10), (1, 11)]


def test_a_condition_that_the_database_refuses_is_told_in_its_words(story: Story) -> None:
    whole(story, "mon")
    with pytest.raises(MeasureError, match="nothere"):
        day(story, "tue", tuesday(20), "nothere = 2")
    assert story.states()["nyc.flights@r2"] == "ABORTED"


def test_a_table_that_is_taken_is_the_whole(story: Story) -> None:
    with pytest.raises(ConfigurationError, match="replace_where goes with sql="):
        story.stage("one", relation="built", replace_where="day = 2")


def test_columns_in_another_order_and_case_are_put_right(story: Story) -> None:
    whole(story, "mon")
    release = day(story, "tue", "SELECT 20 AS v, 2 AS day -- newest first")
    story.gate(release, "tue")
    story.promote(release, "tue")
    assert story.rows() == [(1, 10), (1, 11), (2, 20)]
