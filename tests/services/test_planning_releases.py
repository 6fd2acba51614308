"""Promote and roll back print what they will do, do that, and in a dry run only print it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from seeing import everything
from story import NOW, Story

from airflow_dataops.core.errors import ConfigurationError, EvidenceMissing, Frozen, IllegalTransition
from airflow_dataops.core.freezes import read_windows
from airflow_dataops.core.releases import Action, GateRef, Intent
from airflow_dataops.core.usage import Use
from airflow_dataops.services.releasing import rollback

ALWAYS = "2013-01-01/2014-01-01"


def plain(story: Story) -> None:
    reader = story.target.publisher.reader("nyc.flights")
    with story.target.connector.open() as db:
        if reader.schema:
            db.execute(f'CREATE SCHEMA "{reader.schema}"')
        db.execute(f"CREATE TABLE {reader.sql} AS SELECT 0 AS v, 'a' AS name")


def test_a_promotion_says_what_it_adopts_points_and_tells_and_does_that(story: Story) -> None:
    plain(story)
    release = story.stage("jan", "SELECT 1 AS v")
    story.gate(release, "jan")
    lines: list[str] = []
    before = everything(story.target)
    dry = story.promote(release, "jan", dry_run=True, say=lines.append)
    assert everything(story.target) == before
    assert (dry.switched, dry.message) == (False, "Dry run: nothing was changed.")
    reader = story.dataset.reader
    assert lines[:6] == [
        "Plan: promote nyc.flights@r1",
        "  1. reconcile nyc.flights: nothing is stranded",
        "  2. gate flights.gate stands behind it",
        f"  3. adopt the plain table {reader} as nyc.flights@r0, renamed to {reader}__r0",
        f"  4. point {reader} from {reader}__r0 (nyc.flights@r0) to {reader}__r1 (nyc.flights@r1), "
        "if its content is still what the gates judged; nyc.flights@r0 becomes SUPERSEDED",
        "  5. emit the asset event of nyc.flights",
    ]
    assert "  preflight, note: columns dropped: name" in lines
    done: list[str] = []
    outcome = story.promote(release, "jan", say=done.append)
    assert outcome.switched
    assert done[:6] == lines[:6]
    assert story.rows() == [(1,)]
    assert str(story.store.releases.predecessor(release.name)) == "nyc.flights@r0"


def test_a_dry_run_of_a_roll_back_says_where_it_goes_and_who_built_from_the_bad_one(story: Story) -> None:
    story.live("jan")
    bad = story.live("feb", "SELECT 2 AS v")
    key = story.op("build", "feb").key
    story.store.usage.add(
        Use(
            relation="x",
            consumer="report.build",
            source="ref",
            at=NOW,
            key=key,
            dataset="nyc.flights",
            release=bad.number,
        )
    )
    before = everything(story.target)
    lines: list[str] = []
    op = story.op("rollback", "ops", reason="bad")
    outcome = rollback(story.target, "nyc.flights", op, emits=True, dry_run=True, say=lines.append)
    assert not outcome.switched
    assert everything(story.target) == before
    reader = story.dataset.reader
    assert lines[:5] == [
        "Plan: roll back nyc.flights@r2",
        "  1. reconcile nyc.flights: nothing is stranded",
        f"  2. point {reader} from {reader}__r2 (nyc.flights@r2) to {reader}__r1 (nyc.flights@r1); "
        "nyc.flights@r2 becomes ROLLED_BACK",
        "  3. emit the asset event of nyc.flights",
        "  preflight, note: Already built from it: report.build.",
    ]
    assert rollback(story.target, "nyc.flights", op, emits=True).readers == ("report.build",)
    assert story.rows() == [(1,)]


@pytest.mark.parametrize("target", ["sqlite", "postgres"], indirect=True)
def test_a_dry_run_ends_as_the_promotion_would(story: Story) -> None:
    live = story.live("jan")
    bad = story.stage("feb", "SELECT CAST(NULL AS INTEGER) AS v")
    story.gate(bad, "feb")
    other = GateRef(dag_id="quality", task_id="deep")
    before = everything(story.target)
    lines: list[str] = []
    with pytest.raises(EvidenceMissing, match=r"r2 cannot be promoted: gate flights\.gate says FAIL.*Readers keep"):
        story.promote(bad, "feb", dry_run=True, say=lines.append)
    assert "  2. missing: gate flights.gate says FAIL" in lines
    with pytest.raises(EvidenceMissing) as refused:
        story.promote(bad, "feb", dry_run=True, required=[other, GateRef(dag_id="flights", task_id="gate")])
    assert refused.value.missing == (
        "gate quality.deep has not run on nyc.flights@r2",
        "gate flights.gate says FAIL",
    )
    with pytest.raises(EvidenceMissing, match="no gate stands upstream"):
        story.promote(bad, "feb", dry_run=True, required=[])
    with pytest.raises(IllegalTransition, match="nothing that was live before it"):
        rollback(story.target, "nyc.flights", story.op("rollback", "ops", reason="bad"), dry_run=True)
    again = story.promote(live, "jan", dry_run=True)
    assert (again.switched, "is live" in again.message) == (False, True)  # its news is not told by a dry run
    assert everything(story.target) == before


def test_what_stands_in_the_way_is_in_the_plan_and_stops_it(story: Story) -> None:
    story.live("jan", "SELECT 1 AS v, 2 AS w")
    release = story.stage("feb", "SELECT 3 AS v")
    story.gate(release, "feb")
    dependent = story.target.publisher.reader("nyc.report")
    reader = story.target.publisher.reader("nyc.flights")
    with story.target.connector.open() as db:
        db.execute(f"CREATE VIEW {dependent.sql} AS SELECT w FROM {reader.sql}")
    before = everything(story.target)
    for dry_run in (True, False):
        lines: list[str] = []
        with pytest.raises(ConfigurationError, match=rf"r2 cannot go live: .*{dependent}.* Readers keep what is live"):
            story.promote(release, "feb", dry_run=dry_run, say=lines.append)
        assert any(line.startswith("  preflight, stops it:") and str(dependent) in line for line in lines)
        assert "  preflight, note: columns dropped: w" in lines
    assert everything(story.target) == before
    assert story.rows() == [(1, 2)]


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_what_is_stranded_is_in_the_plan_and_a_dry_run_leaves_it(story: Story) -> None:
    release = story.stage("jan")
    story.gate(release, "jan")
    op = story.op("promote", "killed", release.name)
    story.store.switches.intend(
        Intent(op=op, dataset=story.dataset, release=release.name, from_epoch=0, leaves=Action.SUPERSEDE)
    )
    before = everything(story.target)
    lines: list[str] = []
    story.promote(release, "jan", dry_run=True, say=lines.append)
    assert lines[1] == (
        "  1. reconcile nyc.flights first, after which the rest is planned anew: "
        "nyc.flights@r1 is intended and not switched"
    )
    assert everything(story.target) == before
    lines.clear()
    assert story.promote(release, "jan", say=lines.append).switched
    assert lines[1] == "  1. reconcile nyc.flights: nothing is stranded"


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_nothing_is_promoted_in_a_freeze_window_but_rolled_back(story: Story) -> None:
    story.live("jan")
    story.live("feb", "SELECT 2 AS v")
    release = story.stage("mar", "SELECT 3 AS v")
    story.gate(release, "mar")
    story.target = replace(story.target, freezes=lambda: read_windows(ALWAYS))
    lines: list[str] = []
    with pytest.raises(Frozen, match=rf"r3 cannot be promoted: the freeze window {ALWAYS} holds.*override_freeze=True"):
        story.promote(release, "mar", say=lines.append)
    assert f"  2. the freeze window {ALWAYS} holds: no promotion now" in lines
    assert story.rows() == [(2,)]
    assert story.rollback("ops").switched
    assert story.rows() == [(1,)]


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_freeze_is_overridden_with_a_reason_that_is_recorded_once(story: Story) -> None:
    release = story.stage("jan")
    story.gate(release, "jan")
    story.target = replace(story.target, freezes=lambda: read_windows(ALWAYS))
    with pytest.raises(ConfigurationError, match="override_freeze needs a reason"):
        story.promote(release, "jan", override_freeze=True)
    with pytest.raises(ConfigurationError, match="override_freeze needs a reason"):
        story.promote(release, "jan", required=[], ungated="none is needed", override_freeze=True)
    assert story.promote(release, "jan", override_freeze=True, reason="hotfix", dry_run=True).switched is False
    assert [e["action"] for e in story.store.releases.events(release.name)] == ["stage", "built"]
    assert story.promote(release, "jan", override_freeze=True, reason="hotfix").switched
    (event,) = [e for e in story.store.releases.events(release.name) if e["action"] == "override freeze"]
    assert (event["reason"], event["detail"]) == ("hotfix", {"window": ALWAYS})
    story.promote(release, "jan", override_freeze=True, reason="hotfix")
    assert [e["action"] for e in story.store.releases.events(release.name)].count("override freeze") == 1


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_cleared_promote_in_a_freeze_window_is_no_refusal(story: Story) -> None:
    release = story.live("jan")
    story.target = replace(story.target, freezes=lambda: read_windows(ALWAYS))
    assert "is live" in story.promote(release, "jan").message


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_a_wrong_freeze_window_stops_promotions_alone(story: Story) -> None:
    story.live("jan")
    story.live("feb", "SELECT 2 AS v")
    story.target = replace(story.target, freezes=lambda: read_windows("Caturday"))
    release = story.stage("mar", "SELECT 3 AS v")
    story.gate(release, "mar")
    with pytest.raises(ConfigurationError, match="'Caturday' is no window"):
        story.promote(release, "mar")
    assert story.rollback("ops").switched


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_news_of_a_roll_back_that_was_killed_before_it_told_is_told_by_the_retry_once(story: Story) -> None:
    story.live("jan")
    bad = story.live("feb", "SELECT 2 AS v")
    op = story.op("rollback", "ops", reason="bad")
    assert rollback(story.target, "nyc.flights", op, emits=True).switched
    retried = rollback(story.target, "nyc.flights", op, emits=True)
    assert (retried.switched, str(retried.previous)) == (True, str(bad))
    assert not rollback(story.target, "nyc.flights", op).switched
    story.store.releases.note(retried.release.name, "announced", replace(op, now=op.now + timedelta(seconds=1)))
    assert not rollback(story.target, "nyc.flights", op, emits=True).switched
