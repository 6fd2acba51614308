"""What only the publisher of folders has: the log that is the pointer, the storages it can be kept in, its reader."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from warehouses import Bench, Lake, MemoryLake, accept

from airflow_dataops.core.errors import ConfigurationError, MeasureError, PublishConflict, ReleaseNotFound
from airflow_dataops.core.ports import Database
from airflow_dataops.publishers.files import live
from airflow_dataops.publishers.files.buckets import Bucket
from airflow_dataops.publishers.files.drives import Place
from airflow_dataops.publishers.files.local import LocalDrive
from airflow_dataops.publishers.files.switches import Entry, Switches


@pytest.fixture(params=["files", "memory"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.getfixturevalue(f"{request.param}_warehouse"))


@pytest.fixture
def local(files_warehouse: Lake) -> Bench:
    return Bench(files_warehouse)


def folder_of(bench: Bench) -> Place:
    return bench.warehouse.place(bench.target)  # type: ignore[attr-defined]


def shown(bench: Bench) -> dict[str, Any]:
    """Return what who reads ``pointer.json`` alone is told."""
    place = folder_of(bench).child("_dataops").child("pointer.json")
    return json.loads(place.drive.read(place.path) or b"{}")


class TestPointer:
    def test_the_newest_file_of_the_log_is_the_pointer_and_another_repeats_it(self, bench: Bench) -> None:
        bench.build_two()
        bench.promote(2, 1)
        relation = str(bench.publisher.physical(bench.target, 2))
        assert (shown(bench)["epoch"], shown(bench)["release"], shown(bench)["relation"]) == (2, 2, relation)
        names = folder_of(bench).drive.names(folder_of(bench).child("_dataops").child("switches").path)
        assert names == ["000000000001.json", "000000000002.json"]

    def test_a_switch_that_was_killed_before_it_was_repeated_is_what_readers_get_and_is_mended(
        self, bench: Bench
    ) -> None:
        bench.build_two()
        before = shown(bench)
        switches = Switches(folder_of(bench))
        switches.mend = lambda: None  # type: ignore[method-assign]
        switches.add(Entry.of(bench.order(2, 1)))
        assert bench.rows() == [(2,), (2,)]
        assert shown(bench) == before
        assert bench.publisher.looking().pointer("nyc.flights", bench.target).epoch == 2
        assert shown(bench) == before  # a look changes nothing
        assert bench.publisher.pointer("nyc.flights", bench.target).epoch == 2
        assert shown(bench)["epoch"] == 2

    def test_who_is_late_to_repeat_it_says_what_came_after(self, bench: Bench) -> None:
        bench.build_two()
        late = Switches(folder_of(bench))
        entry = Entry.of(bench.order(2, 1))
        late.mend = lambda: None  # type: ignore[method-assign]
        late.add(entry)
        bench.promote(1, 2)
        Switches(folder_of(bench)).mend()
        assert shown(bench)["epoch"] == 3

    @pytest.mark.parametrize("content", [None, b"", b"{}", b'{"epoch": "x"}', b"not JSON"])
    def test_a_pointer_file_that_says_nothing_does_not_matter(self, bench: Bench, content: bytes | None) -> None:
        bench.build_two()
        place = folder_of(bench).child("_dataops").child("pointer.json")
        if content is None:
            place.drive.remove(place.path)
        else:
            place.drive.replace(place.path, content)
        assert live_of(bench).endswith("/r1")
        assert bench.publisher.pointer("nyc.flights", bench.target).release == 1
        assert shown(bench)["release"] == 1

    def test_a_log_that_somebody_has_written_in_is_no_pointer(self, bench: Bench) -> None:
        bench.build_two()
        place = folder_of(bench).child("_dataops").child("switches").child("000000000002.json")
        place.drive.replace(place.path, b"[]")
        with pytest.raises(MeasureError, match=r"000000000002.json is no epoch of a switch log"):
            bench.publisher.pointer("nyc.flights", bench.target)

    def test_a_release_that_is_removed_meanwhile_is_not_switched_to(self, bench: Bench) -> None:
        bench.build_two()
        order = bench.order(2, 1)

        def remove(db: Database) -> None:
            bench.publisher.drop(order.relation)

        with pytest.raises(PublishConflict, match="epoch 2, expected 1"):
            bench.publisher.switch(order, remove)
        assert bench.rows() == [(1,), (1,)]
        with pytest.raises(ConfigurationError, match=r"its folder .*r2 is not there"):
            bench.publisher.switch(bench.order(2, 2), accept)

    def test_a_release_of_which_the_removal_has_begun_is_not_switched_to(self, bench: Bench, monkeypatch: Any) -> None:
        bench.build_two()
        place, refused = folder_of(bench).child("r2"), []

        def removing(drive: Any, path: str) -> bool:
            if path == place.path:  # fenced off, and nothing of it is removed yet
                with pytest.raises(ConfigurationError, match=r"its folder .*r2 is being removed") as raised:
                    bench.promote(2, 2)
                refused.append(raised)
            return remove(drive, path)

        remove = type(place.drive).remove
        monkeypatch.setattr(type(place.drive), "remove", removing)
        bench.publisher.drop(bench.publisher.physical(bench.target, 2))
        assert len(refused) == 1
        assert bench.rows() == [(1,), (1,)]
        assert folder_of(bench).drive.names(folder_of(bench).child("_dataops").child("removing").path) == []

    def test_a_release_that_goes_live_meanwhile_is_not_removed(self, bench: Bench, monkeypatch: Any) -> None:
        bench.build_two()
        fenced = Switches.fenced

        def beaten(self: Switches, entry: Entry | None) -> Entry:
            if not bench.log()[1:]:  # a switch that has found nothing against it before the removal began
                assert self.add(Entry.of(bench.order(2, 1)))
            return fenced(self, entry)

        monkeypatch.setattr(Switches, "fenced", beaten)
        with pytest.raises(ConfigurationError, match=r"r2 is live: nyc.flights@r2 is what readers get"):
            bench.publisher.drop(bench.publisher.physical(bench.target, 2))
        assert bench.rows() == [(2,), (2,)]
        assert bench.promote(1, 2).epoch == 3
        assert bench.promote(2, 3).epoch == 4  # no mark is left on it

    def test_another_datasets_folder_is_refused(self, bench: Bench) -> None:
        bench.build_two()
        with pytest.raises(ConfigurationError, match=r"holds the releases of the dataset nyc.flights, not of other"):
            Bench(bench.warehouse, target=bench.target, dataset="other").promote(2, 1)

    def test_nothing_is_ever_handed_back(self, bench: Bench) -> None:
        bench.build_two()
        with pytest.raises(ConfigurationError, match="cannot be handed back: no folder is adopted"):
            bench.publisher.hand_back(bench.order(1, 1))


def live_of(bench: Bench) -> str:
    """Return what a script that has the dataset's path alone reads."""
    if isinstance(bench.warehouse, Lake) and bench.warehouse.where:
        return live(Path(folder_of(bench).text))
    return live(folder_of(bench).text)


class TestNesting:
    @pytest.mark.parametrize("target", ["nyc.flights/r1/sub", "nyc.flights/r1", "nyc.flights/_dataops/x", "_dataops"])
    def test_no_dataset_lies_in_a_release(self, bench: Bench, target: str) -> None:
        with pytest.raises(ConfigurationError, match="it is called like a release, or lies in a folder that is"):
            bench.publisher.reader(target)

    @pytest.mark.parametrize(
        ("inner", "outer"), [("nyc.flights/sub", "nyc.flights"), ("a/b/c", "a"), ("a/b", "a")], ids=str
    )
    def test_no_dataset_lies_in_another(self, bench: Bench, inner: str, outer: str) -> None:
        inside, around = (Bench(bench.warehouse, target=target, dataset=target) for target in (inner, outer))
        around.build(1)
        with pytest.raises(ConfigurationError, match=rf"cannot be a dataset's folder: it lies in that .*/{outer},"):
            inside.build(1)
        place = folder_of(around)
        place.drive.remove(place.path)
        if place.drive.filesystem is not None:  # other than storages, it keeps empty folders
            place.drive.filesystem.rm(place.path, recursive=True)
        inside.build(1)
        inside.build(2)
        with pytest.raises(ConfigurationError, match=rf"cannot be a dataset's folder: another lies in it, .*/{inner},"):
            around.build(1)
        assert (around.publisher.built(outer), len(inside.publisher.built(inner))) == ({}, 2)

    def test_what_the_connections_own_folder_is_called_does_not_matter(self, tmp_path: Path) -> None:
        (tmp_path / "r5").mkdir()
        bench = Bench(Lake(where=f"{tmp_path}/r5"), target="nyc/flights")
        bench.build_two()
        assert bench.rows() == [(1,), (1,)]


class TestReader:
    def test_it_is_the_live_releases_folder_below_the_path_as_it_is_given(self, bench: Bench) -> None:
        bench.build_two()
        assert live_of(bench) == str(bench.publisher.physical(bench.target, 1))
        bench.promote(2, 1)
        assert live_of(bench) == str(bench.publisher.physical(bench.target, 2))

    def test_a_folder_that_is_mounted_elsewhere_is_read_there(self, local: Bench) -> None:
        local.build_two()
        lake = Path(local.warehouse.where)
        moved = lake.rename(lake.with_name("mounted"))
        assert live(str(moved / "nyc.flights/")) == str(moved / "nyc.flights/r1")
        assert live(f"file://{moved}/nyc.flights") == f"file://{moved}/nyc.flights/r1"

    def test_where_nothing_is_live_that_is_said(self, bench: Bench) -> None:
        bench.build(1)
        with pytest.raises(ReleaseNotFound, match=r"Nothing is live in .*nyc.flights: expected a dataset's folder"):
            live_of(bench)
        with pytest.raises(MeasureError, match="The folder /nowhere is not there"):
            live("/nowhere")
        with pytest.raises(ConfigurationError, match="nope://x/y cannot be opened"):
            live("nope://x/y")

    def test_it_needs_no_airflow_and_nothing_heavy(self, local: Bench) -> None:
        local.build_two()
        code = (
            "import sys; from airflow_dataops.publishers.files import live; print(live(sys.argv[1]));"
            "heavy = {'airflow', 'duckdb', 'pandas', 'pyarrow', 'sqlglot', 'fsspec'} & set(sys.modules);"
            "sys.exit(str(heavy) if heavy else 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, folder_of(local).text], capture_output=True, text=True, check=False
        )
        assert (done.stderr, done.stdout) == ("", f"{folder_of(local).text}/r1\n")

    def test_pandas_and_duckdb_read_what_it_says(self, local: Bench) -> None:
        import duckdb
        import pandas as pd

        local.build_two()
        path = live(folder_of(local).text)
        assert pd.read_parquet(path)["v"].tolist() == [1, 1]
        assert duckdb.sql(f"SELECT sum(v) FROM '{path}/*.parquet'").fetchall() == [(2,)]

    def test_a_dataset_without_a_live_release_is_no_relation_though_candidates_lie_in_it(self, bench: Bench) -> None:
        bench.build(1)
        bench.build(2)
        with pytest.raises(MeasureError, match="does not exist"):
            bench.rows()


class TestStorages:
    def test_a_url_is_a_relation_of_ours_and_nothing_that_duckdb_looks_for_in_the_network(
        self, memory_warehouse: Lake
    ) -> None:
        class Elsewhere(MemoryLake):
            def place(self, name: str) -> Place:
                place = super().place(name.removeprefix("s3://"))
                return Place(text=place.text.replace("memory://", "s3://"), path=place.path, drive=place.drive)

        bench = Bench(Elsewhere())
        bench.build_two()
        assert bench.rows() == [(1,), (1,)]
        bench.build(3, 'SELECT v + 2 AS v FROM "s3://lake/nyc.flights"')
        bench.promote(3, 1)
        assert bench.rows() == [(3,), (3,)]

    def test_one_that_is_not_known_to_create_exclusively_is_refused(self) -> None:
        class Azure(MemoryFileSystem):
            protocol = "abfs"

        with pytest.raises(
            ConfigurationError, match=r"abfs://x is in a storage of which it is not known .* s3, s3a, gs"
        ):
            Bucket(Azure(), "abfs://x")

    def test_one_whose_library_is_too_old_is_refused(self) -> None:
        class Old(MemoryFileSystem):
            protocol = "s3"

            def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
                super().pipe_file(path, value)

        with pytest.raises(ConfigurationError, match=r"2024.10 or newer"):
            Bucket(Old(), "s3://x")

    def test_one_that_takes_the_condition_and_overwrites_is_refused_before_the_first_switch(self) -> None:
        class Heedless(MemoryFileSystem):
            protocol = "s3"
            store: ClassVar[dict[str, Any]] = {}
            pseudo_dirs: ClassVar[list[str]] = [""]
            cachable = False

            def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
                super().pipe_file(path, value)

        switches = Switches(Place(text="s3://b/x", path="/b/x", drive=Bucket(Heedless(), "s3://b/x")))
        with pytest.raises(ConfigurationError, match="s3://b/x is in a storage that overwrites an object"):
            switches.add(switches.fenced(None))
        assert switches.newest() is None

    def test_an_answer_that_is_lost_is_looked_up(self) -> None:
        class Lossy(MemoryFileSystem):
            protocol = "s3"
            store: ClassVar[dict[str, Any]] = {}
            pseudo_dirs: ClassVar[list[str]] = [""]
            cachable = False

            def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
                super().pipe_file(path, value, mode=mode)
                raise TimeoutError("no answer")

        drive = Bucket(Lossy(), "s3://b")
        assert drive.create("/b/one", b"ours")
        assert not drive.create("/b/one", b"theirs")
        assert drive.read("/b/one") == b"ours"

    def test_a_file_system_without_links_is_refused(self, local: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def link(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        local.build(1)
        monkeypatch.setattr(os, "link", link)
        with pytest.raises(ConfigurationError, match="lies in a file system without hard links"):
            local.promote(1, 0)

    def test_what_a_killed_writer_left_is_swept_away_by_a_later_one(self, local: Bench) -> None:
        local.build_two()
        log = Path(folder_of(local).text) / "_dataops/switches"
        for name, age in ((".old", 7200), (".new", 0)):
            (log / name).write_bytes(b"{")
            os.utime(log / name, (time.time() - age,) * 2)
        local.promote(2, 1)
        assert [each.name for each in sorted(log.iterdir())] == [".new", "000000000001.json", "000000000002.json"]

    @pytest.mark.parametrize(("number", "fails"), [(errno.EINVAL, False), (errno.EIO, True)])
    def test_a_mount_that_cannot_sync_a_folder_is_used_and_a_disk_that_fails_is_told(
        self, local: Bench, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
    ) -> None:
        def fsync(descriptor: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)
        if fails:
            with pytest.raises(MeasureError, match="Input/output error") as raised:
                local.build(1)
            assert raised.value.retryable
            assert not local.publisher.exists(local.publisher.physical(local.target, 1))
        else:
            local.build(1)
            local.promote(1, 0)
            assert local.rows() == [(1,), (1,)]

    def test_of_two_that_create_one_file_one_is_told_that_it_has_lost(self, tmp_path: Path) -> None:
        drive = LocalDrive(str(tmp_path))
        assert drive.create(f"{tmp_path}/x/y.json", b"one")
        assert not drive.create(f"{tmp_path}/x/y.json", b"another")
        assert (tmp_path / "x/y.json").read_bytes() == b"one"
        assert [each.name for each in (tmp_path / "x").iterdir()] == ["y.json"]

    def test_a_build_in_a_bucket_counts_when_its_last_object_is_there(self, memory_warehouse: Lake) -> None:
        bench = Bench(memory_warehouse)
        filesystem, place = fsspec.filesystem("memory"), folder_of(bench).child("r1")
        with place.drive.filled(place.path) as folder:
            Path(folder, "x.parquet").write_bytes(b"x")
            assert not place.drive.is_folder(place.path)
            with pytest.raises(ConfigurationError, match="already, and nothing is overwritten"):
                bench.build(1)
        assert place.drive.is_folder(place.path)
        filesystem.rm_file(f"{place.path}/_dataops_whole")
        assert not bench.publisher.exists(bench.publisher.physical(bench.target, 1))
        assert bench.publisher.built(bench.target) == {1: bench.publisher.physical(bench.target, 1)}
        bench.publisher.drop(bench.publisher.physical(bench.target, 1))
        assert filesystem.find(place.path) == []

    def test_a_folder_in_a_bucket_is_copied_and_its_own_marks_are_not_ours(self, memory_warehouse: Lake) -> None:
        bench = Bench(memory_warehouse)
        bench.build(7)
        filesystem = fsspec.filesystem("memory")
        (file,) = filesystem.glob(f"{folder_of(bench).path}/r7/*.parquet")
        filesystem.pipe("/lake/incoming/day=1/x.parquet", filesystem.cat(file))
        filesystem.pipe("/lake/incoming/_SUCCESS", b"")
        relation = bench.publisher.physical(bench.target, 1)
        bench.publisher.take(bench.publisher.reader("incoming"), relation)
        bench.promote(1, 0)
        assert bench.rows() == [(7, 1), (7, 1)]
        assert filesystem.exists("/lake/incoming/day=1/x.parquet")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the files of two users")
def test_a_release_of_another_users_files_cannot_be_dropped_and_stays_whole() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        bench = Bench(Lake(where=folder))
        bench.build(1)
        bench.build(2)
        bench.promote(2, 0)
        theirs = Path(str(bench.publisher.physical(bench.target, 1)))
        for each in (Path(folder), *Path(folder).rglob("*")):
            if not each.is_relative_to(theirs):
                os.chown(each, 65534, 65534)
        os.seteuid(65534)
        try:
            with pytest.raises(MeasureError, match="another user's, who alone can remove them") as raised:
                bench.publisher.drop(bench.publisher.physical(bench.target, 1))
        finally:
            os.seteuid(0)
        assert (raised.value.retryable, "\n" in str(raised.value)) == (False, False)
        assert bench.promote(1, 2).epoch == 3
        assert bench.rows() == [(1,), (1,)]


def test_nobody_but_root_writes_to_a_release(local: Bench) -> None:
    local.build(1)
    folder = Path(str(local.publisher.physical(local.target, 1)))
    assert [path.stat().st_mode & 0o222 for path in (folder, *folder.iterdir())] == [0, 0]
