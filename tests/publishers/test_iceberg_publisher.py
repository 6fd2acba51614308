"""What is told of Iceberg tables alone: branches, other writers, adoption, and what a commit is compared with."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from warehouses import Bench, Warehouse

from airflow_dataops.core.errors import ConfigurationError, MeasureError, PublishConflict
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.publishers.iceberg import pointer

MAIN, AUDIT = (Relation(schema="nyc", name=f"flights.branch_{name}") for name in ("main", "audit"))


@pytest.fixture
def warehouse(iceberg_warehouse: Warehouse) -> Warehouse:
    return iceberg_warehouse


def write(bench: Bench, v: int, branch: str = "main") -> None:
    """Append a row as a task of one's own does; a branch that is not there begins empty."""
    import pyarrow as pa

    table = bench.warehouse.table()  # type: ignore[attr-defined]
    table.append(pa.table({"v": pa.array([v], pa.int32())}), branch=branch)
    table.catalog.close()


def plain(bench: Bench) -> None:
    """Make a table that knows no releases."""
    import pyarrow as pa

    with bench.warehouse.catalogue() as catalogue:  # type: ignore[attr-defined]
        catalogue.begun(bench.reader, pa.schema([("v", pa.int32())])).commit_transaction()
    write(bench, -1)


def head(bench: Bench, ref: str = "main") -> int | None:
    table = bench.warehouse.table()  # type: ignore[attr-defined]
    table.catalog.close()
    found = table.metadata.refs.get(ref)
    return found and found.snapshot_id


def compact(bench: Bench) -> None:
    """Commit what Spark's ``rewrite_data_files`` does: other files, the same rows."""
    import time

    from pyiceberg.table.snapshots import Operation, Snapshot, Summary
    from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate

    table = bench.warehouse.table()  # type: ignore[attr-defined]
    now = table.current_snapshot()
    snapshot = Snapshot(
        snapshot_id=now.snapshot_id + 1,
        parent_snapshot_id=now.snapshot_id,
        sequence_number=table.metadata.last_sequence_number + 1,
        timestamp_ms=max(int(time.time() * 1000), now.timestamp_ms + 1),
        manifest_list=now.manifest_list,
        summary=Summary(Operation.REPLACE),
        schema_id=now.schema_id,
    )
    main = SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=snapshot.snapshot_id)
    table.catalog.commit_table(table, (), (AddSnapshotUpdate(snapshot=snapshot), main))
    table.catalog.close()


def aside(bench: Bench) -> list[str]:
    """Return the tags of what roll-backs have kept."""
    table = bench.warehouse.table()  # type: ignore[attr-defined]
    table.catalog.close()
    return [name for name in table.metadata.refs if name.startswith("dataops_aside_")]


class TestBranches:
    def test_a_branchs_head_becomes_the_release_whatever_comes_to_it_later(self, bench: Bench) -> None:
        bench.build_two()
        write(bench, 7, "audit")
        relation = bench.publisher.physical(bench.target, 3)
        bench.publisher.take(AUDIT, relation)
        write(bench, 8, "audit")
        assert bench.promote(3, 1).release == 3
        assert bench.rows() == [(7,)]
        assert bench.publisher.exists(AUDIT)

    def test_what_is_no_branch_of_the_table_is_refused(self, bench: Bench) -> None:
        bench.build(1)
        relation = bench.publisher.physical(bench.target, 2)
        with pytest.raises(ConfigurationError, match="has no branch 'audit', or nothing is written to it"):
            bench.publisher.take(AUDIT, relation)
        for source in (Relation(schema="nyc", name="built"), bench.reader, bench.publisher.physical(bench.target, 1)):
            with pytest.raises(ConfigurationError, match=r"is no branch of nyc.flights.* give its name as branch="):
                bench.publisher.take(source, relation)
        assert list(bench.publisher.built(bench.target)) == [1]

    def test_a_branch_cannot_take_the_place_of_a_release(self, bench: Bench) -> None:
        bench.build_two()
        write(bench, 7, "audit")
        with pytest.raises(ConfigurationError, match="already, and nothing is overwritten"):
            bench.publisher.take(AUDIT, bench.publisher.physical(bench.target, 1))


class TestHeadThatMoved:
    def test_who_wrote_to_the_table_itself_is_not_overwritten(self, bench: Bench) -> None:
        bench.build_two()
        write(bench, 7)
        (line,) = bench.publisher.preflight(bench.order(2, 1))
        assert "somebody has written to the table itself" in line
        assert f"expected {head(bench, 'dataops_r1')}, which is nyc.flights@r1" in line
        assert [finding.text for finding in bench.publisher.report(bench.order(2, 1)) if finding.stops] == [line]
        with pytest.raises(
            ConfigurationError, match=r"r2 cannot go live: main of nyc.flights is at .* r1 is still live"
        ):
            bench.promote(2, 1)
        assert bench.rows() == [(1,), (1,), (7,)]

    def test_what_was_written_becomes_a_release_by_its_branch_main(self, bench: Bench) -> None:
        bench.build_two()
        write(bench, 7)
        bench.publisher.take(MAIN, bench.publisher.physical(bench.target, 3))
        assert bench.promote(3, 1).release == 3
        assert bench.promote(1, 2).release == 1
        assert bench.rows() == [(1,), (1,)]

    def test_who_writes_while_the_release_is_verified_is_not_overwritten(self, bench: Bench) -> None:
        bench.build_two()
        with pytest.raises(ConfigurationError, match="somebody has written to the table itself"):
            bench.publisher.switch(bench.order(2, 1), lambda db: write(bench, 7))
        assert bench.rows() == [(1,), (1,), (7,)]

    def test_columns_that_somebody_changed_are_not_changed_back(self, bench: Bench) -> None:
        from pyiceberg.types import StringType

        bench.build_two()
        table = bench.warehouse.table()  # type: ignore[attr-defined]
        with table.update_schema() as update:
            update.add_column("note", StringType())
        table.catalog.close()
        (line,) = bench.publisher.preflight(bench.order(2, 1))
        assert "the columns of nyc.flights were changed since nyc.flights@r1 went live" in line
        bench.build(3, "SELECT 3 AS v, 'x' AS note")
        bench.promote(3, 1)
        assert bench.rows() == [(3, "x")]

    def test_a_compaction_is_no_write(self, bench: Bench) -> None:
        bench.build_two()
        compact(bench)
        compact(bench)
        moved = head(bench)
        assert moved != head(bench, "dataops_r1")
        assert bench.publisher.preflight(bench.order(2, 1)) == ()
        bench.promote(2, 1)
        compact(bench)
        bench.promote(1, 2, goes_back=True)
        assert (bench.rows(), aside(bench)) == ([(1,), (1,)], [])

    def test_a_write_before_or_after_a_compaction_is_one(self, bench: Bench) -> None:
        bench.build_two()
        for change in (lambda: write(bench, 7), lambda: compact(bench)):
            compact(bench)
            change()
            (line,) = bench.publisher.preflight(bench.order(2, 1))
            assert "somebody has written to the table itself" in line
        bench.publisher.take(MAIN, bench.publisher.physical(bench.target, 3))
        compact(bench)  # of what is a release by now
        bench.promote(3, 1)
        assert bench.rows() == [(1,), (1,), (7,)]

    def test_a_roll_back_is_not_held_up_by_who_has_written_and_keeps_it(self, bench: Bench) -> None:
        bench.build_two()
        bench.promote(2, 1)
        write(bench, 7)
        written = head(bench)
        order = bench.order(1, 2, goes_back=True)
        assert bench.publisher.preflight(order) == ()
        (finding,) = bench.publisher.report(order)
        assert not finding.stops
        assert f"up to snapshot {written}: readers have those rows no more, which the tag" in finding.text
        assert "nyc.flights.tag_dataops_aside_3 keeps" in finding.text
        assert bench.publisher.report(bench.order(1, 2))[0].stops
        bench.promote(1, 2, goes_back=True)
        assert (bench.rows(), aside(bench), head(bench, "dataops_aside_3")) == (
            [(1,)] * 2,
            ["dataops_aside_3"],
            written,
        )
        with bench.warehouse.open() as db:
            kept = db.execute('SELECT v FROM nyc."flights.tag_dataops_aside_3" ORDER BY v')
        assert kept == [(2,), (2,), (7,)]
        assert sorted(bench.publisher.built(bench.target)) == [1, 2]
        bench.promote(2, 3)  # nothing stands in the way any more
        assert bench.rows() == [(2,), (2,)]

    def test_a_roll_back_is_not_held_up_by_who_has_changed_the_columns(self, bench: Bench) -> None:
        from pyiceberg.types import StringType

        bench.build_two()
        bench.promote(2, 1)
        table = bench.warehouse.table()  # type: ignore[attr-defined]
        with table.update_schema() as update:
            update.add_column("note", StringType())
        table.catalog.close()
        order = bench.order(1, 2, goes_back=True)
        (finding, _) = bench.publisher.report(order)
        assert "the table keeps the others as its schema 1" in finding.text
        bench.promote(1, 2, goes_back=True)
        assert (bench.rows(), aside(bench)) == ([(1,), (1,)], [])


class TestAdoption:
    def test_rows_that_were_there_become_release_zero(self, bench: Bench) -> None:
        plain(bench)
        before = head(bench)
        assert bench.publisher.adoptable(bench.target)
        bench.build(1)
        adopt = bench.publisher.physical(bench.target, 0)
        bench.promote(1, 0, adopt=adopt)
        assert (bench.rows(), head(bench, "dataops_r0")) == ([(1,), (1,)], before)
        assert not bench.publisher.adoptable(bench.target)
        bench.promote(0, 1)
        assert (bench.rows(), head(bench)) == ([(-1,)], before)

    def test_without_a_place_for_it_or_with_one_that_is_taken_nothing_changes(self, bench: Bench) -> None:
        plain(bench)
        bench.build(1)
        with pytest.raises(ConfigurationError, match=r"is a plain table, and nothing says.* Nothing is live yet"):
            bench.promote(1, 0)
        bench.build(0)
        with pytest.raises(ConfigurationError, match=r"tag_dataops_r0: that tag is taken"):
            bench.promote(1, 0, adopt=bench.publisher.physical(bench.target, 0))
        assert bench.rows() == [(-1,)]

    def test_it_is_handed_back_and_adopted_again(self, bench: Bench) -> None:
        plain(bench)
        bench.build(1)
        adopt = bench.publisher.physical(bench.target, 0)
        bench.promote(1, 0, adopt=adopt)
        bench.promote(0, 1)
        order = bench.order(0, 2, op_id="back")
        for _ in range(2):
            after = bench.publisher.hand_back(order)
            assert (after.epoch, after.release) == (3, 0 if _ else None)
        assert (bench.rows(), bench.publisher.adoptable(bench.target)) == ([(-1,)], True)
        assert not bench.publisher.exists(adopt)
        write(bench, -2)
        bench.promote(1, 3, adopt=adopt)
        assert bench.promote(0, 4, op_id="again").release == 0
        assert bench.rows() == [(-2,), (-1,)]


class TestCommits:
    def test_a_tag_that_is_moved_while_it_is_verified_is_not_published(self, bench: Bench) -> None:
        bench.build_two()
        bench.build(3)
        looks = []

        def move(db: Database) -> None:
            looks.append(db.identity(bench.order(2, 1).relation))
            if len(looks) == 1:
                table = bench.warehouse.table()  # type: ignore[attr-defined]
                table.manage_snapshots().create_tag(head(bench, "dataops_r3"), "dataops_r2").commit()
                table.catalog.close()
            elif looks[0] != looks[1]:
                raise ConfigurationError("other data")

        with pytest.raises(ConfigurationError, match="other data"):
            bench.publisher.switch(bench.order(2, 1), move)
        assert bench.rows() == [(1,), (1,)]

    @pytest.mark.parametrize("back", [False, True])
    def test_an_epoch_that_has_gone_does_not_look_as_if_it_were_there_again(self, bench: Bench, back: bool) -> None:
        """Main, pointer and tags are where they were but for the epoch, and the zombie has seen that before."""
        bench.build_two()
        order = bench.order(2, 1)

        def meanwhile(db: Database) -> None:
            for expect in (1, 2):
                if back:
                    bench.promote(2 - expect % 2 if expect == 1 else 1, expect)
                else:
                    bench.publisher.fence(bench.dataset, bench.target, expect)

        with pytest.raises(PublishConflict, match="epoch 3, expected 1"):
            bench.publisher.switch(order, meanwhile)
        assert bench.rows() == [(1,), (1,)]

    def test_a_first_switch_that_comes_late_loses_as_well(self, bench: Bench) -> None:
        bench.build(1)
        bench.build(2)

        def meanwhile(db: Database) -> None:
            for expect in (0, 1):
                bench.publisher.fence(bench.dataset, bench.target, expect)

        with pytest.raises(PublishConflict, match="epoch 2, expected 0"):
            bench.publisher.switch(bench.order(1, 0), meanwhile)
        assert bench.rows() == []

    def test_builds_at_the_same_time_all_stand(self, bench: Bench) -> None:
        bench.build(1)
        failed: list[Exception] = []

        def build(release: int) -> None:
            try:
                bench.build(release)
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=build, args=(release,)) for release in range(2, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert sorted(bench.publisher.built(bench.target)) == [1, 2, 3, 4, 5]
        table = bench.warehouse.table()  # type: ignore[attr-defined]
        table.catalog.close()
        numbers = [snapshot.sequence_number for snapshot in table.metadata.snapshots]
        assert numbers == [1, 2, 3, 4, 5]

    def test_the_log_keeps_the_newest(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pointer, "KEPT", 3)
        bench.build_two()
        for expect in range(1, 6):
            bench.promote(1 + expect % 2, expect)
        found = [bench.publisher.switched(bench.dataset, bench.target, f"op-{1 + e % 2}-{e}") for e in range(1, 6)]
        assert [each and each.epoch for each in found] == [None, None, 4, 5, 6]
        last = bench.publisher.last_switch(bench.dataset, bench.target)
        assert last is not None
        assert last.epoch == 6

    def test_a_table_belongs_to_one_dataset(self, bench: Bench) -> None:
        bench.build_two()
        with pytest.raises(ConfigurationError, match=r"published as dataset nyc.flights already, and not as other"):
            Bench(bench.warehouse, dataset="other").promote(2, 1)


class TestRows:
    def test_what_iceberg_cannot_hold_is_told_before_anything_is_made(self, bench: Bench) -> None:
        with pytest.raises(ConfigurationError, match=r"sql= yields a column that Iceberg cannot hold.*Cast it"):
            bench.build(1, "SELECT INTERVAL 1 DAY AS v")
        assert not bench.publisher.exists(bench.reader)

    def test_a_row_that_fails_late_is_told_without_its_value_and_leaves_no_file(self, bench: Bench) -> None:
        sql = "SELECT CAST(CASE WHEN i = 900000 THEN 's3cret' ELSE '1' END AS INTEGER) AS v FROM range(1000000) AS r(i)"
        with pytest.raises(MeasureError, match="DuckDB: Conversion Error: Could not convert") as raised:
            bench.build(1, sql)
        assert "s3cret" not in str(raised.value)
        assert "\n" not in str(raised.value)
        assert list(Path(bench.warehouse.where).rglob("*.parquet")) == []

    def test_a_table_keeps_its_partitions(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow_dataops.publishers.iceberg import building

        monkeypatch.setattr(building, "_CHUNK", 1000)
        bench.build(1, "SELECT 1 AS v, 1 AS day")
        table = bench.warehouse.table()  # type: ignore[attr-defined]
        with table.update_spec() as update:
            update.add_identity("day")
        table.catalog.close()
        bench.build(2, "SELECT i AS v, i % 3 AS day FROM range(5000) AS r(i)")
        bench.promote(2, 0)
        assert bench.rows("count(*), count(DISTINCT day), sum(v)") == [(5000, 3, 12497500)]
        with pytest.raises(ConfigurationError, match="lacks a column, or gives it another type, by which the table is"):
            bench.build(3, "SELECT 1 AS v")

    def test_a_required_column_stays_required(self, bench: Bench) -> None:
        import pyarrow as pa

        with bench.warehouse.catalogue() as catalogue:  # type: ignore[attr-defined]
            schema = pa.schema([pa.field("v", pa.int64(), nullable=False)])
            catalogue.begun(bench.reader, schema).commit_transaction()
        bench.build(1)
        with pytest.raises(ConfigurationError, match=r"The rows of sql= do not fit the columns of nyc.flights"):
            bench.build(2, "SELECT NULL::INTEGER AS v")
        bench.promote(1, 0)
        assert bench.rows() == [(1,), (1,)]

    @pytest.mark.parametrize("target", ["flights", "nyc.fl-ights", "nyc.a?b%c", "a.b.c", 'n y."flights'])
    def test_names_that_cannot_be_a_tables_are_refused(self, bench: Bench, target: str) -> None:
        with pytest.raises(ConfigurationError, match="expected a namespace and a name of letters, digits and '_'"):
            bench.publisher.reader(target)

    def test_tags_do_not_expire(self, bench: Bench) -> None:
        bench.build_two()
        table = bench.warehouse.table()  # type: ignore[attr-defined]
        table.catalog.close()
        ages = {name: ref.max_ref_age_ms for name, ref in table.metadata.refs.items()}
        assert ages.pop("main") is None
        assert ages == dict.fromkeys(("dataops_r1", "dataops_r2", "dataops_pointer", "dataops_epoch_1"), 2**63 - 1)

    def test_columns_are_told_without_a_row_read(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow_dataops.engines.iceberg.snapshot import Snapshot

        sql = (
            "SELECT 1::TINYINT AS i, 2::BIGINT AS l, 1.5::DECIMAL(9, 2) AS d, 'é' AS s, true AS b, 'x'::BLOB AS x,"
            " DATE '2013-01-01' AS day, TIMESTAMP '2013-01-01 12:00:00.000001' AS t, now() AS tz, 0.1::DOUBLE AS f,"
            " 0.1::FLOAT AS r, TIME '12:00:00' AS c, [1, NULL] AS n, {'a': 1, 'b': 'x'} AS st, MAP {'a': 1} AS m"
        )
        bench.build(1, sql)
        bench.promote(1, 0)
        bench.build(2, "SELECT 1 AS l, 2.5::DECIMAL(12, 2) AS d, 'y' AS more")

        def both() -> list[Any]:
            relations = (bench.reader, *(bench.publisher.physical(bench.target, each) for each in (1, 2)))
            with bench.warehouse.open() as db:
                told = [db.columns(relation) for relation in relations]
                assert told == [db.describe(f"SELECT * FROM {relation.sql}") for relation in relations]
            return told

        plain = both()
        assert [len(columns) for columns in plain] == [15, 15, 3]
        monkeypatch.setattr(Snapshot, "_path", lambda self, location: None)  # as for each file in an object storage
        assert both() == plain
        loaded: list[str] = []
        monkeypatch.setattr(Snapshot, "load", lambda self, *_: loaded.append(self.label))
        assert any("columns added: more" in finding.text for finding in bench.publisher.report(bench.order(2, 1)))
        bench.promote(2, 1)
        assert loaded == []

    def test_types_come_back_as_they_went(self, bench: Bench) -> None:
        sql = (
            "SELECT 1::TINYINT AS i, 2::BIGINT AS l, 1.5::DECIMAL(9, 2) AS d, 'é' AS s, true AS b,"
            " DATE '2013-01-01' AS day, TIMESTAMP '2013-01-01 12:00:00.000001' AS t, 0.1::DOUBLE AS f,"
            " [1, NULL] AS n, {'a': 1, 'b': 'x'} AS st"
        )
        bench.build(1, sql)
        bench.promote(1, 0)
        with bench.warehouse.open() as db:
            expected: list[Any] = db.execute(sql)
        assert bench.rows() == expected


class TestParts:
    DAYS = "SELECT i AS v, i // 10 AS day, DATE '2013-01-01' + CAST(i // 10 AS INTEGER) AS date FROM range(30) AS r(i)"

    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        """Make three days live, a file for each."""
        bench.build(1, f"{self.DAYS} LIMIT 0")
        table = bench.warehouse.table()  # type: ignore[attr-defined]
        with table.update_spec() as update:
            update.add_identity("day")
        table.catalog.close()
        bench.build(2, self.DAYS)
        bench.promote(2, 0)
        return bench

    def part(self, bench: Bench, where: str, rows: str) -> bool:
        live, new = (bench.publisher.physical(bench.target, release) for release in (2, 3))
        return bool(bench.publisher.build_part(new, live, where, rows))

    @pytest.mark.parametrize(
        "where",
        ["day = 1", "day IN (1) AND v >= 10", "date = DATE '2013-01-02'", "v BETWEEN 10 AND 19", "1 = day OR day = 99"],
    )
    def test_the_files_of_other_days_are_shared(self, bench: Bench, where: str) -> None:
        assert self.part(bench, where, "SELECT 100 AS v, 1 AS day, DATE '2013-01-02' AS date")
        bench.promote(3, 1)
        assert bench.rows("count(*), sum(v), count(*) FILTER (day = 1)") == [(21, 390, 1)]
        before, after = (files(bench, release) for release in (2, 3))
        assert (len(before), len(after), len(before & after)) == (3, 3, 2)

    def test_a_row_for_which_the_condition_is_null_is_kept_and_of_a_file_the_rest(self, bench: Bench) -> None:
        bench.build(4, "SELECT NULL::BIGINT AS v, 1::BIGINT AS day, NULL::DATE AS date UNION ALL SELECT 5, 1, NULL")
        bench.promote(4, 1)
        live, new = (bench.publisher.physical(bench.target, release) for release in (4, 3))
        assert bench.publisher.build_part(new, live, "v >= 5", f"{self.DAYS} LIMIT 0")
        bench.promote(3, 2)
        assert bench.rows() == [(None, 1, None)]

    @pytest.mark.parametrize(
        "where", ["day % 2 = 1", "day = '1'", "NOT day = 1", "lower('A') = 'a'", "day = 1.0", "date = '2013-02-30'"]
    )
    def test_what_filters_cannot_say_is_left_to_the_whole(self, bench: Bench, where: str) -> None:
        assert not self.part(bench, where, f"{self.DAYS} LIMIT 1")
        assert sorted(bench.publisher.built(bench.target)) == [1, 2]


def files(bench: Bench, release: int) -> set[str]:
    table = bench.warehouse.table()  # type: ignore[attr-defined]
    table.catalog.close()
    tasks = table.scan(snapshot_id=table.metadata.refs[f"dataops_r{release}"].snapshot_id).plan_files()
    return {task.file.file_path for task in tasks}
