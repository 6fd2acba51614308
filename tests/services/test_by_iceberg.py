"""The services on Iceberg tables: what they tell of the other publishers, and what is told of these alone."""

from __future__ import annotations

import contextlib
import itertools
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import test_away
import test_diffing
import test_incremental
import test_kills
import test_planning_releases
import test_releasing
import test_retiring
import test_unadopting
from deadly import Fuse, Order, deadly, told
from explaining import explain
from nursery import Nursery
from processes import forked, stride
from story import GATE, Story
from test_kills import children, kill_at_each_step, reader, values
from warehouses import Warehouse, lake

from airflow_dataops.core.errors import ConfigurationError, EvidenceMissing
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.fingerprints import fingerprint
from airflow_dataops.publishers import publisher_for
from airflow_dataops.services.releasing import Target, reconcile, rollback
from airflow_dataops.stores.store import Store

__all__ = ["children"]  # a fixture

on_iceberg = pytest.mark.parametrize("target", ["iceberg"], indirect=True)


@on_iceberg
@pytest.mark.parametrize(
    "told",
    [
        test_releasing.test_a_candidate_is_invisible_until_promoted_and_comes_back_by_a_roll_back,
        test_releasing.test_bad_data_is_refused_and_readers_keep_what_is_live,
        test_releasing.test_a_promote_that_runs_again_changes_nothing,
        test_releasing.test_staging_again_replaces_the_first_candidate,
        test_releasing.test_a_build_that_fails_leaves_nothing,
        test_releasing.test_reconcile_records_a_switch_that_happened_and_fences_one_that_did_not,
        test_releasing.test_relations_that_this_store_did_not_make_are_passed_over,
        test_releasing.test_staging_again_while_the_candidate_goes_live_is_a_conflict_that_heals,
        test_releasing.test_the_store_follows_the_pointer_where_they_disagree,
        test_releasing.test_who_is_beaten_between_the_look_and_the_switch_has_a_conflict_and_no_wrong_configuration,
        test_incremental.test_the_first_release_is_the_sql_itself,
        test_incremental.test_a_part_is_added_and_replaced_and_the_rest_is_kept,
        test_incremental.test_a_row_for_which_the_condition_is_null_is_kept,
        test_incremental.test_a_base_that_is_not_live_any_more_is_refused_and_a_new_stage_builds_on_what_is,
        test_incremental.test_it_can_be_rolled_back_and_gone_back_to,
        test_incremental.test_rows_outside_of_the_part_are_refused_and_nothing_is_left,
        test_incremental.test_columns_in_another_order_and_case_are_put_right,
        test_diffing.test_a_candidate_is_compared_with_what_is_live_and_stored,
        test_diffing.test_a_release_that_is_live_itself_is_compared_with_what_was_live_before,
        test_planning_releases.test_a_dry_run_ends_as_the_promotion_would,
        test_planning_releases.test_what_is_stranded_is_in_the_plan_and_a_dry_run_leaves_it,
    ],
    ids=lambda told: told.__name__.removeprefix("test_"),
)
def test_the_life_of_a_release(story: Story, told: Callable[[Story], None]) -> None:
    told(story)


def plain(story: Story, name: str) -> None:
    """Make a table of two rows that knows no releases."""
    import pyarrow as pa

    rows = pa.table({"v": pa.array([0, 0], pa.int32())})
    with story.target.connector.catalogue() as catalogue:  # type: ignore[attr-defined]
        table = catalogue.begun(Relation.parse(name), rows.schema).commit_transaction()
        table.append(rows)


class Adopt(test_kills.Adopt):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        self.story.name = f"nyc.flights{number}"
        plain(self.story, self.story.name)
        order = self.staged(number)

        def look() -> None:
            self.read(number)
            assert self.story.rows_of(self.story.target.publisher.physical(self.story.name, 0)) == [(0,)] * 2
            assert self.story.states()[f"{self.story.name}@r0"] == "SUPERSEDED"

        return order, look


class Take(test_kills.Stage):
    """A branch that a task has written becomes a release."""

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        import pyarrow as pa

        number = next(self.numbers)
        table = self.story.target.connector.table()  # type: ignore[attr-defined]
        table.append(pa.table({"v": pa.array([number] * 2, pa.int32())}), branch=f"audit_{number}")
        table.catalog.close()
        order, _ = super().prepare()
        op = self.story.op("stage", f"run {number}")

        def look() -> None:
            self.read(1)
            (made,) = self.story.store.releases.staged_by(op.op_id)
            assert (made.state, self.story.rows_of(made.relation)) == ("CANDIDATE", [(number,)] * 2)

        return replace(order, op=op, more={"relation": f"nyc.flights.branch_audit_{number}"}), look


DEEDS = {**test_kills.DEEDS, "adopt": Adopt, "take": Take}
LEAST = {"stage": 20, "take": 15, "promote": 30, "adopt": 30, "rollback": 25, "reconcile": 10}
STRIDE = stride(20)


@pytest.mark.parametrize("action", LEAST)
@on_iceberg
def test_a_kill_at_any_step_tears_nothing_and_the_retry_finishes(story: Story, children: Nursery, action: str) -> None:
    story.live("first", values(1))
    deed, current = DEEDS[action](story), forked().Value("i", 1)
    reads = contextlib.nullcontext() if action == "adopt" else reader(story, current, several=False)
    with reads:
        kills = kill_at_each_step(deed, children, current, 1 + list(LEAST).index(action), STRIDE)
    print(f"{kills} kills of {action} on iceberg")
    assert kills >= LEAST[action] // STRIDE
    story.name = "nyc.flights"


@on_iceberg
def test_a_kill_of_a_retirement_is_mended_by_the_next_run(story: Story) -> None:
    releases = test_retiring.four(story)
    for step in itertools.count(3, STRIDE // 2 or 1):
        arguments = (story.target.connector, str(story.store.engine.url), step)
        child = forked().Process(target=test_retiring.retire_and_die, args=arguments)
        child.start()
        child.join()
        assert story.rows() == [(4,)]
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        for release in releases:  # nothing says RETIRED and still takes space
            now = story.store.releases.get(release.name)
            assert now.state != "RETIRED" or test_retiring.gone(story, release)
    assert step > 10
    assert list(story.states().values()) == ["LIVE", "SUPERSEDED", "RETIRED", "RETIRED"]
    assert [test_retiring.gone(story, release) for release in releases] == [True, True, False, False]


@on_iceberg
def test_what_was_adopted_is_handed_back_and_killed_anywhere_it_was_or_was_not(story: Story) -> None:
    plain(story, "nyc.flights")
    story.live("jan")
    story.rollback("ops", to=test_unadopting.R0)
    for step in itertools.count(5, STRIDE // 2 or 1):
        arguments = (story.target.connector, str(story.store.engine.url), step)
        child = forked().Process(target=test_unadopting.unadopt_and_die, args=arguments)
        child.start()
        child.join()
        assert story.rows() == [(0,), (0,)]
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        reconcile(story.target, story.dataset)
        assert story.store.switches.intents("nyc.flights") == []
        live = story.target.publisher.pointer("nyc.flights", "nyc.flights").release
        assert story.states()["nyc.flights@r0"] == ("LIVE" if live == 0 else "RETIRED")
        if live is None:  # adopt it again, for the next kill
            story.live(f"again {step}", f"SELECT {step} AS v")
            story.rollback(f"again {step}", to=test_unadopting.R0)
    assert step > 10
    assert story.states()["nyc.flights@r0"] == "RETIRED"
    assert story.target.publisher.adoptable("nyc.flights")


@on_iceberg
def test_the_manifests_prove_a_gates_checks(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_dataops.engines.iceberg.snapshot import Snapshot

    monkeypatch.setattr(Snapshot, "_path", lambda self, location: None)  # as for each file in an object storage
    monkeypatch.setattr(Snapshot, "load", lambda *_: pytest.fail("a row was read"))
    good, bad = story.stage("good"), story.stage("bad", "SELECT 1 AS v UNION ALL SELECT NULL")
    assert [story.gate(good, "good"), story.gate(bad, "bad")] == ["PASS", "FAIL"]
    for release in (good, bad):
        (run,) = story.store.gates.of(release=release.name)
        assert run.result.results[0].proved_by == "Iceberg manifests"
        assert run.result.fingerprint == release.fingerprint


@on_iceberg
def test_what_others_have_written_does_not_hold_up_a_roll_back_and_is_kept(story: Story) -> None:
    import pyarrow as pa

    first, second = story.live("one", values(1)), story.live("two", values(2))
    table = story.target.connector.table()  # type: ignore[attr-defined]
    table.append(pa.table({"v": pa.array([7], pa.int32())}))
    table.catalog.close()
    third = story.stage("three", values(3))
    story.gate(third, "three")
    with pytest.raises(ConfigurationError, match="somebody has written to the table itself"):
        story.promote(third, "three")
    said: list[str] = []
    op = story.op("rollback", "ops", reason="bad")
    rollback(story.target, "nyc.flights", op, dry_run=True, say=said.append)
    (line,) = [line for line in said if "somebody has written to nyc.flights itself" in line]
    assert "note: " in line
    assert "nyc.flights.tag_dataops_aside_3 keeps" in line
    assert str(rollback(story.target, "nyc.flights", op).release) == str(first)
    assert story.rows() == [(1,), (1,)]
    assert story.rows_of(Relation.parse("nyc.flights.tag_dataops_aside_3")) == [(2,), (2,), (7,)]
    assert story.states()[str(second)] == "ROLLED_BACK"
    story.promote(third, "again", reason="checked")
    assert story.rows() == [(3,), (3,)]


@on_iceberg
def test_a_tag_that_is_moved_after_the_gate_is_not_promoted(story: Story) -> None:
    first, second = story.stage("one"), story.stage("two", "SELECT 2 AS v")
    story.gate(first, "one")
    table = story.target.connector.table()  # type: ignore[attr-defined]
    other = table.metadata.refs["dataops_r2"].snapshot_id
    table.manage_snapshots().create_tag(other, "dataops_r1").commit()
    table.catalog.close()
    with pytest.raises(EvidenceMissing, match=r"r1 has changed since its gates judged it: the fingerprint differs"):
        story.promote(first, "one")
    assert (story.rows(), str(second)) == ([], "nyc.flights@r2")


def test_a_catalogue_whose_server_ends_the_connection_is_told_and_a_retry_mends_it(
    postgres_url: str, tmp_path: Path
) -> None:
    uri = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    url, mine = f"sqlite:///{tmp_path}/away.db", lake(tmp_path / "mine", uri)
    victim, ends = replace(mine, uri=f"{uri}&application_name=victim"), Warehouse("postgres", postgres_url)
    publisher = publisher_for(mine, "iceberg")
    store = Store.open(url, create=True)
    story = Story(Target(store=store, publisher=publisher, connector=mine, fingerprint=fingerprint))
    story.live("first", values(0))
    errors = 0
    for step in itertools.count(2, STRIDE // 3 or 1):
        run = f"run {step}"
        release = story.stage(run, values(step))
        story.gate(release, run)
        op = story.op("promote", run, release.name)
        order = Order(action="promote", op=op, release=release.name, gates=(GATE,))
        before = story.rows()
        fuse = Fuse(step, lambda: test_away.terminate(ends, "victim"))
        words = told(order, deadly(victim, url, fuse))
        assert story.rows() in (before, [(step,)] * 2)
        order.carry_out(story.target)
        assert story.rows() == [(step,)] * 2
        explain(story.target)
        if fuse.steps > 0:
            break
        # Where no connection was open, nobody was hit.
        assert words.startswith(("MeasureError: Iceberg catalogue 'lake': OperationalError", "switched")), words
        assert "\n" not in words
        errors += words.startswith("MeasureError")
    assert errors >= 1
