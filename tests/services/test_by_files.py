"""The services where releases are folders: what they tell of the other publishers, and what only folders have."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import test_incremental
import test_kills
import test_releasing
from deadly import Order
from nursery import Nursery
from processes import forked, stride
from story import NOW, Story
from test_kills import Deed, children, kill_at_any_moment, kill_at_each_step, reader

from airflow_dataops.core.errors import (
    ConfigurationError,
    DataOpsError,
    EvidenceMissing,
    IllegalTransition,
    MeasureError,
    ReleaseNotFound,
)
from airflow_dataops.core.retiring import Retention
from airflow_dataops.publishers.files import live
from airflow_dataops.services.releasing import clean, diff, unadopt
from airflow_dataops.services.usage import resolve

__all__ = ["children"]  # a fixture

pytestmark = pytest.mark.parametrize("target", ["files"], indirect=True)


@pytest.fixture
def lake(story: Story) -> Path:
    return Path(story.target.connector.where)  # type: ignore[attr-defined]


def write(folder: Path, **columns: list[object]) -> Path:
    """Write a folder as a task would."""
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "part-0.parquet")
    return folder


@pytest.mark.parametrize(
    "told",
    [
        test_releasing.test_a_candidate_is_invisible_until_promoted_and_comes_back_by_a_roll_back,
        test_releasing.test_bad_data_is_refused_and_readers_keep_what_is_live,
        test_releasing.test_a_promote_that_runs_again_changes_nothing,
        test_releasing.test_a_rolled_back_release_goes_live_again_only_with_a_reason,
        test_releasing.test_a_backfill_of_an_older_interval_does_not_replace_a_newer_release,
        test_releasing.test_staging_again_replaces_the_first_candidate,
        test_releasing.test_a_build_that_fails_leaves_nothing,
        test_releasing.test_reconcile_records_a_switch_that_happened_and_fences_one_that_did_not,
        test_releasing.test_a_roll_back_that_was_late_does_not_undo_the_repair,
        test_releasing.test_staging_again_while_the_candidate_goes_live_is_a_conflict_that_heals,
        test_releasing.test_the_store_follows_the_pointer_where_they_disagree,
        test_releasing.test_a_switch_that_somebody_else_records_keeps_its_reason,
        test_releasing.test_what_a_run_has_built_that_was_discarded_meanwhile_is_dropped,
        test_releasing.test_the_loser_of_two_promotions_does_not_replace_the_winner_on_its_retry,
        test_incremental.test_the_first_release_is_the_sql_itself,
        test_incremental.test_of_two_parts_built_on_nothing_the_second_is_not_the_whole,
        test_incremental.test_a_part_is_added_and_replaced_and_the_rest_is_kept,
        test_incremental.test_a_row_for_which_the_condition_is_null_is_kept,
    ],
    ids=lambda told: told.__name__.removeprefix("test_"),
)
def test_the_life_of_a_release(story: Story, told: Callable[[Story], None]) -> None:
    told(story)


class TestTaking:
    def test_a_folder_is_renamed_once(self, story: Story, lake: Path) -> None:
        write(lake / "incoming", v=[1, 2])
        release = story.stage("r", relation="incoming")
        assert not (lake / "incoming").exists()
        assert (release.relation.name, [c.name for c in release.columns]) == ("flights/r1", ["v"])
        assert story.stage("r", relation="incoming").name == release.name  # a retry finds it
        assert story.rows_of(release.relation) == [(1,), (2,)]

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("nothing", "nothing is not there: to become the release"),
            ("file.parquet", "file.parquet is a file: to become the release"),
            ("empty", "The folder .*empty is empty"),
            ("csv", "holds CSV files: expected Parquet"),
            ("mixed", "holds files of several kinds"),
            ("broken", "broken/x.parquet. too small to be a Parquet file"),
            ("link", "link is a link: give the folder itself"),
            ("nyc.flights", "is what readers of nyc.flights read|holds the dataset's own folder"),
            ("nyc.flights/r1", r"is held by nyc.flights@r1 \(LIVE\): a release never changes"),
            ("nyc.flights/r1/day=1", "lies in the release .*/r1, and a release never changes"),
            ("../elsewhere/x", "cannot name a table: a part of it is empty"),
            ("/etc", "'/etc' is not below"),
        ],
    )
    def test_what_cannot_be_taken_is_refused_and_stays(self, story: Story, lake: Path, path: str, said: str) -> None:
        write(lake / "first/day=1", v=[1])
        story.gate(first := story.stage("first", relation="first"))
        story.promote(first)
        write(lake / "real", v=[1])
        (lake / "link").symlink_to(lake / "real")
        (lake / "file.parquet").write_bytes((lake / "real/part-0.parquet").read_bytes())
        for name, files in (
            ("empty", ()),
            ("csv", ("x.csv",)),
            ("mixed", ("x.csv", "x.parquet")),
            ("broken", ("x.parquet",)),
        ):
            (lake / name).mkdir()
            for file in files:
                (lake / name / file).write_text("a\n1\n")
        before = sorted(lake.rglob("*"))
        with pytest.raises(DataOpsError, match=said) as raised:
            story.stage("second", relation=path)
        assert "\n" not in str(raised.value)
        assert [each for each in sorted(lake.rglob("*")) if "_dataops" not in str(each)] == [
            each for each in before if "_dataops" not in str(each)
        ]
        assert story.rows() == [(1, 1)]

    @pytest.mark.parametrize("inner", ["r5", "_dataops"])
    def test_what_looks_like_a_datasets_folder_is_not_taken_until_it_does_not(
        self, story: Story, lake: Path, inner: str
    ) -> None:
        write(lake / "incoming", v=[1])
        write(lake / f"incoming/{inner}", v=[2])
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"incoming' holds a folder that is called like a release"):
                story.stage("r", relation="incoming")
            assert len(list(lake.rglob("*.parquet"))) == 2
            assert not list((lake / "nyc.flights").glob("r*"))
        (lake / f"incoming/{inner}").rename(lake / "incoming/more")
        assert story.rows_of(story.stage("r", relation="incoming").relation) == [(1,), (2,)]

    def test_a_folder_in_another_datasets_is_no_dataset(self, story: Story) -> None:
        story.live("one")
        inner = Story(story.target, "inner")
        with pytest.raises(ConfigurationError, match="called like a release, or lies in a folder that is"):
            inner.stage("r", reader="nyc.flights/r1/sub")
        assert [each.name for each in story.store.releases.datasets()] == ["nyc.flights"]
        with pytest.raises(ConfigurationError, match=r"cannot be a dataset's folder: it lies in that of another"):
            inner.stage("r", reader="nyc.flights/sub")
        assert story.rows() == [(1,)]

    def test_a_folder_with_data_of_its_own_is_not_filled_with_releases(self, story: Story, lake: Path) -> None:
        write(lake / "nyc.flights", v=[1])
        with pytest.raises(ConfigurationError, match=r"holds data of its own .part-0.parquet., which people read"):
            story.stage("r")
        assert [each.name for each in (lake / "nyc.flights").iterdir()] == ["part-0.parquet"]
        (lake / "nyc.flights").rename(lake / "first")  # as the message says
        story.gate(first := story.stage("r", relation="first"))
        story.promote(first)
        assert story.rows() == [(1,)]
        with pytest.raises(IllegalTransition, match="has adopted no table"):
            unadopt(story.target, "nyc.flights", story.op("unadopt", "r"))


class TestFreezing:
    def test_a_release_is_read_only_and_a_changed_byte_is_refused(self, story: Story, lake: Path) -> None:
        release = story.stage("r")
        (file,) = (lake / "nyc.flights/r1").iterdir()
        assert [each.stat().st_mode & 0o222 for each in (file, file.parent)] == [0, 0]
        story.gate(release)
        content, before = bytearray(file.read_bytes()), file.stat()
        content[6] ^= 1
        file.chmod(0o644)
        file.write_bytes(content)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(EvidenceMissing, match="has changed since its gates judged it"):
            story.promote(release)

    @pytest.mark.parametrize("change", ["renamed", "added", "removed"])
    def test_other_files_are_other_content(self, story: Story, lake: Path, change: str) -> None:
        write(lake / "incoming", v=[1])
        pq.write_table(pa.table({"v": [1]}), lake / "incoming/part-1.parquet")
        release = story.stage("r", relation="incoming")
        story.gate(release)
        folder = lake / "nyc.flights/r1"
        folder.chmod(0o755)
        if change == "renamed":
            (folder / "part-1.parquet").rename(folder / "part-2.parquet")
        elif change == "added":
            pq.write_table(pa.table({"v": [1]}), folder / "part-2.parquet")
        else:
            (folder / "part-1.parquet").unlink()
        with pytest.raises(EvidenceMissing, match="has changed since its gates judged it"):
            story.promote(release)

    def test_who_is_not_told_of_a_change_while_it_is_read_could_not_measure(self, story: Story, lake: Path) -> None:
        release = story.stage("r")
        with story.target.connector.open(read_only=True) as db:
            assert db.execute(f"SELECT v FROM {release.relation.sql}") == [(1,)]
            (file,) = (lake / "nyc.flights/r1").iterdir()
            file.chmod(0o644)
            pq.write_table(pa.table({"v": [7]}), file)
            with pytest.raises(MeasureError, match="was written to while it was read"):
                story.target.fingerprint(db, release.relation)

    def test_the_footers_prove_checks(self, story: Story) -> None:
        release = story.stage("r")
        story.gate(release)
        (run,) = story.store.gates.of(release=release.name)
        assert run.result.results[0].proved_by == "Parquet footers"
        assert run.result.fingerprint == release.fingerprint


def test_a_build_has_several_files_of_bounded_size(story: Story, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_dataops.publishers.files import publisher

    monkeypatch.setattr(publisher, "FILE_BYTES", 2**20)
    release = story.stage("r", "SELECT i, hash(i) AS h FROM range(1000000) AS t(i)")
    files = sorted((lake / "nyc.flights/r1").iterdir())
    assert len(files) > 3
    assert {file.suffix for file in files} == {".parquet"}
    assert release.fingerprint.startswith(f"files:{len(files)}:")
    with story.target.connector.open(read_only=True) as db:
        assert db.execute(f"SELECT count(*), sum(i) FROM {release.relation.sql}") == [(1000000, 499999500000)]


def test_a_select_reads_files_folders_and_other_datasets(story: Story, lake: Path) -> None:
    write(lake / "raw/planes", v=[1], tail=["N1"])
    other = Story(story.target, "nyc.planes")
    other.live("p", "SELECT * FROM 'raw/planes'")
    story.live("f", f"SELECT one.v, tail FROM nyc.planes AS one JOIN '{lake}/raw/planes/*.parquet' USING (tail)")
    again = story.stage("g", "SELECT v + 1 AS v, tail FROM nyc.flights")
    assert story.rows_of(again.relation) == [(2, "N1")]
    with pytest.raises(MeasureError, match=r"nyc.nowhere"):
        story.stage("h", "SELECT * FROM nyc.nowhere")


def test_two_columns_of_one_name_are_refused(story: Story) -> None:
    with pytest.raises(MeasureError, match="two columns of one name: A, a"):
        story.stage("r", 'SELECT 1 AS a, 2 AS "A"')


def test_a_diff_tells_what_changes(story: Story) -> None:
    story.live("one", "SELECT 1 AS v, 'a' AS name UNION ALL SELECT 2, 'b'")
    release = story.stage("two", "SELECT 1 AS v, 'c' AS name UNION ALL SELECT 3, 'b'")
    found = diff(story.target, release.name, story.op("diff", "two"), key=["v"], samples=5).diff
    assert (found.keys.added, found.keys.removed, found.keys.changed) == (1, 1, 1)
    assert found.fingerprint == release.fingerprint


def test_a_part_of_a_partitioned_release_keeps_its_columns_and_not_its_folders(story: Story, lake: Path) -> None:
    for day in (1, 2):
        write(lake / f"incoming/day={day}", v=[day * 10])
    story.gate(first := story.stage("first", relation="incoming"))
    story.promote(first)
    release = story.stage("part", "SELECT 21 AS v, 2 AS day", replace_where="day = 2")
    story.gate(release)
    story.promote(release)
    assert story.rows() == [(10, 1), (21, 2)]
    assert [each.suffix for each in (lake / "nyc.flights/r2").iterdir()] == [".parquet"]


def test_what_a_killed_build_left_is_cleaned(story: Story, lake: Path) -> None:
    story.live("one")
    left = story.store.releases.begin(
        "nyc.flights",
        lambda number: story.target.publisher.physical("nyc.flights", number),
        story.op("stage", "killed"),
        interval_end=None,
    )
    write(lake / "nyc.flights/.r2-abc", v=[1])
    write(lake / "nyc.flights/r9", v=[1])
    told: list[str] = []
    clean(story.target, "nyc.flights", story.op("clean", "r"), older_than=timedelta(0), say=told.append)
    assert sorted(each.name for each in (lake / "nyc.flights").iterdir()) == ["_dataops", "r1", "r9"]
    assert story.states()[str(left)] == "RETIRED"
    assert any("r9: no release of this store owns it" in line for line in told)


def test_a_folder_that_is_away_is_told_and_not_made_anew(story: Story, lake: Path) -> None:
    story.live("one")
    release = story.stage("two")
    story.gate(release)
    lake.rename(lake.with_name("away"))
    for attempt in (lambda: story.promote(release), lambda: story.stage("three"), lambda: story.rollback()):
        with pytest.raises(MeasureError, match=r"The folder .*lake is not there, below which") as raised:
            attempt()
        assert raised.value.retryable
    assert not lake.exists()
    lake.with_name("away").rename(lake)
    assert story.promote(release).switched


def test_a_dataset_of_another_store_in_the_same_folder_is_not_overwritten(story: Story) -> None:
    story.live("one")
    with pytest.raises(ConfigurationError, match=r"holds the releases of the dataset nyc.flights, not of shop.orders"):
        story.target.publisher.pointer("shop.orders", "nyc.flights")


def test_ref_is_the_path_of_what_is_live_and_never_that_of_candidates(story: Story, lake: Path) -> None:
    story.gate(first := story.stage("one"))
    key = story.op("read", "one").key
    with pytest.raises(ReleaseNotFound, match=r"nyc.flights has no live release yet: there is nothing to read"):
        resolve(story.store, "nyc.flights", key, NOW)
    story.promote(first)
    assert resolve(story.store, "nyc.flights", key, NOW) == f"{lake}/nyc.flights/r1"


# kills


def values(number: int) -> str:
    return f"SELECT {number} AS v UNION ALL SELECT {number}"


class TakeFolder(Deed):
    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        write(Path(self.story.target.connector.where) / f"built_{number}", v=[number, number])  # type: ignore[attr-defined]
        op = self.story.op("stage", f"run {number}")

        def look() -> None:
            self.read(1)
            (made,) = self.story.store.releases.staged_by(op.op_id)
            assert made.state == "CANDIDATE"
            assert self.story.rows_of(made.relation) == [(number,)] * 2

        return Order(action="stage", op=op, more={"relation": f"built_{number}"}), look


class Retire(Deed):
    """Retires what was live before the last two."""

    def prepare(self) -> tuple[Order, Callable[[], None]]:
        number = next(self.numbers)
        self.staged(number).carry_out(self.story.target)
        retention = Retention.of(keep=1, older_than=None, read_within=0, rollback_window=0)
        op = self.story.op("retire", f"run {number}")

        def look() -> None:
            self.read(number)
            states = self.story.states()
            kept = {name.rpartition("@")[2] for name, state in states.items() if state != "RETIRED"}
            folder = Path(self.story.target.connector.where) / "nyc.flights"  # type: ignore[attr-defined]
            assert {each.name for each in folder.iterdir()} == {*kept, "_dataops"}
            assert len(kept) <= 2

        return Order(action="retire", op=op, more={"retention": retention}), look


DEEDS = {**test_kills.DEEDS, "take": TakeFolder, "retire": Retire}
LEAST = {"stage": 14, "take": 14, "promote": 18, "rollback": 18, "reconcile": 4, "retire": 14}
"""Steps that each operation has, at least: the store's, the session's, and everything that changes a file."""
STRIDE = stride(6)


@pytest.mark.parametrize("action", LEAST)
def test_a_kill_at_any_step_tears_nothing_and_the_retry_finishes(
    story: Story, children: Nursery, lake: Path, action: str
) -> None:
    story.live("first", values(1))
    deed = DEEDS[action](story)
    current = forked().Value("i", 1)
    first = 1 + list(LEAST).index(action) % STRIDE
    with reader(story, current, several=False):
        kills = kill_at_each_step(deed, children, current, first, STRIDE)
        assert kills >= LEAST[action] // STRIDE
        kills += kill_at_any_moment(deed, children, current, 30 if STRIDE == 1 else 1)
    print(f"{kills} kills of {action} on files")
    shown = json.loads((lake / "nyc.flights/_dataops/pointer.json").read_text())
    assert shown["epoch"] == story.target.publisher.pointer("nyc.flights", "nyc.flights").epoch
    assert shown["relation"] == live(lake / "nyc.flights")
