"""The life of a release on each database: stage, gate, promote, roll back, and what must be refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from story import NOW, Story

from airflow_dataops.core.errors import (
    ConfigurationError,
    EvidenceMissing,
    IllegalTransition,
    PublishConflict,
    ReleaseNotFound,
)
from airflow_dataops.core.releases import Action, Dataset, GateRef, Intent, ReleaseName
from airflow_dataops.core.switching import Switch
from airflow_dataops.services.releasing import announce, reconcile, stage
from airflow_dataops.services.releasing.rolling_back import CHOSEN


def test_a_candidate_is_invisible_until_promoted_and_comes_back_by_a_roll_back(story: Story) -> None:
    first = story.live("jan", "SELECT 1 AS v")
    second = story.stage("feb", "SELECT 2 AS v")
    assert story.rows() == [(1,)]
    story.gate(second, "feb")
    outcome = story.promote(second, "feb")
    assert (outcome.switched, str(outcome.previous)) == (True, str(first))
    assert story.rows() == [(2,)]
    back = story.rollback("ops")
    assert (back.switched, str(back.release)) == (True, str(first))
    assert story.rows() == [(1,)]
    assert story.states() == {"nyc.flights@r1": "LIVE", "nyc.flights@r2": "ROLLED_BACK"}
    assert "Nobody has read it." in back.message


def test_bad_data_is_refused_and_readers_keep_what_is_live(story: Story) -> None:
    story.live("jan")
    bad = story.stage("feb", "SELECT CAST(NULL AS INTEGER) AS v")
    assert story.gate(bad, "feb") == "FAIL"
    with pytest.raises(EvidenceMissing, match=r"gate flights\.gate says FAIL.*Readers keep what is live"):
        story.promote(bad, "feb")
    assert story.rows() == [(1,)]


@pytest.mark.parametrize("gate", ["none", "shadow"])
def test_a_gate_that_never_ran_or_was_in_shadow_is_missing_evidence(story: Story, gate: str) -> None:
    release = story.stage("jan")
    if gate == "shadow":
        assert story.gate(release, "jan", on_fail="shadow") == "PASS"
    with pytest.raises(EvidenceMissing, match=r"has not run on nyc\.flights@r1"):
        story.promote(release, "jan")


def test_every_required_gate_must_stand_behind_it(story: Story) -> None:
    release = story.stage("jan")
    story.gate(release, "jan")
    other = GateRef(dag_id="quality", task_id="deep")
    with pytest.raises(EvidenceMissing, match=r"gate quality\.deep has not run"):
        story.promote(release, "jan", required=[GateRef(dag_id="flights", task_id="gate"), other])


def test_no_gate_at_all_needs_a_reason(story: Story) -> None:
    release = story.stage("jan")
    with pytest.raises(EvidenceMissing, match="no gate stands upstream"):
        story.promote(release, "jan", required=[])
    assert story.promote(release, "jan", required=[], ungated="a lookup table").switched


def test_data_that_changed_after_the_gate_is_refused_inside_the_switch(story: Story) -> None:
    release = story.stage("jan")
    story.gate(release, "jan")
    with story.target.connector.open() as db:
        if db.dialect == "sqlite":  # frozen by triggers: only on purpose
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                db.execute(f'DROP TRIGGER "{name}"')
        db.execute(f"UPDATE {release.relation.sql} SET v = 7")
    with pytest.raises(EvidenceMissing, match="has changed since its gates judged it"):
        story.promote(release, "jan")
    story.gate(release, "jan")
    assert story.promote(release, "jan").switched
    assert story.rows() == [(7,)]


def test_a_promote_that_runs_again_changes_nothing(story: Story) -> None:
    first = story.live("jan")
    story.target.store.releases.note(first.name, "announced", story.op("promote", "jan", first.name))
    again = story.promote(first, "jan")
    assert not again.switched
    assert "is live already" in again.message
    story.live("feb", "SELECT 2 AS v")
    cleared = story.promote(first, "jan")
    assert not cleared.switched
    assert "nyc.flights@r2 has gone live since" in cleared.message
    assert story.rows() == [(2,)]


def test_a_rolled_back_release_goes_live_again_only_with_a_reason(story: Story) -> None:
    story.live("jan")
    second = story.live("feb", "SELECT 2 AS v")
    story.rollback("ops")
    with pytest.raises(IllegalTransition, match=r"was rolled back.*--reason"):
        story.promote(second, "feb")
    with pytest.raises(IllegalTransition, match="was rolled back"):  # the same operation, with or without a reason
        story.promote(second, "feb", reason="please")
    assert story.promote(second, "another", reason="the source was right after all").switched
    assert story.rows() == [(2,)]


def test_a_switch_that_was_killed_before_its_news_is_told_by_the_retry_once(story: Story) -> None:
    release = story.live("jan")
    retried = story.promote(release, "jan")
    assert retried.switched  # the first try has not announced it
    announce(story.target, release.name, story.op("promote", "jan", release.name))
    assert not story.promote(release, "jan").switched


def test_a_backfill_of_an_older_interval_does_not_replace_a_newer_release(story: Story) -> None:
    newer = story.stage("feb", "SELECT 2 AS v", interval_end=NOW + timedelta(days=31))
    older = story.stage("jan", "SELECT 1 AS v", interval_end=NOW)
    story.gate(newer)
    story.gate(older)
    story.promote(newer)
    refused = story.promote(older)
    assert not refused.switched
    assert "older than nyc.flights@r1" in refused.message
    assert story.promote(older, replace_newer=True).switched


def test_staging_again_replaces_the_first_candidate(story: Story) -> None:
    first = story.stage("jan")
    second = story.stage("jan", "SELECT 3 AS v")
    assert story.states() == {str(first): "ABORTED", str(second): "CANDIDATE"}
    assert not story.target.publisher.exists(first.relation)


def test_a_build_that_fails_leaves_nothing(story: Story) -> None:
    with pytest.raises(Exception, match="no_such"):
        story.stage("jan", "SELECT v FROM no_such")
    assert story.states() == {"nyc.flights@r1": "ABORTED"}
    release = story.stage("jan")
    assert (str(release), str(release.state)) == ("nyc.flights@r2", "CANDIDATE")


def test_a_table_that_a_task_built_is_taken_once(story: Story) -> None:
    with story.target.connector.open() as db:
        db.execute("CREATE TABLE built AS SELECT 5 AS v")
    taken = story.stage("jan", relation="built")
    assert story.stage("jan", relation="built").name == taken.name
    story.gate(taken)
    story.promote(taken)
    assert story.rows() == [(5,)]
    with pytest.raises(ConfigurationError, match=r"is held by nyc\.flights@r1 \(LIVE\)"):
        story.stage("feb", relation=str(taken.relation))
    with pytest.raises(ConfigurationError, match="nowhere"):
        story.stage("feb", relation="nowhere")


def test_a_plain_table_is_adopted_and_can_be_gone_back_to(story: Story) -> None:
    reader = story.target.publisher.reader("nyc.flights")
    with story.target.connector.open() as db:
        if reader.schema:
            db.execute(f'CREATE SCHEMA "{reader.schema}"')
        db.execute(f"CREATE TABLE {reader.sql} AS SELECT 0 AS v")
    story.live("jan")
    assert story.states() == {"nyc.flights@r0": "SUPERSEDED", "nyc.flights@r1": "LIVE"}
    assert story.rows() == [(1,)]
    assert str(story.rollback("ops").release) == "nyc.flights@r0"
    assert story.rows() == [(0,)]


def test_a_roll_back_goes_where_its_first_try_meant_to_go(story: Story) -> None:
    first, second = story.live("jan"), story.live("feb", "SELECT 2 AS v")
    # The first try died before its switch; somebody else rolled back meanwhile.
    story.store.releases.note(first.name, CHOSEN, story.op("rollback", "ops"))
    story.rollback("somebody else")
    retried = story.rollback("ops")
    assert (retried.switched, str(retried.release)) == (False, str(first))
    assert story.states() == {str(first): "LIVE", str(second): "ROLLED_BACK"}


def test_reconcile_records_a_switch_that_happened_and_fences_one_that_did_not(story: Story) -> None:
    release = story.stage("jan")
    story.gate(release)
    op = story.op("promote", "jan", release.name)
    publisher = story.target.publisher

    def intend(expect: int) -> Intent:
        intent = Intent(op=op, dataset=story.dataset, release=release.name, from_epoch=expect, leaves=Action.SUPERSEDE)
        story.store.switches.intend(intent)
        return intent

    intend(0)
    assert "was never switched" in reconcile(story.target, story.dataset)[0]
    order = Switch(
        dataset="nyc.flights",
        reader=publisher.reader("nyc.flights"),
        relation=release.relation,
        release=1,
        expect=0,
        op_id=op.op_id,
        by="zombie",
        at=op.now,
    )
    with pytest.raises(PublishConflict):
        publisher.switch(order, lambda db: None)
    epoch = publisher.pointer("nyc.flights", "nyc.flights").epoch
    intend(epoch)
    publisher.switch(replace(order, expect=epoch), lambda db: None)
    assert "is recorded now" in reconcile(story.target, story.dataset)[0]
    assert story.states() == {"nyc.flights@r1": "LIVE"}
    assert reconcile(story.target, story.dataset) == []


def test_a_dataset_stays_bound_to_what_its_first_stage_said(story: Story) -> None:
    story.stage("jan")
    other = Dataset(name="nyc.flights", conn_id="elsewhere", publisher="view", target="nyc.flights")
    with pytest.raises(ConfigurationError, match="bound to conn_id='warehouse', not 'elsewhere'"):
        stage(story.target, other, story.op("stage", "feb"), sql="SELECT 1 AS v")


def test_roll_back_says_what_is_not_there(story: Story) -> None:
    with pytest.raises(ReleaseNotFound, match=r"There is no dataset 'nyc\.flights'"):
        story.rollback()
    only = story.live("jan")
    with pytest.raises(IllegalTransition, match="no earlier release of it is kept"):
        story.rollback()
    with pytest.raises(ReleaseNotFound, match=r"There is no release nyc\.flights@r9. Its newest is nyc\.flights@r1"):
        story.rollback(to=ReleaseName(dataset="nyc.flights", number=9))
    assert not story.rollback(to=only.name).switched
