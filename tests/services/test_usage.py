"""Who reads which release: pinned for a run, resolved anew where it must be, and logged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from story import NOW, Story

from airflow_dataops.core.errors import IllegalTransition, ReleaseNotFound
from airflow_dataops.core.releases import Release, State, TaskKey
from airflow_dataops.core.usage import Coverage, Observed, Use
from airflow_dataops.services.gating import release_to_judge
from airflow_dataops.services.usage import adopted_by, hit_by, is_still_used, record, resolve, unread_release
from airflow_dataops.stores.models import ReleaseRow


def key(run: str, dag: str = "report", attempt: int = 1) -> TaskKey:
    return TaskKey(dag_id=dag, run_id=run, task_id="build", try_number=attempt)


def retire(story: Story, release: Release) -> None:
    """Retire as a later version of the package will: the state alone matters to readers."""
    with story.store.writing() as session:
        session.execute(update(ReleaseRow).where(ReleaseRow.number == release.number).values(state=State.RETIRED))


def test_a_run_reads_one_release_whatever_goes_live_meanwhile(story: Story) -> None:
    first = story.live("jan")
    assert resolve(story.store, "nyc.flights", key("a"), NOW) == first.relation.text
    second = story.live("feb", "SELECT 2 AS v")
    assert resolve(story.store, "nyc.flights", key("a", attempt=2), NOW) == first.relation.text
    assert resolve(story.store, "nyc.flights", key("b"), NOW) == second.relation.text
    reads = {(use.release, use.events) for use in story.store.usage.readers("nyc.flights")}
    assert reads == {(1, 2), (2, 1)}


@pytest.mark.parametrize("end", ["rolled back", "retired"])
def test_a_pinned_release_that_is_gone_is_resolved_anew_and_said(
    story: Story, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    story.live("jan")
    second = story.live("feb", "SELECT 2 AS v")
    resolve(story.store, "nyc.flights", key("a"), NOW)
    if end == "rolled back":
        story.rollback()
    else:
        story.live("mar", "SELECT 3 AS v")
        retire(story, second)
    live = story.store.releases.live("nyc.flights")
    assert live is not None
    assert resolve(story.store, "nyc.flights", key("a", attempt=2), NOW) == live.relation.text
    assert f"{second}, which this run has read so far, is" in caplog.text
    assert resolve(story.store, "nyc.flights", key("a", attempt=3), NOW) == live.relation.text


def test_a_template_that_renders_twice_is_one_read(story: Story) -> None:
    story.live("jan")
    for _ in range(2):
        resolve(story.store, "nyc.flights", key("a"), NOW)
    assert [use.events for use in story.store.usage.uses()] == [1]


def test_a_dataset_with_nothing_live_is_read_as_it_is(story: Story) -> None:
    story.stage("jan")
    reader = story.target.publisher.reader("nyc.flights").text
    assert resolve(story.store, "nyc.flights", key("a"), NOW) == reader


def seen(run: str, *relations: str, at: datetime = NOW, **more: Any) -> Observed:
    """Return what a task was seen to use."""
    given = {"consumer": "report.build", "source": "sql", "at": at, "key": key(run), **more}
    uses = tuple(Use(relation=relation, **given) for relation in relations)
    return Observed(consumer="report.build", at=at, uses=uses, coverage=Coverage(statements=len(uses)))


def test_a_relation_is_unfolded_to_the_release_that_its_readers_got_then(story: Story) -> None:
    first = story.live("jan")
    second = story.live("feb", "SELECT 2 AS v")
    switched = story.store.releases.events(second.name)[-1]["at"]
    reader = str(story.target.publisher.reader("nyc.flights"))
    record(story.store, seen("a", reader, at=switched - timedelta(microseconds=1)))
    record(story.store, seen("b", reader, str(first.relation), "raw.other", at=switched))
    read = {(use.release, use.events) for use in story.store.usage.readers("nyc.flights")}
    assert read == {(1, 2), (2, 1)}
    uses = [use for use in story.store.usage.uses() if use.consumer == "report.build"]
    assert {(use.name, use.release, use.events) for use in uses} == {("nyc.flights", 2, 3), ("raw.other", None, 1)}


def test_an_asset_of_a_datasets_name_is_the_dataset(story: Story) -> None:
    story.live("jan")
    record(story.store, seen("a", "nyc.flights", source="asset", at=datetime.now(UTC)))
    (use,) = story.store.usage.readers("nyc.flights")
    assert (use.release, use.source) == (1, "asset")


def test_what_is_seen_twice_of_one_try_counts_once_and_a_retry_again(story: Story) -> None:
    for _ in range(2):
        record(story.store, seen("a", "raw.other"))
    record(story.store, seen("a", "raw.other", key=key("a", attempt=2)))
    assert [use.events for use in story.store.usage.uses()] == [2]
    assert story.store.usage.coverage(NOW.date())["report.build"].statements == 3


def test_events_go_and_what_they_add_up_to_stays(story: Story) -> None:
    for day in range(3):
        at = NOW + timedelta(days=day)
        record(story.store, seen(f"run {day}", "raw.other", at=at))
    assert story.store.usage.forget(NOW + timedelta(days=2)) == 2
    assert [use.events for use in story.store.usage.uses()] == [3]


def test_many_at_once_count_each(story: Story) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: record(story.store, seen(f"run {n}", "raw.other")), range(24)))
    (use,) = story.store.usage.uses()
    assert (use.events, story.store.usage.coverage(NOW.date())["report.build"].statements) == (24, 24)


def test_still_used_is_told_of_the_dataset_its_releases_and_its_columns(story: Story) -> None:
    story.live("jan")
    story.live("feb", "SELECT 2 AS v, 3 AS w")
    then = NOW - timedelta(days=100)
    reader = str(story.target.publisher.reader("nyc.flights"))
    record(story.store, seen("early", "raw.other", at=then))
    record(story.store, seen("a", reader, at=datetime.now(UTC), columns=("v",)))
    found = {each.name: str(each.standing) for each in is_still_used(story.store, datetime.now(UTC))}
    assert found == {
        "nyc.flights": "used",
        "nyc.flights@r2": "used",
        "nyc.flights.v": "used",
        "nyc.flights.w": "unused",
        "nyc.flights@r1": "unused",
    }


def test_a_new_release_is_adopted_by_who_has_read_it(story: Story) -> None:
    story.live("jan")
    resolve(story.store, "nyc.flights", key("a"), NOW)
    resolve(story.store, "nyc.flights", key("b", dag="other"), NOW)
    story.live("feb", "SELECT 2 AS v")
    resolve(story.store, "nyc.flights", key("c"), NOW + timedelta(days=1))
    told = [(one.consumer, one.release, one.adopted) for one in adopted_by(story.store, "nyc.flights")]
    assert told == [("other.build", 1, False), ("report.build", 2, True)]


def test_nothing_is_hit_by_what_nobody_knows(story: Story) -> None:
    with pytest.raises(ReleaseNotFound, match=r"Nothing is known of 'raw\.x': it is no dataset"):
        hit_by(story.store, "raw.x", NOW)


def test_new_is_what_no_earlier_run_of_the_dag_has_read(story: Story) -> None:
    assert unread_release(story.store, "nyc.flights", key("a")) is None
    story.live("jan")
    resolve(story.store, "nyc.flights", key("a"), NOW)
    assert unread_release(story.store, "nyc.flights", key("a")) is not None  # a retry of the same run
    assert unread_release(story.store, "nyc.flights", key("b")) is None
    assert unread_release(story.store, "nyc.flights", key("b", dag="another")) is not None


def test_a_retired_release_cannot_be_judged_or_promoted(story: Story) -> None:
    first = story.live("jan")
    story.live("feb", "SELECT 2 AS v")
    retire(story, first)
    with pytest.raises(IllegalTransition, match=r"nyc\.flights@r1 is RETIRED.*Judge nyc\.flights@r2, which is live"):
        release_to_judge(story.store, first.name)
    with pytest.raises(IllegalTransition, match=r"nyc\.flights@r1 is RETIRED and cannot promote"):
        story.promote(first, "another", reason="please")
    with pytest.raises(IllegalTransition, match=r"nyc\.flights@r1 is RETIRED and cannot restore"):
        story.rollback(to=first.name)


def test_a_name_that_must_be_quoted_is_quoted_as_its_database_has_it(story: Story) -> None:
    story.stage("jan", reader='fl"ight`s')
    asked: list[str] = []

    def dialect_of(conn_id: str) -> str:
        asked.append(conn_id)
        return story.target.connector.dialect

    read = resolve(story.store, "nyc.flights", key("a"), NOW, dialect_of=dialect_of)
    assert read == ('`fl"ight``s`' if story.target.connector.dialect == "mysql" else '"fl""ight`s"')
    assert asked == [story.target.connector.label]
