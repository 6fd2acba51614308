"""``airflow dataops …`` as a person types it: Airflow's own parser, the real store, a real warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_dataops.core.releases import Operation, TaskKey
from airflow_dataops.core.usage import Read
from airflow_dataops.hooks.targets import open_target
from airflow_dataops.services.releasing import stage
from airflow_dataops.stores.store import Store
from tests.ui import measured

Run = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in ("warehouse", "dataops_default"):
        connection = {"conn_type": "sqlite", "host": f"{tmp_path}/{name}.db"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    return Store.open(f"sqlite:///{tmp_path}/dataops_default.db", create=True)


@pytest.fixture
def run(airflow_database: None, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type a command; return what it prints."""
    from airflow.cli.cli_parser import get_parser

    parser = get_parser()

    def typed(*words: str) -> str:
        capsys.readouterr()
        args = parser.parse_args(["dataops", *words])
        args.func(args)
        return capsys.readouterr().out

    return typed


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "suite.yaml"
    path.write_text("checks:\n  - {type: column_values_to_be_between, column: v, max_value: 10, notes: Call them.}\n")
    return str(path)


def staged(store: Store, value: int) -> str:
    """Stage a release as a task would, and return its name."""
    now = datetime.now(UTC)
    op = Operation(op_id=f"stage {value}", by="tests", now=now)
    return str(stage(open_target("warehouse", store), "nyc.flights", op, sql=f"SELECT {value} AS v"))


def test_judge_promote_and_roll_back_without_a_scheduler(run: Run, store: Store, suite: str) -> None:
    for value in (1, 2):
        name = staged(store, value)
        assert "PASS" in run("gate", "run", suite, "--release", name)
    assert "nyc.flights@r1 is live." in run("release", "promote", "nyc.flights@r1", "--reason", "first", "--ungated")
    assert "r2 is live" in run("release", "promote", "nyc.flights@r2", "--reason", "by hand", "--ungated")
    told = run("release", "rollback", "nyc.flights", "--reason", "bad upstream")
    assert "nyc.flights@r1 is live again; nyc.flights@r2 is rolled back. Nobody has read it." in told
    assert "nothing to settle" in run("release", "reconcile", "nyc.flights")
    listed = json.loads(run("release", "list", "--output", "json"))
    assert {r["release"]: r["state"] for r in listed} == {"nyc.flights@r1": "LIVE", "nyc.flights@r2": "ROLLED_BACK"}
    events = json.loads(run("release", "show", "nyc.flights@r2", "--output", "json"))
    assert [e["action"] for e in events] == ["stage", "built", "promote", "rollback"]
    assert events[-1]["reason"] == "bad upstream"


def test_a_failed_gate_exits_with_one_and_is_listed_with_its_advice(run: Run, store: Store, suite: str) -> None:
    name = staged(store, 50)
    with pytest.raises(SystemExit) as stopped:
        run("gate", "run", suite, "--release", name)
    assert stopped.value.code == 1
    (listed,) = json.loads(run("gate", "list", "--output", "json"))
    assert (listed["verdict"], listed["judged"], listed["rows"]) == ("FAIL", name, 1)
    (check,) = json.loads(run("gate", "show", str(listed["number"]), "--output", "json"))
    assert (check["outcome"], check["unexpected"], check["what_to_do"]) == ("FAIL", 1, "Call them.")
    table = run("gate", "list")
    assert "FAIL" in table
    assert json.loads(run("gate", "list", "--dag-id", "another", "--output", "json")) == []


def test_what_a_table_shows_is_what_was_found_and_no_markup(run: Run, store: Store, tmp_path: Path) -> None:
    data = tmp_path / "sizes.csv"
    data.write_text("size [cm]\n1\n2\n")
    suite = tmp_path / "sizes.json"
    regex = {"type": "column_values_to_match_regex", "column": "size [cm]", "regex": "^[/a]:x:", "notes": "[bold] :x:"}
    suite.write_text(json.dumps([regex]))
    with pytest.raises(SystemExit):
        run("gate", "run", str(suite), "--path", str(data))
    shown = run("gate", "show", "1")
    for written in ("size [cm]", "^[/a]:x:", "[bold] :x:"):
        assert written in shown


def test_who_vouches_for_a_check_is_told_where_somebody_does(run: Run, store: Store, tmp_path: Path) -> None:
    suite = tmp_path / "export.json"
    suite.write_text(json.dumps(measured.EXPORT))
    path = measured.written_as_parquet(tmp_path)
    told = run("gate", "run", str(suite), "--path", str(path))
    assert "PASS (suite export, 1,234 rows, 2 statements, " in told
    assert "6 of 6 checks passed, 4 without reading a row (proved by Parquet footers)" in told
    assert "Parquet footers" in run("gate", "show", "1")
    checks = json.loads(run("gate", "show", "1", "--output", "json"))
    assert [check["proved_by"] for check in checks] == ["Parquet footers"] * 4 + [None, None]


def test_usage_says_who_read_what(run: Run, store: Store) -> None:
    key = TaskKey(dag_id="report", run_id="r", task_id="build")
    store.usage.add(Read(relation="raw.x", consumer="report.build", source="ref", at=datetime.now(UTC), key=key))
    (row,) = json.loads(run("usage", "report", "--output", "json"))
    assert (row["consumer"], row["relation"], row["reads"]) == ("report.build", "raw.x", 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("release", "show", "nonsense"), "is not a release: expected 'dataset@r42'"),
        (("release", "show", "a.b@r1"), "There is no release a.b@r1. That dataset has no release."),
        (("release", "rollback", "a.b", "--reason", "x"), "There is no dataset 'a.b'"),
        (("gate", "show", "7"), "There is no gate run 7"),
        (("gate", "run", "no_such.yaml", "--table", "t", "--conn-id", "warehouse"), "no_such.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_exit_one(run: Run, store: Store, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    message = str(stopped.value.code)
    assert said in message
    assert message.startswith("airflow dataops: ")


def test_upgrade_makes_the_store_and_says_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "sqlite", "host": f"{tmp_path}/new.db"}
    monkeypatch.setenv("AIRFLOW_CONN_DATAOPS_DEFAULT", json.dumps(connection))
    with pytest.raises(SystemExit, match="Run: airflow dataops db upgrade"):
        run("release", "list")
    assert "was empty and is now at schema" in run("db", "upgrade")
    assert "is at schema" in run("db", "upgrade")
