"""Iceberg tables: what is claimed equals what a scan measures, and what is read equals PyIceberg's own scan."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg import types
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, YearTransform
from pyiceberg.typedef import Record

from airflow_dataops import validate
from airflow_dataops.core.errors import ConfigurationError, SuiteError
from airflow_dataops.core.metrics import Aggregate, Count, Function, Known
from airflow_dataops.core.predicates import Compare, IsNull, Value
from airflow_dataops.engines import iceberg
from airflow_dataops.engines.embedded import Opened
from airflow_dataops.engines.proofs.manifests import BY, Manifests
from tests.engines.claims import assert_claims_are_true
from tests.engines.lakes import made

PARIS = dt.timezone(dt.timedelta(hours=1))
WHOLE = [-(2**31), -1, 0, 1, 2**31 - 1]
FLOATS = [float("nan"), float("inf"), -1.5, -0.0, 0.5]
MONEY = [Decimal("-7.50"), Decimal("0.00"), Decimal("1.00")]
DAYS = [dt.date(1, 1, 1), dt.date(1969, 12, 31), dt.date(2013, 1, 1), dt.date(9999, 12, 31)]
TIMES = [dt.datetime(2013, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1, 1, 1)]
# Of each type its values, and the type that it can become.
VALUES = {
    types.IntegerType(): (WHOLE, types.LongType()),
    types.LongType(): ([-(2**63), *WHOLE, 2**63 - 1], None),
    types.FloatType(): (FLOATS, types.DoubleType()),
    types.DoubleType(): (FLOATS, None),
    types.DecimalType(9, 2): (MONEY, types.DecimalType(20, 2)),
    types.DecimalType(38, 2): ([*MONEY, Decimal(10) ** 35], None),
    types.DateType(): (DAYS, None),
    types.TimestampType(): (TIMES, None),
    types.TimestamptzType(): ([dt.datetime(2013, 1, 1, tzinfo=PARIS), dt.datetime(2014, 1, 1, tzinfo=PARIS)], None),
    types.TimeType(): ([dt.time(1, 2), dt.time(23, 59)], None),
    types.StringType(): (["", "a", "é" * 40], None),
    types.BinaryType(): ([b"", b"\xff" * 20], None),
    types.BooleanType(): ([True, False], None),
    types.ListType(9, types.LongType(), element_required=False): ([[], [1, None]], None),
}
WHOLE_TYPES = (types.IntegerType, types.LongType)
TEMPORAL = (types.DateType, types.TimestampType, types.TimestamptzType)


@pytest.fixture
def orders(tmp_path) -> Iterator[Table]:
    """Yield a table of two appends, ids 0 to 9."""
    rows = pa.table({"id": range(5), "price": [1.5] * 5, "name": ["x", None] * 2 + ["y"]})
    with made(tmp_path, rows.schema) as table:
        table.append(rows)
        table.append(rows.set_column(0, "id", pa.array(range(5, 10))))
        yield table


def folder_of(table: Table) -> Path:
    return Path(table.location().removeprefix("file://"))


# What can happen to a table; each takes what is drawn for it.
def append(table: Table, rows: list, numbers: Iterator[int]) -> None:
    kept = [{"c": value, "id": number} for value, number in zip(rows, numbers, strict=False)]
    table.append(pa.Table.from_pylist(kept, schema=table.schema().as_arrow()))


def delete(table: Table, until: int) -> None:
    table.delete(f"id < {until}")


def overwrite(table: Table, until: int) -> None:
    rows = [{"id": -1}]
    table.overwrite(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()), overwrite_filter=f"id < {until}")


def widen(table: Table) -> None:
    wider = VALUES.get(table.schema().find_type("c"), (None, None))[1]
    with table.update_schema() as change:
        if wider is not None:
            change.update_column("c", wider)


def rename(table: Table, default: object) -> None:
    """Rename the column, and give its name to another one."""
    had = {field.name for field in table.schema().fields}
    type_ = table.schema().find_type("c")
    with table.update_schema(allow_incompatible_changes=True) as change:
        change.rename_column(
            "c", next(name for name in ("was", "was_too", "and_was", "also", "last") if name not in had)
        )
    with table.update_schema() as change:
        change.add_column("c", type_, default_value=default)


def add(table: Table, default: str | None) -> None:
    with table.update_schema() as change:
        change.add_column(f"n{len(table.schemas())}", types.StringType(), default_value=default)


def move(table: Table) -> None:
    with table.update_schema() as change:
        change.move_first("id" if table.schema().fields[0].name == "c" else "c")


def repartition(table: Table) -> None:
    if table.spec().is_unpartitioned():
        with table.update_spec() as change:
            change.add_identity("id")


CHANGES: list[Callable[[Table], None]] = [widen, move, repartition]


@st.composite
def histories(draw):
    """Draw a column's type, how its table is made, and what happens to it."""
    type_ = draw(st.sampled_from(list(VALUES)))
    appended = st.tuples(st.just(append), st.lists(st.none() | st.sampled_from(VALUES[type_][0]), max_size=5))
    event = st.one_of(
        appended,
        appended,
        st.sampled_from([delete, overwrite]).flatmap(lambda do: st.integers(0, 8).map(lambda until: (do, until))),
        st.sampled_from(CHANGES).map(lambda do: (do,)),
        st.tuples(st.just(add), st.none() | st.just("x")),
        st.tuples(st.just(rename), st.none() | st.just(7) if isinstance(type_, WHOLE_TYPES) else st.none()),
    )
    # A NaN is a partition of its own, which PyIceberg cannot write.
    transforms = [None] if not type_.is_primitive or VALUES[type_][0] is FLOATS else [None, IdentityTransform()]
    if isinstance(type_, types.IntegerType | types.LongType | types.DateType | types.StringType):
        transforms.append(BucketTransform(2))
    if isinstance(type_, TEMPORAL):
        transforms += [DayTransform(), YearTransform()]
    properties = {
        "format-version": draw(st.sampled_from(["1", "2"])),
        "write.metadata.metrics.default": draw(st.sampled_from(["truncate(16)", "full", "counts", "none"])),
        "write.parquet.row-group-limit": draw(st.sampled_from(["1", "1000"])),
    }
    return type_, draw(st.sampled_from(transforms)), properties, [draw(appended), *draw(st.lists(event, max_size=5))]


def rows_of(query: str, ask: Callable[[str], list]) -> list[tuple[str, ...]]:
    return sorted(ask(f"SELECT COLUMNS(*)::VARCHAR FROM ({query})"), key=repr)


def assert_reads_as_pyiceberg(opened: Opened, table: Table) -> None:
    scan = table.scan().to_arrow()  # which SQL names below
    assert scan.column_names == [column.name for column in opened.db.describe(opened.query)]
    with duckdb.connect() as other:
        other.register("scan", scan)
        expected = rows_of("FROM scan", lambda sql: other.execute(sql).fetchall())
        described = other.execute("DESCRIBE FROM scan").fetchall()
    assert rows_of(opened.query, opened.db.execute) == expected
    assert [column.type for column in opened.db.describe(opened.query)] == [row[1] for row in described]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_what_is_claimed_and_read_is_what_pyiceberg_scans(tmp_path_factory, history):
    type_, transform, properties, events = history
    folder = tmp_path_factory.mktemp("drawn")
    schema = Schema(types.NestedField(1, "c", type_), types.NestedField(2, "id", types.LongType()))
    spec = PartitionSpec(
        *[PartitionField(source_id=1, field_id=1000, transform=one, name="part") for one in (transform,) if one]
    )
    numbers = itertools.count()
    with made(folder, schema, partition_spec=spec, properties=properties) as table:
        for event, *drawn in events:
            event(table, *drawn, *([numbers] if event is append else []))
        with iceberg.opened(iceberg.found(table.metadata_location)) as opened:
            for voucher in opened.vouchers:
                assert_claims_are_true(replace(opened, vouchers=(voucher,)))
            assert_reads_as_pyiceberg(opened, table)
    shutil.rmtree(folder)


SUITE = [
    {"type": "table_row_count_to_equal", "value": 10},
    {"type": "column_values_to_not_be_null", "column": "id"},
    {"type": "column_values_to_be_between", "column": "id", "min_value": 0, "max_value": 9},
]


def test_what_manifests_prove_needs_no_statement(orders):
    gate = validate(orders.metadata_location, SUITE)
    assert gate.passed
    assert gate.statements == ()
    assert {result.proved_by for result in gate.results} == {BY}
    snapshot = orders.current_snapshot()
    assert gate.source == f"Iceberg table {orders.metadata_location}, snapshot {snapshot.snapshot_id}"
    refuted = validate(folder_of(orders), [{**SUITE[2], "max_value": 7}])
    assert refuted.results[0].unexpected_count == 2
    some = validate(folder_of(orders), SUITE[1:], where="id < 3")
    assert [result.element_count for result in some.results] == [3, 3]


def test_what_is_proved(orders):
    with iceberg.opened(iceberg.found(orders.metadata_location)) as opened:
        manifests, footers = opened.vouchers
    assert manifests.known(Count()) == Known(by=BY, value=10)
    assert manifests.known(Count(IsNull("NAME"))) == Known(by=BY, value=4)
    assert manifests.known(Count(Compare(Value("id"), ">", 9))) == Known(by=BY, value=0)
    assert manifests.known(Count(Compare(Value("id"), ">", 8))) is None
    assert manifests.known(Count(IsNull("price"))) is None  # NaN is null here, and PyIceberg counts none
    # A manifest's limits need not be values; a footer's are.
    assert manifests.known(Aggregate(Function.MAX, "id")) is None
    assert footers.known(Aggregate(Function.MAX, "id")).value == 9


def test_no_page_of_data_is_read_for_what_is_proved(orders):
    for file in folder_of(orders).glob("data/*.parquet"):
        content = file.read_bytes()
        footer = int.from_bytes(content[-8:-4], "little") + 8
        file.write_bytes(bytes(len(content) - footer) + content[-footer:])
    suite = [*SUITE, {"type": "column_max_to_be_between", "column": "id", "max_value": 9}]
    gate = validate(orders.metadata_location, suite)
    assert gate.passed
    assert gate.statements == ()
    (result,) = validate(orders.metadata_location, [{"type": "column_values_to_be_unique", "column": "id"}]).results
    assert str(result.outcome) == "ERROR"


def test_a_snapshot_is_pinned(orders):
    before = orders.metadata_location
    orders.delete("id < 5")
    assert validate(before, SUITE).row_count == 10
    assert validate(orders.metadata_location, SUITE).row_count == 5
    assert validate(folder_of(orders), SUITE).row_count == 5


def test_a_table_has_no_order_of_its_own(orders):
    check = {"type": "column_values_to_be_increasing", "column": "id"}
    with pytest.raises(SuiteError, match="order_by"):
        validate(orders.metadata_location, [check])
    assert validate(orders.metadata_location, [{**check, "order_by": "id"}]).passed


def test_an_empty_table_is_empty(tmp_path):
    with made(tmp_path, pa.schema({"id": pa.int64()})) as table:
        gate = validate(table.metadata_location, [SUITE[1]])
    assert gate.row_count == 0
    assert str(gate.verdict) == "FAIL"
    assert gate.source.endswith(", without a snapshot")


def data_file(path: Path, content: DataFileContent, **said) -> DataFile:
    """Return a file that another engine may have written, with what its manifest says of it."""
    told = dict.fromkeys(("column_sizes", "nan_value_counts", "lower_bounds", "upper_bounds", "equality_ids"))
    told |= {
        "key_metadata": None,
        "split_offsets": None,
        "sort_order_id": None,
        "spec_id": 0,
        "partition": Record(),
    } | said
    size = path.stat().st_size
    return DataFile.from_args(
        content=content, file_path=f"file://{path}", file_format=FileFormat.PARQUET, file_size_in_bytes=size, **told
    )


def commit(table: Table, file: DataFile) -> None:
    with table.transaction() as change, change.update_snapshot().fast_append() as snapshot:
        snapshot.append_data_file(file)


def test_deleted_rows_are_left_out_and_nothing_is_proved(orders, tmp_path, caplog):
    first = next(iter(orders.scan().plan_files())).file.file_path
    pq.write_table(pa.table({"file_path": [first, first], "pos": [0, 3]}), tmp_path / "deletes.parquet")
    counts = {"record_count": 2, "value_counts": {}, "null_value_counts": {}}
    commit(orders, data_file(tmp_path / "deletes.parquet", DataFileContent.POSITION_DELETES, **counts))
    with caplog.at_level(logging.INFO):
        gate = validate(orders.metadata_location, SUITE)
    assert gate.row_count == 8
    assert {result.proved_by for result in gate.results} == {None}
    assert "read whole through PyIceberg, once, because rows of its files are deleted" in caplog.text
    with iceberg.opened(iceberg.found(orders.metadata_location)) as opened:
        assert_reads_as_pyiceberg(opened, orders)


def with_ids(**columns: pa.DataType) -> pa.Schema:
    ids = [{"PARQUET:field_id": str(number)} for number in range(1, len(columns) + 1)]
    return pa.schema(
        [pa.field(name, type_, metadata=id_) for (name, type_), id_ in zip(columns.items(), ids, strict=True)]
    )


@pytest.mark.parametrize(("nans", "proved"), [({2: 1}, 2), ({2: 0}, 1), ({}, None), (None, None), ({2: 9}, None)])
def test_nulls_of_floats_are_known_where_nan_is_counted(tmp_path, nans, proved):
    schema = with_ids(id=pa.int64(), c=pa.float64())
    values = [None, float("nan"), 1.5] if proved == 2 else [None, 2.5, 1.5]
    pq.write_table(pa.table({"id": [1, 2, 3], "c": values}, schema=schema), tmp_path / "x.parquet")
    counts = {"record_count": 3, "value_counts": {1: 3, 2: 3}, "null_value_counts": {1: 0, 2: 1}}
    with made(tmp_path, schema) as table:
        commit(table, data_file(tmp_path / "x.parquet", DataFileContent.DATA, nan_value_counts=nans, **counts))
        with iceberg.opened(iceberg.found(table.metadata_location)) as opened:
            manifests, _ = opened.vouchers
            known = manifests.known(Count(IsNull("c")))
            if nans != {2: 9}:
                assert_claims_are_true(replace(opened, vouchers=(manifests,)))
    assert (known and known.value) == proved


def test_a_column_that_stands_in_the_partition_alone_is_not_null(tmp_path):
    schema = Schema(types.NestedField(1, "day", types.LongType()), types.NestedField(2, "id", types.LongType()))
    spec = PartitionSpec(PartitionField(source_id=1, field_id=1000, transform=IdentityTransform(), name="day"))
    only_id = pa.schema([schema.as_arrow().field("id")])
    pq.write_table(pa.table({"id": [1, 2]}, schema=only_id), tmp_path / "x.parquet")
    counts = {"record_count": 2, "value_counts": {2: 2}, "null_value_counts": {2: 0}, "partition": Record(7)}
    with made(tmp_path, schema, partition_spec=spec) as table:
        commit(table, data_file(tmp_path / "x.parquet", DataFileContent.DATA, **counts))
        with iceberg.opened(iceberg.found(table.metadata_location)) as opened:
            assert opened.db.execute(opened.query) == [(7, 1), (7, 2)]
            assert opened.vouchers[0].known(Count(IsNull("day"))) is None
            assert_reads_as_pyiceberg(opened, table)


def test_a_column_that_took_a_dropped_ones_name_is_another(orders):
    with orders.update_schema(allow_incompatible_changes=True) as change:
        change.delete_column("name")
    with orders.update_schema() as change:
        change.add_column("name", types.StringType())
    with iceberg.opened(iceberg.found(orders.metadata_location)) as opened:
        assert len(opened.vouchers) == 1
        assert opened.vouchers[0].known(Count(IsNull("name"))) is None
        assert_reads_as_pyiceberg(opened, orders)


class Said:
    """A data file of which a manifest says something else than PyIceberg would write."""

    def __init__(self, **said) -> None:
        self.record_count, self.file_path = 2, "x.parquet"
        self.value_counts, self.null_value_counts, self.nan_value_counts = {1: 2}, {1: 0}, None
        self.lower_bounds, self.upper_bounds = {1: (1).to_bytes(8, "little")}, {1: (3).to_bytes(8, "little")}
        vars(self).update(said)


@pytest.mark.parametrize(
    ("said", "nulls", "outside"),
    [
        ({}, 0, 0),
        ({"null_value_counts": None}, None, 0),
        ({"null_value_counts": {1: -1}}, None, 0),
        ({"value_counts": {1: 1}}, None, 0),
        ({"value_counts": None}, None, 0),
        ({"lower_bounds": None}, 0, None),
        ({"upper_bounds": {1: b"\x01"}}, 0, None),
        ({"lower_bounds": {1: (1).to_bytes(4, "little")}}, 0, 0),  # written when the column was an int
        ({"record_count": -1}, None, None),
    ],
)
def test_what_a_manifest_does_not_say_is_unknown(said, nulls, outside):
    schema = Schema(types.NestedField(1, "c", types.LongType()))
    manifests = Manifests([Said(), Said(**said)], schema)
    found = [manifests.known(Count(where)) for where in (IsNull("c"), Compare(Value("c"), ">", 3))]
    assert [one and one.value for one in found] == [nulls, outside]


@pytest.mark.parametrize("type_", [types.DateType(), types.TimestampType(), types.TimestamptzType()])
def test_times_that_python_cannot_hold_are_unknown(type_):
    size = 4 if type_ == types.DateType() else 8
    file = Said(upper_bounds={1: (2 ** (8 * size - 1) - 1).to_bytes(size, "little")}, lower_bounds={1: bytes(size)})
    manifests = Manifests([file], Schema(types.NestedField(1, "c", type_)))
    assert manifests.known(Count(Compare(Value("c"), "<", "1960-01-01"))) is None
    assert manifests.known(Count(IsNull("c"))).value == 0


@pytest.mark.parametrize(
    ("names", "hint", "newest"),
    [
        (["00000-a.metadata.json", "00002-b.metadata.json", "00001-c.metadata.json"], None, "00002-b.metadata.json"),
        (["v9.metadata.json", "v10.metadata.json"], None, "v10.metadata.json"),
        (["v1.metadata.json", "v2.gz.metadata.json"], "2", "v2.gz.metadata.json"),
        (["v1.metadata.json", "v2.metadata.json", "v4.metadata.json"], "1\n", "v2.metadata.json"),
        (["00001-a.metadata.json", "00002-b.metadata.json"], "00001-a", "00001-a.metadata.json"),
        (["00001-a.metadata.json", "00002-b.metadata.json"], "00001-a.metadata.json", "00001-a.metadata.json"),
        (["v1.metadata.json", "v2.metadata.json"], "7", "v2.metadata.json"),
        (["only.metadata.json"], None, "only.metadata.json"),
        (["v1.crc", "x.parquet"], "1", None),
    ],
)
@pytest.mark.parametrize("storage", ["file", "memory"])
def test_the_newest_metadata_file_of_a_folder_is_found(tmp_path, names, hint, newest, storage):
    folder = f"{storage}://{tmp_path}/t"
    filesystem, path = fsspec.core.url_to_fs(folder)
    filesystem.makedirs(f"{path}/metadata")
    for name in names:
        filesystem.pipe_file(f"{path}/metadata/{name}", b"")
    if hint is not None:
        filesystem.pipe_file(f"{path}/metadata/version-hint.text", hint.encode())
    found = iceberg.found(folder)
    filesystem.rm(path, recursive=True)
    assert (found and Path(found.metadata).name) == newest


def test_two_newest_metadata_files_are_refused(tmp_path):
    (tmp_path / "metadata").mkdir()
    for name in ("00001-a", "00001-b"):
        (tmp_path / "metadata" / f"{name}.metadata.json").touch()
    with pytest.raises(ConfigurationError, match=r"several newest metadata files \(00001-a.*, 00001-b"):
        validate(tmp_path, SUITE)


def test_without_pyiceberg_it_is_said_what_to_install(orders, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiceberg.table", None)
    with pytest.raises(ConfigurationError, match=r"is an Iceberg table: install airflow-dataops\[iceberg\]"):
        validate(orders.metadata_location, SUITE)


@pytest.mark.parametrize("broken", ["metadata/*.metadata.json", "metadata/*.avro", "data/*.parquet"])
@pytest.mark.parametrize("how", ["gone", "nonsense"])
def test_a_table_that_cannot_be_read_could_not_be_measured(orders, broken, how):
    name = orders.metadata_location
    for file in folder_of(orders).glob(broken):
        file.unlink() if how == "gone" else file.write_text("nonsense")
    results = validate(name, SUITE).results
    assert {str(result.outcome) for result in results} == {"ERROR"}
    assert not any(result.retryable for result in results)


def test_equality_deletes_are_refused(orders, tmp_path):
    pq.write_table(pa.table({"id": [1]}), tmp_path / "deletes.parquet")
    said = {"record_count": 1, "value_counts": {}, "null_value_counts": {}, "equality_ids": [1]}
    commit(orders, data_file(tmp_path / "deletes.parquet", DataFileContent.EQUALITY_DELETES, **said))
    assert "does not yet support equality deletes" in validate(orders.metadata_location, SUITE).results[0].message


def test_names_that_differ_in_case_alone_are_refused(tmp_path):
    with (
        made(tmp_path, pa.schema({"id": pa.int64(), "ID": pa.int64()})) as table,
        pytest.raises(ConfigurationError, match=r"Columns id, ID of .* have the same name"),
    ):
        validate(table.metadata_location, SUITE)


def test_files_without_field_ids_are_found_by_the_tables_mapping(orders, tmp_path):
    pq.write_table(pa.table({"id": [10], "price": [1.5], "name": ["z"]}), tmp_path / "same.parquet")
    orders.add_files([f"file://{tmp_path}/same.parquet"])
    with iceberg.opened(iceberg.found(orders.metadata_location)) as opened:
        assert "same.parquet" in opened.query
        assert_reads_as_pyiceberg(opened, orders)
    pq.write_table(pa.table({"id": [11]}), tmp_path / "less.parquet")
    orders.add_files([f"file://{tmp_path}/less.parquet"])
    with iceberg.opened(iceberg.found(orders.metadata_location)) as opened:
        assert "less.parquet" not in opened.query
        assert_reads_as_pyiceberg(opened, orders)


def test_changed_columns_are_found_by_id_where_the_files_lie(orders):
    with orders.update_schema() as change:
        change.rename_column("name", "label")
        change.add_column("day", types.DateType())
    with orders.update_schema() as change:
        change.add_column("name", types.IntegerType())
    with iceberg.opened(iceberg.found(orders.metadata_location)) as opened:
        assert "read_parquet" in opened.query
        assert len(opened.vouchers) == 1  # footers know names alone
        assert_reads_as_pyiceberg(opened, orders)


@pytest.mark.parametrize("in_partitions", [False, True])
def test_a_table_in_an_object_storage_is_read_there(tmp_path, in_partitions):
    rows = pa.table({"id": range(10)})
    with made(tmp_path, rows.schema, lake="memory://lake") as table:
        if in_partitions:
            with table.update_spec() as change:
                change.add_identity("id")
        table.append(rows)
        for path in (table.metadata_location, table.location()):
            gate = validate(path, [*SUITE, {"type": "column_values_to_be_unique", "column": "id"}])
            assert gate.passed
            assert [result.proved_by for result in gate.results].count(BY) == 3
        with table.update_schema() as change:
            change.add_column("tags", types.ListType(9, types.StringType(), element_required=False))
        assert validate(table.metadata_location, [{"type": "column_values_to_be_null", "column": "tags"}]).passed
    fsspec.filesystem("memory").rm("/lake", recursive=True)
