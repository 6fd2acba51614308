"""The life of a release on each database: stage, gate, promote, roll back, and what must be refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from explaining import explain
from story import NOW, Story

from airflow_dataops.core.errors import (
    ConfigurationError,
    EvidenceMissing,
    IllegalTransition,
    MeasureError,
    PublishConflict,
    ReleaseNotFound,
)
from airflow_dataops.core.releases import Action, GateRef, Intent, Release, ReleaseName
from airflow_dataops.core.switching import Switch
from airflow_dataops.services.releasing import announce, reconcile, stage
from airflow_dataops.services.releasing.switching import CHOSEN, Turn, switch
from airflow_dataops.stores.store import Store

pytestmark = pytest.mark.parametrize("target", ["sqlite", "duckdb", "postgres", "mysql"], indirect=True)


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
    assert story.store.releases.events(release.name)[-1]["reason"] == "without a gate: a lookup table"


def test_data_that_changed_after_the_gate_is_refused_inside_the_switch(story: Story) -> None:
    release = story.stage("jan")
    story.gate(release, "jan")
    with story.target.connector.open() as db:
        if db.dialect == "sqlite":  # frozen by triggers: only on purpose
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                db.execute(f'DROP TRIGGER "{name}"')
        db.execute(f"UPDATE {story.sql(release.relation)} SET v = 7")
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
    announce(story.target, (release.name, story.op("promote", "jan", release.name)))
    assert not story.promote(release, "jan").switched


def test_a_backfill_of_an_older_interval_does_not_replace_a_newer_release(story: Story) -> None:
    newer = story.stage("feb", "SELECT 2 AS v", interval_end=NOW + timedelta(days=31))
    older = story.stage("jan", "SELECT 1 AS v", interval_end=NOW)
    story.gate(newer)
    story.gate(older)
    story.promote(newer)
    refused = story.promote(older)
    assert not refused.switched
    assert "older than nyc.flights@r1, which is live: it holds data up to 2013-02-01" in refused.message
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
        db.execute(f"CREATE TABLE {story.sql(reader)} AS SELECT 0 AS v")
    story.live("jan")
    assert story.states() == {"nyc.flights@r0": "SUPERSEDED", "nyc.flights@r1": "LIVE"}
    assert story.rows() == [(1,)]
    assert str(story.rollback("ops").release) == "nyc.flights@r0"
    assert story.rows() == [(0,)]


def test_a_roll_back_goes_where_its_first_try_meant_to_go(story: Story) -> None:
    first, second = story.live("jan"), story.live("feb", "SELECT 2 AS v")
    # The first try died before its switch; somebody else rolled back meanwhile.
    story.store.releases.note(first.name, CHOSEN, story.op("rollback", "ops"), undoes=second.number)
    story.rollback("somebody else")
    retried = story.rollback("ops")
    assert (retried.switched, str(retried.release)) == (False, str(first))
    assert story.states() == {str(first): "LIVE", str(second): "ROLLED_BACK"}


def test_a_roll_back_that_was_late_does_not_undo_the_repair(story: Story) -> None:
    first, bad = story.live("jan"), story.live("feb", "SELECT 2 AS v")
    story.store.releases.note(first.name, CHOSEN, story.op("rollback", "ops"), undoes=bad.number)
    story.live("repaired", "SELECT 3 AS v")
    late = story.rollback("ops")
    assert not late.switched
    assert "nyc.flights@r2 was to be rolled back; nyc.flights@r3 has gone live since" in late.message
    assert story.rows() == [(3,)]


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
    with pytest.raises(ConfigurationError, match=r"bound to target='nyc\.flights', not 'nyc\.elsewhere'"):
        stage(story.target, "nyc.flights", story.op("stage", "feb"), sql="SELECT 1 AS v", reader="nyc.elsewhere")


@pytest.mark.parametrize(("name", "reader"), [("other", "nyc.flights"), ("NYC.Flights", None)])
def test_two_datasets_are_never_read_under_one_name(story: Story, name: str, reader: str | None) -> None:
    story.stage("jan")
    with pytest.raises(ConfigurationError, match=r"as nyc\.flights is: one's releases would overwrite the other's"):
        stage(story.target, name, story.op("stage", "feb"), sql="SELECT 1 AS v", reader=reader)


def test_what_readers_read_or_a_release_needs_cannot_be_taken_however_it_is_written(story: Story) -> None:
    reader = story.target.publisher.reader("nyc.flights")
    with story.target.connector.open() as db:
        if reader.schema:
            db.execute(f'CREATE SCHEMA "{reader.schema}"')
        db.execute(f"CREATE TABLE {story.sql(reader)} AS SELECT 0 AS v")
    with pytest.raises(ConfigurationError, match=r"is what readers of nyc\.flights read"):
        story.stage("jan", relation=str(reader))
    first = story.live("jan")
    spellings = {"sqlite": f"main.{first.relation.name.upper()}", "duckdb": str(first.relation).upper()}
    with pytest.raises(ConfigurationError, match=r"is held by nyc\.flights@r1"):
        story.stage("feb", relation=spellings.get(story.target.connector.dialect, str(first.relation)))
    assert story.rows() == [(1,)]


def test_relations_that_this_store_did_not_make_are_passed_over(story: Story) -> None:
    foreign = story.target.publisher.physical("nyc.flights", 1)
    story.target.publisher.build(foreign, "SELECT 9 AS v")
    assert str(story.stage("jan")) == "nyc.flights@r2"
    assert story.target.publisher.exists(foreign)


def test_a_table_that_was_taken_survives_what_fails_after_it(story: Story) -> None:
    with story.target.connector.open() as db:
        db.execute("CREATE TABLE built AS SELECT 5 AS v")
    failing = replace(story.target, fingerprint=lost)
    with pytest.raises(MeasureError):
        stage(failing, "nyc.flights", story.op("stage", "jan"), relation="built")
    taken = story.stage("jan", relation="built")
    assert (str(taken), str(taken.state)) == ("nyc.flights@r1", "CANDIDATE")


def lost(db: object, relation: object) -> str:
    """Measure on a connection that is gone."""
    raise MeasureError("connection lost", retryable=True)


def test_staging_again_while_the_candidate_goes_live_is_a_conflict_that_heals(story: Story) -> None:
    first = story.stage("jan")
    publisher = story.target.publisher
    order = Switch(
        dataset="nyc.flights",
        reader=publisher.reader("nyc.flights"),
        relation=first.relation,
        release=1,
        expect=0,
        op_id="a promote that is not recorded yet",
        by="another process",
        at=NOW,
    )
    publisher.switch(order, lambda db: None)
    again = story.stage("jan", "SELECT 2 AS v")  # finds the switch in the target's own log
    assert story.states() == {"nyc.flights@r1": "LIVE", str(again): "CANDIDATE"}


def test_the_store_follows_the_pointer_where_they_disagree(story: Story) -> None:
    story.live("jan")
    second = story.stage("feb", "SELECT 2 AS v")
    publisher = story.target.publisher
    pointer = publisher.pointer("nyc.flights", "nyc.flights")
    order = Switch(
        dataset="nyc.flights",
        reader=publisher.reader("nyc.flights"),
        relation=second.relation,
        release=2,
        expect=pointer.epoch,
        op_id="its intent was lost",
        by="somebody",
        at=NOW,
    )
    publisher.switch(order, lambda db: None)
    assert "the target says that nyc.flights@r2 is live" in reconcile(story.target, story.dataset)[0]
    assert story.states() == {"nyc.flights@r1": "SUPERSEDED", "nyc.flights@r2": "LIVE"}
    assert reconcile(story.target, story.dataset) == []


def test_a_fresh_store_learns_what_is_live_from_the_target(story: Story, tmp_path: Path) -> None:
    story.live("jan")
    fresh = Story(replace(story.target, store=Store.open(f"sqlite:///{tmp_path}/fresh.db", create=True)))
    staged = fresh.stage("feb", "SELECT 2 AS v")
    assert fresh.states() == {"nyc.flights@r1": "LIVE", str(staged): "CANDIDATE"}
    fresh.gate(staged, "feb")
    assert fresh.promote(staged, "feb").switched
    assert fresh.rollback().switched
    assert fresh.rows() == [(1,)]
    reconcile(story.target, story.dataset)


def test_a_switch_waits_until_the_one_before_is_recorded_though_the_live_release_be_the_same(story: Story) -> None:
    first, second = story.live("jan"), story.live("feb", "SELECT 2 AS v")
    third = story.stage("mar", "SELECT 3 AS v")
    # Somebody has rolled back and is about to record it; before, the first was live for another who promotes.
    op = story.op("rollback", "ops")
    epoch = story.target.publisher.pointer("nyc.flights", "nyc.flights").epoch
    story.store.switches.intend(
        Intent(op=op, dataset=story.dataset, release=first.name, from_epoch=epoch, leaves=Action.ROLLBACK)
    )
    story.target.publisher.switch(order_of(story, first, epoch, op.op_id), lambda db: None)
    promoting = story.op("promote", "mar", third.name)
    turn = Turn(release=third, live=first, op=promoting, leaves=Action.SUPERSEDE, verify=lambda db: None)
    with pytest.raises(PublishConflict, match="has not recorded the last switch yet"):
        switch(story.target, [turn])
    assert "is recorded now" in reconcile(story.target, story.dataset)[0]
    switch(story.target, [turn])
    explain(story.target)
    assert story.states() == {str(first): "SUPERSEDED", str(second): "ROLLED_BACK", str(third): "LIVE"}


def test_a_switch_that_somebody_else_records_keeps_its_reason(story: Story) -> None:
    first, second = story.live("jan"), story.live("feb", "SELECT 2 AS v")
    op = story.op("rollback", "ops", reason="bad upstream")
    epoch = story.target.publisher.pointer("nyc.flights", "nyc.flights").epoch
    intent = Intent(op=op, dataset=story.dataset, release=first.name, from_epoch=epoch, leaves=Action.ROLLBACK)
    story.target.publisher.switch(order_of(story, first, epoch, op.op_id), lambda db: None)

    class Late:
        """The intent shows only after the look at intents, as if it had been written in between."""

        asked = 0

        def __getattr__(self, name: str) -> object:
            return getattr(story.store.switches, name)

        def intents(self, dataset: str) -> list[Intent]:
            Late.asked += 1
            return [] if Late.asked == 1 else [intent]

    store = SimpleNamespace(releases=story.store.releases, switches=Late(), gates=story.store.gates)
    reconcile(replace(story.target, store=store), story.dataset)  # type: ignore[arg-type]
    assert story.store.releases.events(second.name)[-1]["reason"] == "bad upstream"
    assert story.states() == {str(first): "LIVE", str(second): "ROLLED_BACK"}


def test_what_a_run_has_built_that_was_discarded_meanwhile_is_dropped(story: Story) -> None:
    publisher, retried = story.target.publisher, []

    class Slow:
        """Builds, while the same stage runs again."""

        def __getattr__(self, name: str) -> object:
            if name == "build" and not retried:
                retried.append(story.stage("jan", "SELECT 2 AS v"))
            return getattr(publisher, name)

    zombie = Story(replace(story.target, publisher=Slow()))  # type: ignore[arg-type]
    with pytest.raises(IllegalTransition, match="ABORTED and cannot built"):
        zombie.stage("jan", "SELECT 1 AS v")
    assert story.states() == {"nyc.flights@r1": "ABORTED", "nyc.flights@r2": "CANDIDATE"}
    assert not publisher.exists(publisher.physical("nyc.flights", 1))
    assert story.rows_of(retried[0].relation) == [(2,)]


def test_who_is_beaten_between_the_look_and_the_switch_has_a_conflict_and_no_wrong_configuration(story: Story) -> None:
    story.live("jan")
    second, third = story.stage("feb", "SELECT 2 AS v"), story.stage("mar", "SELECT 3 AS v")
    for release in (second, third):
        story.gate(release)
    publisher, beaten = story.target.publisher, []

    class Beaten:
        """Lets somebody else promote first."""

        def __getattr__(self, name: str) -> object:
            if name == "preflight" and not beaten:
                beaten.append(story.promote(third))
            return getattr(publisher, name)

    late = Story(replace(story.target, publisher=Beaten()))  # type: ignore[arg-type]
    with pytest.raises(PublishConflict, match=r"Somebody else switched first\. r3 is still live"):
        late.promote(second)
    assert story.rows() == [(3,)]


def order_of(story: Story, release: Release, expect: int, op_id: str) -> Switch:
    """Return the order to the publisher alone, past the services."""
    return Switch(
        dataset="nyc.flights",
        reader=story.target.publisher.reader("nyc.flights"),
        relation=release.relation,
        release=release.number,
        expect=expect,
        op_id=op_id,
        by="somebody",
        at=NOW,
    )


def test_an_intent_is_cleared_by_its_own_epoch_alone(story: Story) -> None:
    release = story.stage("jan")
    op = story.op("promote", "jan", release.name)
    old = Intent(op=op, dataset=story.dataset, release=release.name, from_epoch=0, leaves=Action.SUPERSEDE)
    renewed = replace(old, from_epoch=1)
    story.store.switches.intend(old)
    story.store.switches.intend(renewed)
    story.store.switches.clear(old)
    assert story.store.switches.intents("nyc.flights") == [renewed]
    story.store.switches.clear(renewed)


def test_the_loser_of_two_promotions_does_not_replace_the_winner_on_its_retry(story: Story) -> None:
    older, newer = story.stage("a"), story.stage("b", "SELECT 2 AS v")
    story.gate(older, "a")
    story.gate(newer, "b")
    story.promote(newer, "b")
    late = story.promote(older, "a")
    assert not late.switched
    assert "nyc.flights@r1 is older than nyc.flights@r2, which is live: it was built earlier" in late.message


def test_roll_back_says_what_is_not_there(story: Story) -> None:
    with pytest.raises(ReleaseNotFound, match=r"There is no dataset 'nyc\.flights'"):
        story.rollback()
    only = story.live("jan")
    with pytest.raises(IllegalTransition, match="nothing that was live before it can go live again"):
        story.rollback()
    with pytest.raises(ReleaseNotFound, match=r"There is no release nyc\.flights@r9. Its newest is nyc\.flights@r1"):
        story.rollback(to=ReleaseName(dataset="nyc.flights", number=9))
    assert not story.rollback(to=only.name).switched
