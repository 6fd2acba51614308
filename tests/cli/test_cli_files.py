"""``airflow dataops release …`` where releases are folders."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.releases import Operation
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import stage
from airflow_dataops.stores.store import Store
from tests.cli.test_cli import Run, run, suite

__all__ = ["run", "suite"]  # fixtures


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake"


@pytest.fixture
def store(tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps({"conn_type": "fs", "extra": {"path": str(lake)}}))
    place = {"conn_type": "sqlite", "host": f"{tmp_path}/dataops_default.db"}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps(place))
    return Store.open(f"sqlite:///{tmp_path}/dataops_default.db", create=True)


STATES = ["SUPERSEDED", "SUPERSEDED", "LIVE", "ROLLED_BACK"]


def staged(store: Store, value: int) -> str:
    op = Operation(op_id=f"stage {value}", by="tests", now=datetime.now(UTC))
    return str(stage(open_target("lake", store, "files"), "nyc.flights", op, sql=f"SELECT {value} AS v"))


def refused(run: Run, *words: str) -> str:
    """Return in what words a command is refused."""
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    return str(stopped.value.code)


def test_a_target_that_was_lost_is_given_up_for_a_reason(run: Run, store: Store, lake: Path) -> None:
    name = staged(store, 1)
    run("release", "promote", name, "--reason", "by hand", "--ungated")
    assert "is not lost" in refused(run, "release", "reconcile", "nyc.flights", "--lost", "--reason", "why")
    lake.rename(f"{lake}.away")
    lake.mkdir()
    told = refused(run, "release", "reconcile", "nyc.flights")
    assert "airflow dataops release reconcile nyc.flights --lost --reason '…'" in told
    assert "--lost needs --reason" in refused(run, "release", "reconcile", "nyc.flights", "--lost")
    told = run("release", "reconcile", "nyc.flights", "--lost", "--reason", "the disk is gone")
    assert "nyc.flights@r1 is not live any more: it was lost with its target." in told
    again = staged(store, 2)
    assert f"{again} is live" in run("release", "promote", again, "--reason", "built anew", "--ungated")


def test_every_command_on_releases_that_are_folders(
    run: Run, store: Store, suite: str, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in (1, 2, 3, 4):
        name = staged(store, value)
        assert "PASS" in run("gate", "run", suite, "--release", name)
        told = run("release", "promote", name, "--reason", "by hand", "--ungated", "--dry-run")
        assert f"to {lake}/nyc.flights/r{value} ({name})" in told
        assert f"{name} is live" in run("release", "promote", name, "--reason", "by hand", "--ungated")
    assert "1 row" in run("release", "diff", "nyc.flights@r4", "--key", "v")
    assert "nyc.flights@r3 is live again" in run("release", "rollback", "nyc.flights", "--reason", "bad upstream")
    assert "nothing to settle" in run("release", "reconcile", "nyc.flights")
    listed = json.loads(run("release", "list", "--output", "json"))
    assert {r["relation"]: r["state"] for r in listed} == {
        f"{lake}/nyc.flights/r{number}": state for number, state in enumerate(STATES, start=1)
    }
    events = json.loads(run("release", "show", "nyc.flights@r4", "--output", "json"))
    assert [e["action"] for e in events] == ["stage", "built", "promote", "rollback"]
    (lake / "nyc.flights/r9").mkdir()
    assert f"leave {lake}/nyc.flights/r9" in run("release", "clean", "nyc.flights")
    no_window = ("--read-within", "0", "--rollback-window", "0", "--reason", "space")
    told = run("release", "retire", "nyc.flights", "--keep", "1", *no_window)
    assert f"drop {lake}/nyc.flights/r1 and retire nyc.flights@r1" in told, told
    assert not (lake / "nyc.flights/r1").exists()
    with pytest.raises(SystemExit):
        run("release", "unadopt", "nyc.flights", "--reason", "over")
