"""The target is set back, away, or lost for ever: the store follows what is there, and nothing is built on nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from explaining import events_of
from seeing import everything
from story import Story

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import Action, Intent
from airflow_dataops.services.releasing import clean, give_up, reconcile, rollback, unadopt

one_file = pytest.mark.parametrize("target", ["sqlite", "duckdb"], indirect=True)
in_folders = pytest.mark.parametrize("target", ["files"], indirect=True)


def saved(story: Story) -> Path:
    """Return a backup of the warehouse's file."""
    return Path(shutil.copy(story.target.connector.where, f"{story.target.connector.where}.bak"))  # type: ignore[attr-defined]


def restore(story: Story, backup: Path) -> None:
    shutil.copy(backup, story.target.connector.where)  # type: ignore[attr-defined]


def settled(story: Story) -> None:
    """Assert that there is nothing more to reconcile."""
    before = everything(story.target)
    assert reconcile(story.target, story.dataset) == []
    assert everything(story.target) == before


@one_file
class TestAWarehouseThatIsRestored:
    def test_the_store_follows_it_and_releases_go_live_and_back_again(self, story: Story) -> None:
        for number, run in enumerate(("jan", "feb"), start=1):
            story.live(run, f"SELECT {number} AS v")
        backup = saved(story)
        for number, run in enumerate(("mar", "apr"), start=3):
            story.live(run, f"SELECT {number} AS v")
        restore(story, backup)
        assert reconcile(story.target, story.dataset) == [
            "the target was set back to nyc.flights@r2, where the store said nyc.flights@r4; it is recorded now.",
            "nyc.flights@r3 is not in the target any more; it is retired.",
        ]
        settled(story)
        assert story.states() == {
            "nyc.flights@r1": "SUPERSEDED",
            "nyc.flights@r2": "LIVE",
            "nyc.flights@r3": "RETIRED",
            "nyc.flights@r4": "ROLLED_BACK",
        }
        assert "set back" in story.store.releases.events(story.store.releases.live(story.name).name)[-1]["reason"]
        story.live("may", "SELECT 5 AS v")
        assert story.rows() == [(5,)]
        assert str(story.rollback("one").release) == "nyc.flights@r2"
        assert str(story.rollback("two").release) == "nyc.flights@r1"
        assert story.rows() == [(1,)]
        settled(story)

    def test_the_same_backup_may_be_restored_again(self, story: Story) -> None:
        story.live("jan")
        backup = saved(story)
        for run in ("feb", "mar"):
            newer = story.live(run, "SELECT 2 AS v")
            restore(story, backup)
            assert f"where the store said {newer}" in reconcile(story.target, story.dataset)[0]
            settled(story)
            assert story.states()[str(newer)] == "ROLLED_BACK"
            assert story.rows() == [(1,)]

    def test_a_release_that_was_rolled_back_since_is_live_again(self, story: Story) -> None:
        story.live("jan")
        story.live("feb", "SELECT 2 AS v")
        backup = saved(story)
        story.rollback("ops")
        restore(story, backup)
        assert "set back to nyc.flights@r2" in reconcile(story.target, story.dataset)[0]
        settled(story)
        assert story.states() == {"nyc.flights@r1": "ROLLED_BACK", "nyc.flights@r2": "LIVE"}
        assert story.live("mar", "SELECT 3 AS v").number == 3

    def test_a_release_that_was_retired_since_is_live_again(self, story: Story) -> None:
        story.live("jan")
        backup = saved(story)
        story.live("feb", "SELECT 2 AS v")
        story.live("mar", "SELECT 3 AS v")
        first = story.store.releases.of(story.name)[-1]
        story.target.publisher.drop(first.relation)
        story.store.releases.move(first.name, Action.RETIRE, story.op("retire", "ops"))
        restore(story, backup)
        reconcile(story.target, story.dataset)
        settled(story)
        assert story.states()["nyc.flights@r1"] == "LIVE"
        assert story.live("apr", "SELECT 4 AS v").number == 4

    def test_who_switches_while_the_store_is_asked_is_not_undone(self, story: Story) -> None:
        story.live("jan")
        releases = story.store.releases

        class Overtaken:
            """Lets somebody promote between the look at the target and the look at the store."""

            done = False

            def __getattr__(self, name: str) -> object:
                return getattr(story.store.switches, name)

            def recorded(self, op: str) -> bool:
                found = story.store.switches.recorded(op)
                if not self.done:
                    Overtaken.done = True
                    story.live("feb", "SELECT 2 AS v")
                return found

        class Shelves:
            switches = Overtaken()

            def __getattr__(self, name: str) -> object:
                return getattr(story.store, name)

        target = replace(story.target, store=Shelves())  # type: ignore[arg-type]
        assert reconcile(target, story.dataset) == []
        assert releases.live(story.name).number == 2
        assert [e["action"] for e in events_of(story.target) if "set back" in (e["reason"] or "")] == []


@in_folders
class TestATargetThatIsAway:
    @pytest.fixture
    def away(self, story: Story) -> Story:
        """A dataset whose mount point is there without its mount."""
        story.live("jan")
        story.live("feb", "SELECT 2 AS v")
        root = Path(story.target.connector.where)  # type: ignore[attr-defined]
        candidate = story.stage("mar", "SELECT 3 AS v")
        story.gate(candidate, "mar")
        root.rename(f"{root}.away")
        root.mkdir()
        return story

    def test_nothing_is_built_or_switched_and_when_it_is_back_all_goes_on(self, away: Story) -> None:
        root = Path(away.target.connector.where)  # type: ignore[attr-defined]
        (third,) = (r for r in away.store.releases.of(away.name) if r.number == 3)
        op = away.op("by hand", "ops", reason="why")
        refused = {
            "stage": lambda: away.stage("apr", "SELECT 4 AS v"),
            "promote": lambda: away.promote(third, "mar"),
            "dry promote": lambda: away.promote(third, "mar", dry_run=True),
            "rollback": lambda: away.rollback("ops"),
            "dry rollback": lambda: rollback(away.target, away.name, op, dry_run=True),
            "clean": lambda: clean(away.target, away.name, op, older_than=op.now - op.now),
            "unadopt": lambda: unadopt(away.target, away.name, op),
            "reconcile": lambda: reconcile(away.target, away.dataset),
        }
        states = away.states()
        for what, act in refused.items():
            with pytest.raises(ConfigurationError, match=r"nyc\.flights@r2 is live, and the target's log .* is gone"):
                act()
            assert list(root.iterdir()) == [], what
        assert away.states() == states
        root.rmdir()
        Path(f"{root}.away").rename(root)
        assert away.promote(third, "mar").switched
        assert away.rows() == [(3,)]

    def test_an_intent_that_a_kill_has_left_waits_for_it(self, away: Story) -> None:
        root = Path(away.target.connector.where)  # type: ignore[attr-defined]
        (third,) = (r for r in away.store.releases.of(away.name) if r.number == 3)
        op = away.op("promote", "mar", third.name)
        intent = Intent(op=op, dataset=away.dataset, release=third.name, from_epoch=2, leaves=Action.SUPERSEDE)
        away.store.switches.intend(intent)
        with pytest.raises(ConfigurationError, match="gone or away"):
            reconcile(away.target, away.dataset)
        assert list(root.iterdir()) == []
        assert away.store.switches.intents(away.name) == [intent]
        away.store.switches.clear(intent)

    def test_what_is_lost_for_ever_is_given_up_and_built_anew(self, away: Story) -> None:
        op = away.op("by hand", "ops", reason="the disk is gone")
        assert give_up(away.target, away.dataset, op) == [
            "nyc.flights@r1 is not in the target any more; it is retired.",
            "nyc.flights@r2 is not live any more: it was lost with its target.",
            "nyc.flights@r2 is not in the target any more; it is retired.",
        ]
        with pytest.raises(ConfigurationError, match=r"nyc\.flights is not lost: its target has its log"):
            give_up(away.target, away.dataset, op)
        fourth = away.live("apr", "SELECT 4 AS v")
        assert (str(fourth), away.rows()) == ("nyc.flights@r4", [(4,)])
        assert away.states()["nyc.flights@r2"] == "RETIRED"
        away.live("may", "SELECT 5 AS v")
        assert str(away.rollback("ops").release) == str(fourth)


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
class TestATargetThatHasNoLogForAGoodReason:
    def test_a_plain_table_is_adopted_though_a_first_try_died_before_the_switch(self, story: Story) -> None:
        reader = story.target.publisher.reader(story.name)
        story.target.connector.run(  # type: ignore[attr-defined]
            *([f'CREATE SCHEMA "{reader.schema}"'] if reader.schema else []),
            f"CREATE TABLE {reader.sql} AS SELECT 0 AS v",
        )
        release = story.stage("jan")
        story.gate(release, "jan")
        publisher = story.target.publisher

        class Dies:
            def __getattr__(self, name: str) -> object:
                if name == "switch":
                    raise KeyboardInterrupt
                return getattr(publisher, name)

        dying = Story(replace(story.target, publisher=Dies()))  # type: ignore[arg-type]
        with pytest.raises(KeyboardInterrupt):
            dying.promote(release, "jan")
        assert story.states()["nyc.flights@r0"] == "LIVE"
        assert story.promote(release, "jan").switched
        assert story.rollback("ops").release.number == 0

    def test_a_table_that_was_handed_back_is_adopted_again(self, story: Story) -> None:
        reader = story.target.publisher.reader(story.name)
        story.target.connector.run(  # type: ignore[attr-defined]
            *([f'CREATE SCHEMA "{reader.schema}"'] if reader.schema else []),
            f"CREATE TABLE {reader.sql} AS SELECT 0 AS v",
        )
        story.live("jan")
        story.rollback("ops")
        unadopt(story.target, story.name, story.op("unadopt", "ops", reason="why"))
        second = story.live("feb", "SELECT 2 AS v")
        assert story.rows() == [(2,)]
        assert str(story.rollback("again").release) == "nyc.flights@r0"
        assert story.states()[str(second)] == "ROLLED_BACK"
        with pytest.raises(ConfigurationError, match="is not lost"):
            give_up(story.target, story.dataset, story.op("by hand", "ops", reason="why"))
