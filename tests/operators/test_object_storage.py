"""A gate over files, local and in an object storage that Airflow opens with a connection."""

from __future__ import annotations

import io

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import Airflow

from tests.engines.lakes import made


@pytest.fixture
def bucket():
    """Attach a storage in memory as the connection ``lake``, and return it empty."""
    from airflow.sdk.io import attach

    filesystem = fsspec.filesystem("memory")
    attach("memory", conn_id="lake", fs=filesystem)
    yield filesystem
    filesystem.store.clear()


def parquet(**columns) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


GOOD, BAD = parquet(v=[1, 5], name=["a", "b"]), parquet(v=[1, 50], name=["a", "b"])


def test_files_in_an_object_storage_are_gated(airflow: Airflow, bucket) -> None:
    bucket.pipe("/bucket/orders/day=2013-01-01/part.parquet", GOOD)
    bucket.pipe("/bucket/orders/_SUCCESS", b"")
    url = "memory://lake@/bucket/orders"
    run = airflow.run("lake", path=url)
    assert run.tasks == {"gate": "success", "behind": "success"}
    bucket.pipe("/bucket/orders/day=2013-01-02/part.parquet", BAD)
    run = airflow.run("lake", path=url)
    assert run.tasks == {"gate": "failed", "behind": "upstream_failed"}
    assert run.xcom("gate")["not_held"][0]["message"].startswith("v: 1 of 4 values (25 %) are out of range")
    stored = airflow.store.gates.of(limit=1)[0].result
    assert stored.source == f"file {url}"


def test_a_file_url_is_a_local_file(airflow: Airflow, tmp_path) -> None:
    orders = tmp_path / "orders"
    (orders / "day=2013-01-01").mkdir(parents=True)
    (orders / "day=2013-01-01" / "part.parquet").write_bytes(GOOD)
    assert airflow.run("lake", path=f"file://{orders}/*/*.parquet").tasks["behind"] == "success"
    assert airflow.run("lake", path=str(orders)).tasks["behind"] == "success"


def test_an_iceberg_table_is_gated(airflow: Airflow, bucket, tmp_path) -> None:
    rows = pa.table({"v": [1, 5], "name": ["a", "b"], "day": ["2013-01-01", "2013-01-02"]})
    with made(tmp_path, rows.schema, lake="memory:///bucket") as table:
        table.append(rows)
        url = table.location().replace("memory://", "memory://lake@")
        assert airflow.run("lake", path=url).tasks == {"gate": "success", "behind": "success"}
        first = table.metadata_location.replace("memory://", "memory://lake@")
        table.append(rows.set_column(0, "v", pa.array([1, 50])))
        assert airflow.run("lake", path=url).tasks == {"gate": "failed", "behind": "upstream_failed"}
        stored = airflow.store.gates.of(limit=1)[0].result
        assert stored.source == f"Iceberg table {url}, snapshot {table.current_snapshot().snapshot_id}"
    assert airflow.run("lake", path=first).tasks == {"gate": "success", "behind": "success"}


def test_a_file_that_cannot_be_read_is_an_error_that_is_stored(airflow: Airflow, bucket) -> None:
    bucket.pipe("/bucket/orders/day=2013-01-01/part.parquet", b"PAR1 no parquet PAR1")
    run = airflow.run("lake", path="memory://lake@bucket/orders")
    assert run.tasks == {"gate": "failed", "behind": "upstream_failed"}
    stored = airflow.store.gates.of(limit=1)[0].result
    assert str(stored.verdict) == "ERROR"
    assert "bucket/orders/day=2013-01-01/part.parquet" in stored.results[0].message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("memory://lake@bucket/nothing", "There is no file memory://lake@/bucket/nothing"),
        ("nope://bucket/x.csv", "cannot be opened: Unsupported filesystem: 'nope'. Install the Airflow provider"),
    ],
)
def test_a_path_that_leads_nowhere_says_so(airflow: Airflow, bucket, capfd, path, message) -> None:
    assert airflow.run("lake", path=path).tasks["gate"] == "failed"
    out = capfd.readouterr().out
    assert message in out
