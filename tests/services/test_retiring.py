"""Retiring and cleaning: what nobody needs goes, what somebody needs stays and says so, and a kill is mended."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from deadly import Fuse, deadly_connector
from processes import forked, stride
from seeing import everything
from story import NOW, Story

from airflow_dataops.core.errors import IllegalTransition, MeasureError
from airflow_dataops.core.releases import Operation, Release, ReleaseName, TaskKey
from airflow_dataops.core.retiring import Retention
from airflow_dataops.core.usage import Use
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target, clean, retire, stage
from airflow_dataops.services.usage import resolve
from airflow_dataops.stores.store import Store

STRIDE = stride(3)

LATER = NOW + timedelta(days=100)


def later(name: str = "retire", days: float = 0) -> Operation:
    return Operation(op_id=name, by="tests", now=LATER + timedelta(days=days), reason="space")


def retention(**more: Any) -> Retention:
    return Retention.of(**({"keep": 1, "older_than": None, "read_within": 7, "rollback_window": 7} | more))


def nobody(dag_id: str, run_ids: Sequence[str]) -> bool:
    return False


def four(story: Story) -> list[Release]:
    """Return four releases of which the last is live."""
    return [story.live(f"run {number}", f"SELECT {number} AS v") for number in (1, 2, 3, 4)]


def gone(story: Story, release: Release) -> bool:
    return not story.target.publisher.exists(release.relation)


def test_what_nobody_needs_is_dropped_and_every_other_says_why_it_stays(story: Story) -> None:
    first, second, third, live = four(story)
    before = everything(story.target)
    planned: list[str] = []
    dry = retire(story.target, "nyc.flights", later(), retention(), running=nobody, dry_run=True, say=planned.append)
    assert everything(story.target) == before
    taken: list[str] = []
    done = retire(story.target, "nyc.flights", later(), retention(), running=nobody, say=taken.append)
    assert (
        taken
        == planned
        == [
            "Plan: retire releases of nyc.flights beyond the newest 1",
            "  1. reconcile nyc.flights: nothing is stranded",
            f"  2. keep {live} (LIVE): it is live",
            f"  3. keep {third} (SUPERSEDED): a roll-back would go to it",
            f"  4. drop {second.relation} and retire {second} (SUPERSEDED): not live since 99 days 23 hours",
            f"  5. drop {first.relation} and retire {first} (SUPERSEDED): not live since 99 days 23 hours",
        ]
    )
    assert dry == done == (second.name, first.name)
    assert story.states() == {
        str(first): "RETIRED",
        str(second): "RETIRED",
        str(third): "SUPERSEDED",
        str(live): "LIVE",
    }
    assert [gone(story, release) for release in (first, second, third, live)] == [True, True, False, False]
    assert story.rows() == [(4,)]
    (*_, event) = story.store.releases.events(first.name)
    assert (event["action"], event["by"], event["reason"]) == ("retire", "tests", "space")
    assert retire(story.target, "nyc.flights", later("again"), retention(), running=nobody) == ()
    with pytest.raises(IllegalTransition, match=rf"{first} is RETIRED and cannot restore"):
        story.rollback(to=first.name)
    assert str(story.rollback("ops").release) == str(third)


@pytest.mark.parametrize("target", ["postgres"], indirect=True)
def test_what_may_not_be_dropped_is_told_and_the_others_go(story: Story) -> None:
    first, second, _, _ = four(story)
    with story.target.connector.open() as db:
        for statement in (
            "DROP ROLE IF EXISTS dataops_retirer",
            "CREATE ROLE dataops_retirer",
            "GRANT ALL ON SCHEMA nyc TO dataops_retirer",
            "GRANT ALL ON ALL TABLES IN SCHEMA nyc TO dataops_retirer",
            f"ALTER TABLE {first.relation.sql} OWNER TO dataops_retirer",
        ):
            db.execute(statement)
    connector = replace(story.target.connector, role="dataops_retirer")  # type: ignore[type-var]
    target = replace(story.target, connector=connector, publisher=publisher_for(connector, "view"))
    lines: list[str] = []
    try:
        for _ in range(2):
            retire(target, "nyc.flights", later(), retention(), running=nobody, say=lines.append)
            assert [gone(story, release) for release in (first, second)] == [True, False]
        assert story.states()[str(first)] == "RETIRED"
        assert story.states()[str(second)] == "SUPERSEDED"
        told = [line for line in lines if line.startswith(f"{second} cannot be dropped: ")]
        assert len(told) == 2
        assert all("must be owner of table flights__r2" in line and "\n" not in line for line in told)
    finally:
        with story.target.connector.open() as db:
            db.execute("DROP OWNED BY dataops_retirer")
            db.execute("DROP ROLE dataops_retirer")


@pytest.mark.parametrize("target", ["sqlite", "postgres"], indirect=True)
def test_what_is_pinned_running_read_or_depended_on_stays(story: Story) -> None:
    first, second, third, _ = four(story)
    story.live("run 5", "SELECT 5 AS v")
    story.live("run 6", "SELECT 6 AS v")
    store = story.store
    store.usage.pin("nyc.flights", "report", "recent", first.number, LATER - timedelta(days=6))
    store.usage.pin("nyc.flights", "report", "endless", second.number, LATER - timedelta(days=60))
    store.usage.pin("nyc.flights", "report", "ended", second.number, LATER - timedelta(days=60))
    key = TaskKey(dag_id="report", run_id="r", task_id="build")
    store.usage.add(
        Use(
            relation=str(third.relation),
            consumer="report.build",
            source="ref",
            at=LATER - timedelta(days=2),
            key=key,
            dataset="nyc.flights",
            release=third.number,
        )
    )
    view = story.target.publisher.reader("nyc.quarter")
    fourth = store.releases.get(ReleaseName(dataset="nyc.flights", number=4))
    with story.target.connector.open() as db:
        db.execute(f"CREATE VIEW {view.sql} AS SELECT v FROM {fourth.relation.sql}")
    asked: list[tuple[str, tuple[str, ...]]] = []

    def running(dag_id: str, run_ids: Sequence[str]) -> bool:
        asked.append((dag_id, tuple(sorted(run_ids))))
        return "endless" in run_ids

    lines: list[str] = []
    assert retire(story.target, "nyc.flights", later(), retention(), running=running, say=lines.append) == ()
    told = "\n".join(lines)
    assert f"keep {first} (SUPERSEDED): DAG runs are pinned to it: report recent" in told
    assert f"keep {second} (SUPERSEDED): DAG runs are pinned to it: report (still running)" in told
    assert f"keep {third} (SUPERSEDED): it was read 2 days ago" in told
    assert f"keep {fourth} (SUPERSEDED): views depend on it: " in told
    assert str(view) in told
    assert asked == [("report", ("ended", "endless"))]  # only of what nothing else holds
    retired = retire(story.target, "nyc.flights", later(days=10), retention(), running=nobody)
    assert set(retired) == {first.name, second.name, third.name}
    assert story.states()[str(fourth)] == "SUPERSEDED"


@pytest.mark.parametrize("target", ["sqlite", "postgres"], indirect=True)
def test_a_view_that_came_after_the_plan_keeps_its_release(story: Story) -> None:
    first, second, *_ = four(story)
    view = story.target.publisher.reader("nyc.quarter")

    def look(line: str) -> None:
        if "1. reconcile" in line:  # printed when the plan stands, before its steps are taken
            with story.target.connector.open() as db:
                db.execute(f"CREATE VIEW {view.sql} AS SELECT v FROM {second.relation.sql}")
        lines.append(line)

    lines: list[str] = []
    assert retire(story.target, "nyc.flights", later(), retention(), running=nobody, say=look) == (first.name,)
    assert any(line.startswith(f"{second} is kept after all: ") and str(view) in line for line in lines)
    assert (story.states()[str(second)], gone(story, second)) == ("SUPERSEDED", False)


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_candidate_goes_when_it_is_old_and_what_was_aborted_when_its_table_is_there(story: Story) -> None:
    live = story.live("jan")
    candidate = story.stage("feb", "SELECT 2 AS v")
    assert retire(story.target, "nyc.flights", later(), retention(keep=0), running=nobody) == ()
    assert retire(story.target, "nyc.flights", later(), retention(older_than=99), running=nobody) == (candidate.name,)
    assert [e["action"] for e in story.store.releases.events(candidate.name)] == ["stage", "built", "abort", "retire"]
    assert gone(story, candidate)
    assert story.states() == {str(live): "LIVE", str(candidate): "RETIRED"}


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_what_cannot_be_measured_fails_and_changes_nothing(story: Story) -> None:
    four(story)
    before = everything(story.target)

    class Lost(type(story.target.publisher)):  # type: ignore[misc]
        def built(self, target: str) -> object:
            raise MeasureError("connection lost", retryable=True)

    lost = replace(story.target, publisher=Lost(story.target.connector))
    with pytest.raises(MeasureError, match="connection lost"):
        retire(lost, "nyc.flights", later(), retention(), running=nobody)
    assert everything(story.target) == before


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_ref_to_a_retired_release_resolves_anew_and_says_so(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    first, *_, live = four(story)
    key = TaskKey(dag_id="report", run_id="r", task_id="build", try_number=1)
    story.store.usage.pin("nyc.flights", "report", "r", first.number, NOW)
    assert resolve(story.store, "nyc.flights", key, NOW) == first.relation.text
    retire(story.target, "nyc.flights", later(), retention(), running=nobody)
    assert resolve(story.store, "nyc.flights", replace(key, try_number=2), LATER) == live.relation.text
    assert f"{first}, which this run has read so far, is RETIRED: it reads {live} from now on" in caplog.text


@pytest.mark.parametrize("target", ["postgres", "sqlite"], indirect=True)
def test_a_kill_at_any_step_is_mended_by_the_next_run(story: Story) -> None:
    url = str(story.store.engine.url)
    releases = four(story)
    kills = 0
    for step in itertools.count(1, STRIDE):
        arguments = (story.target.connector, url, step)
        child = forked().Process(target=retire_and_die, args=arguments)
        child.start()
        child.join()
        assert story.rows() == [(4,)]
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
        for release in releases:  # nothing says RETIRED and still takes space
            now = story.store.releases.get(release.name)
            assert now.state != "RETIRED" or gone(story, release)
    assert kills > 10 // STRIDE
    assert list(story.states().values()) == ["LIVE", "SUPERSEDED", "RETIRED", "RETIRED"]
    assert [gone(story, release) for release in releases] == [True, True, False, False]


def retire_and_die(warehouse: Any, url: str, steps: int) -> None:
    """Retire in this process, which dies at a step of the target, or just before a release is recorded."""
    fuse = Fuse(steps)
    store = Store.open(url)
    move = store.releases.move

    def burning(*args: Any) -> Any:
        fuse.burn()
        return move(*args)

    store.releases.move = burning  # type: ignore[method-assign]
    connector = deadly_connector(warehouse, fuse)
    publisher = publisher_for(connector, warehouse.publisher)
    target = Target(store=store, publisher=publisher, connector=connector, fingerprint=lambda db, r: "")
    retire(target, "nyc.flights", later(f"kill {steps}"), retention(), running=nobody)


def killed(story: Story, run: str, after: str, **more: Any) -> Release:
    """Return what a stage leaves that is killed before its table is built, or just after."""

    class Killed(BaseException):
        """No clean-up runs, as in a kill."""

    class Dying(type(story.target.publisher)):  # type: ignore[misc]
        def build(self, relation: Any, sql: str, *run: Any) -> None:
            if after == "built":
                super().build(relation, sql, *run)
            raise Killed

        def take(self, source: Any, relation: Any) -> None:
            super().take(source, relation)
            raise Killed

    dying = replace(story.target, publisher=Dying(story.target.connector))
    with pytest.raises(Killed):
        stage(dying, "nyc.flights", story.op("stage", run), **more)
    return story.store.releases.of("nyc.flights")[0]


@pytest.mark.parametrize("target", ["sqlite", "postgres"], indirect=True)
def test_clean_removes_what_killed_builds_left_and_lists_what_is_nobodys(story: Story) -> None:
    live = story.live("jan")
    begun, built = (killed(story, run, run, sql="SELECT 7 AS v") for run in ("begun", "built"))
    with story.target.connector.open() as db:
        db.execute("CREATE TABLE landed AS SELECT 5 AS v")
    taken = killed(story, "taken", "taken", relation="landed")
    aborted = story.stage("feb")
    story.store.releases.move(aborted.name, "abort", story.op("abort", "feb"))
    foreign = story.target.publisher.physical("nyc.flights", 77)
    like = replace(foreign, name=foreign.name.replace("__r77", "__r7x"))
    for relation in (foreign, like):
        story.target.publisher.build(relation, "SELECT 9 AS v")
    hour = timedelta(hours=1)
    before = everything(story.target)
    for soon in (True, False):
        lines: list[str] = []
        op = replace(later("soon"), now=NOW + timedelta(minutes=10)) if soon else later()
        clean(story.target, "nyc.flights", op, older_than=hour, dry_run=True, say=lines.append)
        assert everything(story.target) == before
        told = "\n".join(lines)
        assert f"drop {aborted.relation} and retire {aborted} (ABORTED)" in told
        for release in (begun, built):
            assert (f"keep {release} (BUILDING): it was begun 9 minutes" in told) is soon
            assert (f"and retire {release} (BUILDING): it was begun 99 days" in told) is not soon
        assert f"leave {foreign}: no release of this store owns it" in told
        assert str(like) not in told
    assert f"keep {taken} (BUILDING): it holds the table that a task had built as landed" in told
    clean(story.target, "nyc.flights", later(), older_than=hour)
    states = story.states()
    assert [states[str(r)] for r in (live, begun, built, taken, aborted)] == [
        "LIVE",
        "RETIRED",
        "RETIRED",
        "BUILDING",
        "RETIRED",
    ]
    assert [gone(story, r) for r in (live, built, taken, aborted)] == [False, True, False, True]
    assert story.target.publisher.exists(foreign)
    assert story.stage("taken", relation="landed").name == taken.name  # a retry of it still goes on


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_nothing_to_clean_is_a_plan_of_one_step(story: Story) -> None:
    story.live("jan")
    lines: list[str] = []
    clean(story.target, "nyc.flights", later(), older_than=timedelta(days=1), say=lines.append)
    assert lines == ["Plan: clean nyc.flights", "  1. reconcile nyc.flights: nothing is stranded"]
    assert story.rows() == [(1,)]
