"""A canary: some consumers read a release first; it widens, goes live, or is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from story import GATE, NOW, Story

from airflow_dataops.core.errors import EvidenceMissing, IllegalTransition
from airflow_dataops.core.plans import Plan, Retire
from airflow_dataops.core.releases import Release, State, TaskKey
from airflow_dataops.core.retiring import Retention
from airflow_dataops.core.routes import Route
from airflow_dataops.services.releasing import retire, rollback
from airflow_dataops.services.releasing.canary import begun, end_canary, reads_of, widen
from airflow_dataops.services.releasing.planning import carry_out
from airflow_dataops.services.usage import resolve
from airflow_dataops.stores.models import ReleaseRow

ALL, FEW = Route.of(100), Route.of(0, ["report"])


def reads(story: Story, dag_id: str, run_id: str = "r1") -> str:
    """Return what a task of a consumer reads."""
    key = TaskKey(dag_id=dag_id, run_id=run_id, task_id="read", try_number=1)
    return resolve(story.store, story.name, key, NOW)


def canary(story: Story, release: Release, route: Route = FEW, run: str = "two") -> Release:
    op = story.op("canary", run, release.name)
    return widen(story.target, release.name, op, route, required=[GATE])


@pytest.fixture
def second(story: Story) -> Release:
    """A judged candidate behind a live release."""
    story.live("one", "SELECT 1 AS v")
    release = story.stage("two", "SELECT 2 AS v")
    story.gate(release, "two")
    return release


def test_those_that_are_routed_read_it_and_all_others_what_is_live(story: Story, second: Release) -> None:
    assert canary(story, second).state is State.CANARY
    assert reads(story, "report") == str(second.relation)
    assert reads(story, "other") == str(story.store.releases.live(story.name).relation)
    assert story.rows() == [(1,)]
    canary(story, second, Route.of(100, ["report"]))
    assert reads(story, "other", "r1") != str(second.relation), "a run reads the same release to its end"
    assert reads(story, "other", "r2") == str(second.relation)
    route, since = begun(story.store, story.store.releases.get(second.name))
    assert (route.percent, since > NOW) == (100, True)
    story.promote(second, "two")
    assert story.rows() == [(2,)]
    assert begun(story.store, story.store.releases.get(second.name)) is None


def test_a_retry_routes_the_same_and_is_told_once(story: Story, second: Release) -> None:
    for _ in range(2):
        canary(story, second)
    events = [e["action"] for e in story.store.releases.events(second.name)]
    assert events.count("canary") == 1


def test_it_is_refused_for_what_a_promotion_is_refused_for(story: Story) -> None:
    story.live("one", "SELECT 1 AS v")
    release = story.stage("two", "SELECT 2 AS v")
    with pytest.raises(EvidenceMissing, match=r"gate flights\.gate has not run on"):
        canary(story, release)
    bad = story.stage("three", "SELECT CAST(NULL AS INT) AS v")
    story.gate(bad, "three")
    with pytest.raises(EvidenceMissing, match="says FAIL"):
        canary(story, bad, run="three")
    assert reads(story, "report") != str(bad.relation)
    older = story.stage("four", "SELECT 4 AS v")
    story.gate(older, "four")
    story.live("five", "SELECT 5 AS v")
    told: list[str] = []
    op = story.op("canary", "four", older.name)
    assert widen(story.target, older.name, op, FEW, required=[GATE], say=told.append).state is State.CANDIDATE
    assert "nyc.flights@r4 is no canary: nyc.flights@r4 is older than nyc.flights@r5" in told[0]


def test_taken_back_its_consumers_read_what_is_live_from_their_next_task_on(story: Story, second: Release) -> None:
    canary(story, second)
    assert reads(story, "report") == str(second.relation)
    op = story.op("rollback", "bad", reason="wrong currency")
    for _ in range(2):
        outcome = rollback(story.target, story.name, op, undoes=second.name)
        assert (
            "is taken back; all consumers read nyc.flights@r1. Already built from it: report.read." in outcome.message
        )
    live = story.store.releases.live(story.name)
    assert reads(story, "report") == str(live.relation)
    assert story.states() == {"nyc.flights@r2": "ROLLED_BACK", "nyc.flights@r1": "LIVE"}
    with pytest.raises(IllegalTransition, match="was rolled back"):
        canary(story, second)


def test_a_dry_run_takes_nothing_back(story: Story, second: Release) -> None:
    canary(story, second)
    told: list[str] = []
    rollback(story.target, story.name, story.op("rollback", "dry"), undoes=second.name, dry_run=True, say=told.append)
    assert told == [
        "Plan: take the canary nyc.flights@r2 back",
        "  1. route all consumers to nyc.flights@r1; nyc.flights@r2 is rolled back",
    ]
    assert story.store.releases.get(second.name).state is State.CANARY


def test_there_is_one_canary_of_a_dataset(story: Story, second: Release) -> None:
    canary(story, second)
    third = story.stage("three", "SELECT 3 AS v")
    story.gate(third, "three")
    with pytest.raises(IllegalTransition, match=r"nyc\.flights@r2 is one\. Promote it, or take it back"):
        canary(story, third, run="three")


def test_a_newer_release_that_goes_live_ends_it(story: Story, second: Release) -> None:
    canary(story, second)
    third = story.live("three", "SELECT 3 AS v")
    assert reads(story, "report") == str(third.relation)
    assert story.store.releases.get(second.name).state is State.ROLLED_BACK
    assert story.store.releases.events(second.name)[-1]["reason"] == "nyc.flights@r3 went live"


def test_it_is_not_retired(story: Story, second: Release) -> None:
    canary(story, second)
    retention = Retention.of(keep=None, older_than=0, read_within=0, rollback_window=0)
    op = story.op("retire", "x")
    assert retire(story.target, story.name, op, retention, running=lambda dag_id, run_ids: False) == ()


def test_staged_again_by_its_own_task_it_stays_what_its_consumers_read(story: Story, second: Release) -> None:
    canary(story, second)
    again = story.stage("two", "SELECT 22 AS v")
    assert again.name != second.name
    assert reads(story, "report") == str(second.relation)


def test_what_its_readers_came_to_is_told(story: Story, second: Release) -> None:
    canary(story, second)
    states = {"r1": "success", "r2": "failed", "r3": "running", "r4": None}
    for run in states:
        reads(story, "report", run)
    found = reads_of(story.store, second, NOW, lambda dag_id, run_id: states[run_id])
    assert (found.failed, found.succeeded, found.under_way) == (("report r2",), 1, 1)
    assert str(found) == "of the DAG runs that read it 1 succeeded, 1 failed, 1 run"
    later = reads_of(story.store, second, NOW + timedelta(days=1), lambda dag_id, run_id: "success")
    assert (later.failed, later.succeeded) == ((), 0), "what succeeded at an earlier step says nothing of this one"


def test_what_went_live_meanwhile_is_not_taken_back(story: Story, second: Release) -> None:
    routed = canary(story, second)
    story.promote(second, "two")
    with pytest.raises(IllegalTransition, match="LIVE and cannot unroute"):
        end_canary(story.target, routed, story.op("canary", "late", reason="a run failed"))
    assert story.states() == {"nyc.flights@r2": "LIVE", "nyc.flights@r1": "SUPERSEDED"}


def test_a_candidate_that_became_a_canary_since_the_plan_is_not_retired(story: Story, second: Release) -> None:
    canary(story, second)
    told: list[str] = []
    step = Retire(release=second, why="a plan made before")
    plan = Plan(what="retire", steps=(step,))
    carry_out(story.target, [(plan, story.op("retire", "x"))], dry_run=False, say=told.append)
    assert "is kept after all" in told[-1]
    assert story.rows_of(second.relation) == [(2,)]


def test_a_canary_that_a_killed_promotion_left_behind_is_ended_by_the_next(story: Story, second: Release) -> None:
    canary(story, second)
    story.live("three", "SELECT 3 AS v")
    with story.store.writing() as session:  # as a kill between the switch and the canary's end leaves it
        session.execute(update(ReleaseRow).where(ReleaseRow.number == second.number).values(state=State.CANARY))
    fourth = story.stage("four", "SELECT 4 AS v")
    story.gate(fourth, "four")
    assert canary(story, fourth, run="four").state is State.CANARY


@pytest.mark.parametrize("target", ["duckdb", "postgres"], indirect=True)  # SQLite lets nobody change it
def test_data_that_changed_since_it_was_staged_is_routed_to_nobody(story: Story, second: Release) -> None:
    with story.target.connector.open() as db:
        db.execute(f"INSERT INTO {story.sql(second.relation)} VALUES (7)")
    with pytest.raises(EvidenceMissing, match="fingerprint differs"):
        canary(story, second)
