"""Releases that are folders of Parquet files, in Airflow: a folder's connection, and an object storage's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import Airflow

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.hooks.files import FilesConnector
from airflow_dataops.hooks.targets import target_of
from airflow_dataops.publishers.files import live


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Define the connection ``lake`` to a folder."""
    folder = tmp_path / "lake"
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps({"conn_type": "fs", "extra": {"path": str(folder)}}))
    return folder


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Define the connection ``lake`` to a storage in memory."""
    import fsspec
    from airflow.sdk.io import attach

    filesystem = fsspec.filesystem("memory")
    attach("memory", conn_id="lake", fs=filesystem)
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps({"conn_type": "generic"}))
    yield filesystem
    filesystem.store.clear()


STAGES = {"stage": "success", "gate": "success", "diff": "success", "tamper": "success"}
DONE = STAGES | {"promote": "success", "after": "success"}


def test_stage_gate_diff_promote_read_roll_back(airflow: Airflow, lake: Path) -> None:
    for v in (1, 2):
        run = airflow.run("life_by_files", day=v, sql=f"SELECT {v} AS v UNION ALL SELECT {v}")
        assert run.tasks == DONE
        assert run.xcom("after") == 2 * v
    dataset = airflow.store.releases.dataset("nyc.flights")
    assert (dataset.publisher, dataset.reader) == ("files", f"{lake}/nyc.flights")
    assert live(lake / "nyc.flights") == f"{lake}/nyc.flights/r2"
    assert airflow.run("back_by_files", day=3).state == "success"
    assert live(lake / "nyc.flights") == f"{lake}/nyc.flights/r1"
    assert json.loads((lake / "nyc.flights/_dataops/pointer.json").read_text())["relation"] == live(
        lake / "nyc.flights"
    )
    target = target_of(airflow.store, "nyc.flights")
    assert target.publisher.pointer("nyc.flights", "nyc.flights").release == 1


def test_a_cleared_run_stages_anew_and_reads_what_it_pinned(airflow: Airflow, lake: Path) -> None:
    airflow.run("life_by_files", day=1, sql="SELECT 1 AS v")
    again = airflow.run("life_by_files", day=1, sql="SELECT 2 AS v")
    assert airflow.states() == {"nyc.flights@r2": "LIVE", "nyc.flights@r1": "SUPERSEDED"}
    assert again.xcom("after") == 1  # a clear keeps the pinned release


def test_a_byte_that_somebody_changes_behind_the_gate_is_refused(
    airflow: Airflow, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    airflow.run("life_by_files", day=1, sql="SELECT 1 AS v")
    run = airflow.run("life_by_files", day=2, sql="SELECT 2 AS v", tamper=True)
    assert run.tasks == STAGES | {"promote": "failed", "after": "upstream_failed"}
    assert "nyc.flights@r2 has changed since its gates judged it" in capfd.readouterr().out
    assert live(lake / "nyc.flights") == f"{lake}/nyc.flights/r1"


def test_a_folder_that_a_task_has_written_becomes_a_release(
    airflow: Airflow, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for day in (1, 2):
        (lake / f"incoming/day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"v": [day, 5]}), lake / f"incoming/day={day}/part.parquet")
    run = airflow.run("life_by_files", day=1, path="incoming")
    assert run.tasks == DONE
    assert run.xcom("after") == 13
    assert not (lake / "incoming").exists()
    assert airflow.run("life_by_files", day=2, relation="incoming").tasks["stage"] == "failed"
    assert "relation='incoming' is not what this dataset's publisher takes: expected path=" in capfd.readouterr().out
    part = airflow.run("life_by_files", day=3, sql="SELECT 9 AS v, 2 AS day", replace_where="day = 2")
    assert part.tasks == DONE
    assert part.xcom("after") == 6 + 9


def test_the_same_in_an_object_storage(airflow: Airflow, bucket: Any, capfd: pytest.CaptureFixture[str]) -> None:
    url = "memory://bucket/nyc/flights"
    run = airflow.run("life_by_files", day=1, sql="SELECT 1 AS v", target=url)
    assert run.tasks == DONE | {"after": "success"}
    bucket.pipe("/bucket/incoming/x.parquet", bucket.cat(bucket.glob("/bucket/nyc/flights/r1/*.parquet")[0]))
    run = airflow.run("life_by_files", day=2, path="memory://bucket/incoming", target=url)
    assert run.tasks == DONE
    assert str(airflow.store.releases.live("nyc.flights").relation) == f"{url}/r2"
    assert live(url) == f"{url}/r2"
    assert airflow.run("back_by_files", day=3).state == "success"
    assert live(url) == f"{url}/r1"


@pytest.mark.parametrize("url", ["memory://bucket/x?versionId=1", "memory://bucket/x#y", "memory://bucket/x?"])
def test_what_a_url_says_beside_its_path_is_not_dropped_silently(bucket: Any, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"memory://bucket/x is followed by '\?' or '#'"):
        FilesConnector("lake").place(url)


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        (
            {"conn_id": "warehouse"},
            "Connection 'warehouse' is to a sqlite database, and publisher='files' keeps releases",
        ),
        ({"conn_id": "nowhere"}, "There is no Airflow connection 'nowhere'"),
        ({"publisher": "view"}, "is of type 'fs', which is not supported: expected one of"),
        ({"target": "s3://bucket/x"}, "is not below"),
        ({"target": "a/../../x"}, "is not below"),
        ({"target": "x?"}, "'*', '?' and '[' would be read as a pattern"),
        ({"target": "a=b/x"}, "a folder with '=' in its name would be read as a column"),
        ({"target": "x.parquet"}, "it is called like a file"),
        ({"target": "x/r5/y"}, "it is called like a release, or lies in a folder that is"),
        ({"target": "x" * 190}, "is longer than the 250 that are kept"),
    ],
)
def test_what_cannot_hold_releases_so_is_refused(
    airflow: Airflow, lake: Path, capfd: pytest.CaptureFixture[str], conf: dict[str, str], said: str
) -> None:
    assert airflow.run("life_by_files", sql="SELECT 1 AS v", **conf).tasks["stage"] == "failed"
    assert said in capfd.readouterr().out
    assert airflow.store.releases.datasets() == []
