"""Who reads which release: pinned for a run, resolved anew where it must be, and logged."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from story import NOW, Story

from airflow_dataops.core.errors import IllegalTransition
from airflow_dataops.core.releases import Release, State, TaskKey
from airflow_dataops.services.gating import release_to_judge
from airflow_dataops.services.usage import log_dataset_reads, resolve, unread_release
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
    reads = {(r["release"], r["reads"]) for r in story.store.usage.readers(dataset="nyc.flights")}
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
    assert [r["reads"] for r in story.store.usage.readers()] == [1]


def test_a_dataset_with_nothing_live_is_read_as_it_is(story: Story) -> None:
    story.stage("jan")
    reader = story.target.publisher.reader("nyc.flights").text
    assert resolve(story.store, "nyc.flights", key("a"), NOW) == reader


def test_reads_by_sql_are_logged_for_datasets_alone(story: Story) -> None:
    release = story.live("jan")
    reader = str(story.target.publisher.reader("nyc.flights"))
    log_dataset_reads(story.store, [reader, str(release.relation), "raw.other"], key("a"), NOW)
    reads = {(r["relation"], r["release"], r["source"]) for r in story.store.usage.readers()}
    assert reads == {(reader, 1, "sql"), (str(release.relation), 1, "sql")}


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
