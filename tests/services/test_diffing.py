"""Diffs as tasks make them, on each database: what is compared, stored, refused, and what a rerun adds."""

from __future__ import annotations

import pytest
from story import Story

from airflow_dataops.core.diff_policy import DiffPolicy, FailOn
from airflow_dataops.core.diffs import KeyCounts
from airflow_dataops.core.errors import ConfigurationError, IllegalTransition, MeasureError, MeasurementStopped
from airflow_dataops.core.releases import Action, Release
from airflow_dataops.core.switching import Switch
from airflow_dataops.engines.sql.watching import Watch
from airflow_dataops.services.releasing import diff, reconcile
from airflow_dataops.services.releasing.diffing import refusal
from airflow_dataops.stores.diffs import DiffRun

ONE = "SELECT 1 AS v, 'a' AS name UNION ALL SELECT 2, 'b'"
TWO = "SELECT 2 AS v, 'B' AS name UNION ALL SELECT 3, 'c'"
ONE_IS_ENOUGH = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


def told(story: Story, release: Release, run: str = "r", **more: object) -> DiffRun:
    return diff(story.target, release.name, story.op("diff", run), **more)


def test_a_candidate_is_compared_with_what_is_live_and_stored(story: Story) -> None:
    live = story.live("one", ONE)
    candidate = story.stage("two", TWO)
    found = told(story, candidate, "two", key=["v"], samples=5)
    assert (found.diff.base_name, found.diff.release) == (live.name, candidate.name)
    assert found.diff.fingerprint == candidate.fingerprint
    assert (found.diff.base_rows, found.diff.rows) == (2, 2)
    assert found.diff.keys == KeyCounts(added=1, removed=1, changed=1, same=0)
    assert [(key.event, key.values, key.columns) for key in found.diff.samples] == [
        ("added", (3,), ()),
        ("removed", (1,), ()),
        ("changed", (2,), ("name",)),
    ]
    assert found.diff.refused == ()
    assert story.store.diffs.of(candidate.name) == [found] == [story.store.diffs.get(found.id)]
    assert (found.key.task_id, found.by) == ("diff", "flights.diff")
    assert story.store.diffs.of(live.name) == []


@ONE_IS_ENOUGH
def test_a_first_release_has_nothing_to_be_compared_with_and_passes(story: Story) -> None:
    candidate = story.stage("one", ONE)
    strict = DiffPolicy(fail_on=tuple(FailOn), max_changed=0.0)
    found = told(story, candidate, key=["V"], policy=strict)
    assert (found.diff.base, found.diff.rows, found.diff.refused) == (None, 2, ())
    assert found.diff.fingerprint == candidate.fingerprint
    with pytest.raises(ConfigurationError, match="key='no': there is no such column; the candidate has v, name"):
        told(story, candidate, key=["no"])


def test_a_table_that_the_first_promotion_would_adopt_is_what_is_live(story: Story) -> None:
    reader = story.target.publisher.reader("nyc.flights")
    candidate = story.stage("one", ONE)
    with story.target.connector.open() as db:
        db.execute(f"CREATE TABLE {reader.sql} AS SELECT 1 AS v, 'a' AS name")
    found = told(story, candidate, key=["v"]).diff
    assert (found.base, found.keys) == (0, KeyCounts(added=1, removed=0, changed=0, same=1))


@ONE_IS_ENOUGH
def test_what_the_policy_refuses_is_stored_with_the_diff(story: Story) -> None:
    story.live("one", ONE)
    candidate = story.stage("two", "SELECT 1 AS v")
    rules = DiffPolicy(fail_on=(FailOn.BREAKING_SCHEMA, FailOn.REMOVED_KEYS), max_changed=0.4)
    found = told(story, candidate, key=["v"], policy=rules)
    assert found.diff.refused == (
        "breaking_schema: name dropped",
        "removed_keys: 1 key removed, of 2 that are live",
        "max_changed=0.4: 1 against 2 live keys (50 %): 0 added, 1 removed, 0 changed",
    )
    assert story.store.diffs.of(candidate.name)[0].diff == found.diff
    assert refusal(found).startswith("Diff of nyc.flights@r2 against nyc.flights@r1 REFUSED: breaking_schema: name")
    assert "Candidate kept; nyc.flights@r1 is still what readers get. Repair it and" in refusal(found)


@ONE_IS_ENOUGH
def test_a_key_that_is_no_key_is_refused_with_counts_though_no_policy_was_given(story: Story) -> None:
    story.live("one", ONE)
    candidate = story.stage("two", "SELECT 1 AS v, 'a' AS name UNION ALL SELECT 1, 'b' UNION ALL SELECT NULL, 'c'")
    found = told(story, candidate, key=["v"]).diff
    assert (
        found.refused
        == found.obstacles
        == (
            "key v is null in 1 of 3 rows of the candidate",
            "key v is not unique in the candidate: 2 of 3 rows share 1 key",
        )
    )
    assert found.keys is None
    assert found.rows == 3


@ONE_IS_ENOUGH
def test_a_rerun_adds_a_diff_and_changes_nothing_else(story: Story) -> None:
    story.live("one", ONE)
    candidate = story.stage("two", TWO)
    before = (story.states(), story.rows(), story.store.releases.events(candidate.name))
    first, second = (told(story, candidate, key=["v"]) for _ in range(2))
    assert [run.id for run in story.store.diffs.of(candidate.name)] == [second.id, first.id]
    assert first.diff.keys == second.diff.keys
    assert (story.states(), story.rows(), story.store.releases.events(candidate.name)) == before


@ONE_IS_ENOUGH
def test_a_release_that_is_live_itself_is_compared_with_what_was_live_before(story: Story) -> None:
    first = story.live("one", ONE)
    assert told(story, first).diff.base is None
    second = story.live("two", TWO)
    found = told(story, second, key=["v"]).diff
    assert found.base == 1
    assert found.keys == KeyCounts(added=1, removed=1, changed=1, same=0)
    assert told(story, first).diff.base == 2  # what going back to it would change


@ONE_IS_ENOUGH
def test_a_switch_that_is_not_recorded_yet_is_believed(story: Story) -> None:
    story.live("one", ONE)
    second, third = story.stage("two", TWO), story.stage("three", ONE)
    dataset, publisher = story.dataset, story.target.publisher
    op = story.op("promote", "two")
    order = Switch(
        dataset=dataset.name,
        reader=publisher.reader(dataset.target),
        relation=second.relation,
        release=second.number,
        expect=publisher.pointer(dataset.name, dataset.target).epoch,
        op_id=op.op_id,
        by=op.by,
        at=op.now,
    )
    publisher.switch(order, lambda db: None)  # and the process is killed
    assert told(story, third).diff.base == 2
    assert told(story, second).diff.base == 1
    reconcile(story.target, dataset)
    assert told(story, second).diff.base == 1


@ONE_IS_ENOUGH
def test_a_release_that_is_gone_is_refused(story: Story) -> None:
    candidate = story.stage("one", ONE)
    story.store.releases.move(candidate.name, Action.ABORT, story.op("abort", "one"))
    with pytest.raises(IllegalTransition, match=r"nyc\.flights@r1 is ABORTED: there is nothing to compare"):
        told(story, candidate)


def test_what_cannot_be_measured_is_raised_and_nothing_is_stored(story: Story) -> None:
    story.live("one", ONE)
    candidate = story.stage("two", TWO)
    with story.target.connector.open() as db:
        db.execute(f"DROP TABLE {candidate.relation.sql}")
    with pytest.raises(MeasureError, match="there is no table") as raised:
        told(story, candidate, key=["v"])
    assert not raised.value.retryable
    assert story.store.diffs.of(candidate.name) == []


@ONE_IS_ENOUGH
@pytest.mark.parametrize("samples", [-1, True, "3", 1001])
def test_samples_that_cannot_be_meant_are_refused(story: Story, samples: object) -> None:
    with pytest.raises(ConfigurationError, match="samples="):
        told(story, story.stage("one", ONE), samples=samples)


@ONE_IS_ENOUGH
def test_a_killed_diff_runs_no_statement_and_stores_nothing(story: Story) -> None:
    story.live("one", ONE)
    candidate = story.stage("two", TWO)
    watch = Watch()
    watch.stop()
    with pytest.raises(MeasurementStopped, match="counting rows") as raised:
        told(story, candidate, watch=watch)
    assert raised.value.retryable
    assert story.store.diffs.of(candidate.name) == []
