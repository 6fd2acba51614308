"""A release set: several datasets go live, or back, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from explaining import events_of, explain, log_of
from pair import DAILY, FLIGHTS, Pair, gate_of, values
from seeing import everything
from story import Story

from airflow_dataops.core.errors import (
    ConfigurationError,
    EvidenceMissing,
    IllegalTransition,
    MeasureError,
    PublishConflict,
    SetRefused,
)
from airflow_dataops.core.freezes import read_windows
from airflow_dataops.core.releases import GateRef, Release, TaskKey
from airflow_dataops.services.releasing import (
    Promotion,
    Target,
    promote_all,
    reconcile,
    required_gates,
    rollback,
    rollback_all,
)

pytestmark = pytest.mark.parametrize("target", ["sqlite", "duckdb", "postgres", "pointer_view"], indirect=True)


@pytest.fixture
def pair(target: Target) -> Pair:
    return Pair(target)


def test_two_datasets_go_live_together_and_their_histories_name_the_set(pair: Pair) -> None:
    first = pair.live("jan", 1)
    assert pair.rows() == {1}
    second = pair.staged("feb", 2)
    outcomes = pair.promote(list(reversed(second)), "feb")
    assert [str(outcome.release) for outcome in outcomes] == ["nyc.daily@r2", "nyc.flights@r2"]
    assert [str(outcome.previous) for outcome in outcomes] == ["nyc.daily@r1", "nyc.flights@r1"]
    assert all(outcome.switched for outcome in outcomes)
    assert pair.rows() == {2}
    named = {"set": ["nyc.daily@r2", "nyc.flights@r2"], "epoch": 2}
    for story in pair.stories:
        explain(pair.target, story.name)
        promoted, left = (
            [event for event in events_of(pair.target, story.name) if event["action"] == action][-1]
            for action in ("promote", "supersede")
        )
        assert (promoted["detail"], left["detail"]) == (named, named)
        assert (promoted["number"], left["number"]) == (2, 1)
    assert pair.states() == {str(r): "SUPERSEDED" for r in first} | {str(r): "LIVE" for r in second}


def test_without_evidence_for_one_neither_goes_live(pair: Pair) -> None:
    pair.live("jan", 1)
    flights = pair.flights.stage("feb", values(2))
    daily = pair.daily.stage("feb", values(2))
    pair.flights.gate(flights, "feb", task=f"gate_{FLIGHTS}")
    before = everything(pair.target)
    with pytest.raises(
        SetRefused, match=r"nothing of it was switched: 1\. nyc\.daily@r2 cannot be promoted: .* has not"
    ) as e:
        pair.promote([flights, daily], "feb")
    assert [type(refusal) for refusal in e.value.refusals] == [EvidenceMissing]
    assert everything(pair.target) == before


def test_what_vouches_for_one_member_is_no_evidence_for_another(pair: Pair) -> None:
    flights, daily = pair.flights.stage("jan", values(1)), pair.daily.stage("jan", values(1))
    pair.flights.gate(flights, "jan", task=f"gate_{FLIGHTS}")
    alone = [
        Promotion(name=p.name, op=p.op, required=[gate_of(FLIGHTS)]) for p in pair.promotions([flights, daily], "jan")
    ]
    with pytest.raises(SetRefused, match=r"1\. nyc\.daily@r1 cannot be promoted: no gate stands upstream of it"):
        promote_all(pair.target, alone)
    assert set(pair.states().values()) == {"CANDIDATE"}
    assert all(outcome.switched for outcome in promote_all(pair.target, alone, ungated="a sum of what was judged"))


def test_a_gate_behind_both_that_has_judged_one_of_them_alone_is_missing_for_the_other(pair: Pair) -> None:
    both, small = GateRef(dag_id="flights", task_id="both"), GateRef(dag_id="flights", task_id="small")
    flights = pair.flights.stage("jan", values(1), gates=(both, small))
    daily = pair.daily.stage("jan", values(1), gates=(both,))
    pair.flights.gate(flights, "jan", task="small")
    pair.daily.gate(daily, "jan", task="both")

    def by_hand(*releases: Release) -> list[Promotion]:
        ops = [replace(pair.flights.op("promote", "by hand", each.name), key=TaskKey()) for each in releases]
        gates = [required_gates(pair.store, release) for release in releases]
        return [Promotion(name=r.name, op=op, required=req) for r, op, req in zip(releases, ops, gates, strict=True)]

    lacks = r"nyc\.flights@r1 cannot be promoted: gate flights\.both has not run on nyc\.flights@r1"
    with pytest.raises(EvidenceMissing, match=lacks):
        promote_all(pair.target, by_hand(flights))
    with pytest.raises(SetRefused, match=lacks):
        promote_all(pair.target, by_hand(flights, daily))
    assert set(pair.states().values()) == {"CANDIDATE"}
    pair.flights.gate(flights, "jan", task="both")
    assert all(outcome.switched for outcome in promote_all(pair.target, by_hand(flights, daily)))


def test_every_refusal_of_every_member_is_told_and_printed(pair: Pair) -> None:
    bad = [story.stage("jan", "SELECT CAST(NULL AS INTEGER) AS v") for story in pair.stories]
    for story, release in zip(pair.stories, bad, strict=True):
        story.gate(release, "jan", task=f"gate_{story.name}")
    pair.target = replace(pair.target, freezes=lambda: read_windows("2013-01-01/2014-01-01"))
    lines: list[str] = []
    with pytest.raises(SetRefused) as e:
        pair.promote(bad, "jan", say=lines.append)
    assert [type(refusal).__name__ for refusal in e.value.refusals] == ["Frozen", "EvidenceMissing"] * 2
    assert [f"{number}. nyc." in str(e.value) for number in (1, 2, 3, 4)] == [True] * 4
    assert lines[0] == ("A release set, all or none, in one transaction: promote nyc.flights@r1; promote nyc.daily@r1")
    assert lines.count("  3. missing: gate flights.gate_nyc.daily says FAIL") == 1


def test_data_that_changed_in_one_after_its_gate_keeps_both_back(pair: Pair) -> None:
    pair.live("jan", 1)
    second = pair.staged("feb", 2)
    with pair.target.connector.open() as db:
        if db.dialect == "sqlite":
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                db.execute(f'DROP TRIGGER "{name}"')
        db.execute(f"UPDATE {second[1].relation.sql} SET v = 7")
    with pytest.raises(EvidenceMissing, match=r"nyc\.daily@r2 has changed since its gates judged it"):
        pair.promote(second, "feb")
    assert pair.rows() == {1}
    for story in pair.stories:
        explain(pair.target, story.name)


def test_who_goes_first_with_one_member_makes_the_set_lose_whole(pair: Pair) -> None:
    pair.live("jan", 1)
    second, third = pair.staged("feb", 2), pair.staged("mar", 3)
    publisher = pair.target.publisher
    whole = publisher.switch_all

    def late(switches: Sequence[object]) -> object:
        if len(switches) > 1:
            pair.daily.promote(third[1], "mar", required=[gate_of(DAILY)])
        return whole(switches)

    publisher.switch_all = late
    with pytest.raises(
        PublishConflict, match=r"nyc\.daily@r2 was not made live: the pointer is at epoch 3, expected 1"
    ):
        pair.promote(second, "feb")
    publisher.switch_all = whole
    assert (pair.flights.rows(), pair.daily.rows()) == ([(1,)] * 2, [(3,)] * 2)
    for story in pair.stories:
        explain(pair.target, story.name)


def test_a_fence_meanwhile_moves_the_epoch_alone_and_the_set_is_tried_again(pair: Pair) -> None:
    second = pair.staged("feb", 2)
    publisher = pair.target.publisher
    whole, tries = publisher.switch_all, []

    def late(switches: object) -> object:
        if not tries:
            reconcile(pair.target, pair.daily.dataset)
        tries.append(switches)
        return whole(switches)

    publisher.switch_all = late
    assert all(outcome.switched for outcome in pair.promote(second, "feb"))
    assert len(tries) == 2
    for story in pair.stories:
        explain(pair.target, story.name)


def test_a_retry_finds_every_member_switched_and_a_clear_tells_nothing_anew(pair: Pair) -> None:
    first = pair.live("jan", 1)
    again = pair.promote(first, "jan")
    assert [outcome.switched for outcome in again] == [True, True]  # nobody has announced it
    pair.store.releases.note(first[0].name, "announced", pair.promotions(first, "jan")[0].op)
    assert [outcome.switched for outcome in pair.promote(first, "jan")] == [False, True]
    pair.store.releases.note(first[1].name, "announced", pair.promotions(first, "jan")[1].op)
    before = everything(pair.target)
    assert [outcome.message for outcome in pair.promote(first, "jan")] == [
        "nyc.flights@r1 is live already.",
        "nyc.daily@r1 is live already.",
    ]
    assert everything(pair.target) == before


def test_a_cleared_set_after_a_newer_release_changes_nothing_of_any_member(pair: Pair) -> None:
    first = pair.live("jan", 1)
    newer = pair.flights.stage("feb", values(2))
    pair.flights.gate(newer, "feb")
    pair.flights.promote(newer, "feb")
    switches = [log_of(pair.target, story.name) for story in pair.stories]
    outcomes = pair.promote(first, "jan")
    assert "nyc.flights@r1 was live, and nyc.flights@r2 has gone live since" in outcomes[0].message
    assert [log_of(pair.target, story.name) for story in pair.stories] == switches


def test_a_member_that_is_older_than_what_is_live_keeps_the_others_back_too(pair: Pair) -> None:
    older = pair.staged("jan", 1)
    newer = pair.flights.stage("feb", values(2))
    pair.flights.gate(newer, "feb")
    pair.flights.promote(newer, "feb")
    outcomes = pair.promote(older, "jan")
    assert [outcome.switched for outcome in outcomes] == [False, False]
    assert "nyc.daily@r1 is left as it is, for its set goes all or none: nyc.flights@r1 is older" in outcomes[1].message
    assert pair.states()["nyc.daily@r1"] == "CANDIDATE"
    assert all(outcome.switched for outcome in pair.promote(older, "jan", replace_newer=True))


def test_a_member_that_is_live_already_is_left_and_the_others_go(pair: Pair) -> None:
    releases = pair.staged("jan", 1)
    pair.flights.promote(releases[0], "by hand", required=[gate_of(FLIGHTS)])
    outcomes = pair.promote(releases, "jan")
    assert [outcome.switched for outcome in outcomes] == [False, True]
    assert outcomes[0].message == "nyc.flights@r1 is live already."
    assert pair.rows() == {1}
    promoted = [e for e in events_of(pair.target, DAILY) if e["action"] == "promote"]
    assert "set" not in promoted[0]["detail"]


def test_a_set_goes_back_together_and_once(pair: Pair) -> None:
    pair.live("jan", 1)
    pair.live("feb", 2)
    lines: list[str] = []
    before = everything(pair.target)
    dry = pair.rollback("ops", dry_run=True, say=lines.append)
    assert {outcome.message for outcome in dry} == {"Dry run: nothing was changed."}
    assert everything(pair.target) == before
    assert (
        lines[0] == "A release set, all or none, in one transaction: roll back nyc.flights@r2; roll back nyc.daily@r2"
    )
    assert [str(outcome.release) for outcome in pair.rollback("ops")] == ["nyc.flights@r1", "nyc.daily@r1"]
    assert pair.rows() == {1}
    for story in pair.stories:
        explain(pair.target, story.name)
        restored = [e for e in events_of(pair.target, story.name) if e["action"] == "restore"]
        assert restored[0]["detail"]["set"] == ["nyc.flights@r1", "nyc.daily@r1"]
    after = everything(pair.target)
    assert all("has been done" in outcome.message for outcome in pair.rollback("ops"))
    assert everything(pair.target) == after


def test_a_member_that_goes_back_alone_says_who_stays_and_how_all_go_back(pair: Pair) -> None:
    pair.live("jan", 1)
    pair.live("feb", 2)

    def plan(dataset: str) -> str:
        lines: list[str] = []
        op = pair.flights.op("rollback", "look", dataset, reason="bad")
        rollback(pair.target, dataset, op, dry_run=True, say=lines.append)
        return "\n".join(lines)

    assert (
        "preflight, note: nyc.daily@r2 went live together with nyc.flights@r2, still live and not taken back with it. "
        "To take all back together: airflow dataops release rollback nyc.daily nyc.flights --reason '…'"
    ) in plan(DAILY)
    lines: list[str] = []
    pair.rollback("together", dry_run=True, say=lines.append)
    assert "still live" not in "\n".join(lines)
    assert pair.flights.rollback("alone").switched
    assert "still live" not in plan(DAILY)


def test_where_one_has_nothing_to_go_back_to_neither_goes_back(pair: Pair) -> None:
    pair.live("jan", 1)
    newer = pair.flights.stage("feb", values(2))
    pair.flights.gate(newer, "feb")
    pair.flights.promote(newer, "feb")
    with pytest.raises(SetRefused, match=r"1\. nyc\.daily@r1 cannot be rolled back: nothing that was live before") as e:
        pair.rollback("ops")
    assert [type(refusal) for refusal in e.value.refusals] == [IllegalTransition]
    assert (pair.flights.rows(), pair.daily.rows()) == ([(2,)] * 2, [(1,)] * 2)


def test_plain_tables_are_adopted_together(pair: Pair) -> None:
    with pair.target.connector.open() as db:
        for story in pair.stories:
            reader = pair.target.publisher.reader(story.name)
            if reader.schema:
                db.execute(f'CREATE SCHEMA IF NOT EXISTS "{reader.schema}"')
            db.execute(f"CREATE TABLE {reader.sql} AS {values(0)}")
    pair.live("jan", 1)
    assert pair.rows() == {1}
    pair.rollback("ops")
    assert pair.rows() == {0}


def test_reconcile_of_either_member_settles_what_a_kill_after_the_commit_left(pair: Pair) -> None:
    """The store's record is lost on the way: all were switched, whoever is asked first."""
    pair.live("jan", 1)
    second = pair.staged("feb", 2)
    finalise = pair.store.switches.finalise

    def gone(*args: object, **kwargs: object) -> None:
        raise MeasureError("the worker is gone", retryable=True)

    pair.store.switches.finalise = gone
    with pytest.raises(MeasureError):
        pair.promote(second, "feb")
    pair.store.switches.finalise = finalise
    assert pair.rows() == {2}
    for story in reversed(pair.stories):
        (line,) = reconcile(pair.target, story.dataset)
        assert "was switched at epoch 2; it is recorded now" in line
        explain(pair.target, story.name)
        promoted = [e for e in events_of(pair.target, story.name) if e["action"] == "promote"]
        assert promoted[-1]["detail"]["set"] == ["nyc.flights@r2", "nyc.daily@r2"]


class TestWhatCannotBeASet:
    def test_one_dataset_twice(self, pair: Pair) -> None:
        releases = [pair.flights.stage("jan", values(1)), pair.flights.stage("feb", values(2))]
        with pytest.raises(ConfigurationError, match=r"nyc\.flights is in it 2 times.* map this task too"):
            pair.promote(releases)
        with pytest.raises(ConfigurationError, match="cannot be one release set"):
            rollback_all(pair.target, [pair.returns("ops")[0]] * 2)

    def test_datasets_of_two_connections(self, pair: Pair, tmp_path: object) -> None:
        from warehouses import Warehouse

        from airflow_dataops.publishers import publisher_for

        class Elsewhere(Warehouse):
            label = "elsewhere"

        connector = Elsewhere("sqlite", f"{tmp_path}/elsewhere")
        other = Story(replace(pair.target, connector=connector, publisher=publisher_for(connector)), DAILY)
        releases = [pair.flights.stage("jan", values(1)), other.stage("jan", values(1))]
        with pytest.raises(
            ConfigurationError, match=r"nyc\.daily to 'elsewhere', and no transaction holds both\. Give"
        ):
            pair.promote(releases)
        assert set(pair.states().values()) == {"CANDIDATE"}
