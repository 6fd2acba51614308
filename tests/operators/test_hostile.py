"""Hostile names and values through the operators: nothing is executed, and every refusal is one clear line of ours."""

from __future__ import annotations

import itertools
import json
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred
from hostile import CORPUS, NO_TEXT, anything
from hypothesis import HealthCheck, Phase, example, given, settings
from warehouses import Warehouse

from airflow_dataops.core.errors import DataOpsError
from airflow_dataops.core.releases import ReleaseName
from airflow_dataops.operators.errors import DataOpsFailed
from airflow_dataops.operators.release import (
    CanaryReleaseOperator,
    PromoteReleaseOperator,
    RetireReleasesOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)
from airflow_dataops.stores.store import Store

ARGUMENTS = (
    "stage.dataset", "stage.target", "stage.relation", "stage.conn_id", "stage.publisher", "stage.frozen_by",
    "stage.path", "stage.branch", "folder.dataset", "folder.target", "folder.path",
    "lake.dataset", "lake.target", "lake.branch",
    "canary.release", "canary.consumers", "canary.ungated", "retire.dataset", "retire.reason",
    "promote.release", "promote.reason", "promote.ungated", "promote.requires",
    "rollback.dataset", "rollback.reason", "rollback.to",
)  # fmt: skip


KINDS = {
    "stage": StageReleaseOperator,
    "folder": StageReleaseOperator,
    "lake": StageReleaseOperator,
    "promote": PromoteReleaseOperator,
    "canary": CanaryReleaseOperator,
    "rollback": RollbackReleaseOperator,
    "retire": RetireReleasesOperator,
}


@dataclass
class Place:
    """A warehouse with a canary in it, a store, and operators that are executed as a task would."""

    warehouse: Warehouse
    store: Store
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    known: set[str] = field(default_factory=set)

    def execute(self, kind: type, **arguments: Any) -> str:
        """Return what it returned, or the refusal, having seen that it is one clear line of ours."""
        run = next(self.runs)
        try:
            from airflow.sdk import DAG

            with DAG(f"hostile_{run}") as dag:
                task = kind(task_id="task", **arguments)
            ti = SimpleNamespace(dag_id=dag.dag_id, run_id=f"run {run}", task_id="task", map_index=-1, try_number=1)
            return task.execute({"ti": ti, "task": task, "dag": dag, "outlet_events": Quiet()})
        except TaskDeferred:
            return "it waits"
        except (DataOpsError, DataOpsFailed) as error:
            words = str(error)
            assert words
            assert words.isprintable(), words
            assert len(words) < 1500, words[:200]
            assert "Traceback" not in words
            return words
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            raise AssertionError(f"{arguments}: not an error of ours:\n{trace}") from None

    def tables(self) -> set[str]:
        if self.warehouse.dialect == "sqlite":
            rows = self.warehouse.run("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            return {name for (name,) in rows}
        rows = self.warehouse.run(
            "SELECT nspname, relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'v') AND nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {name if schema == "public" else f"{schema}.{name}" for schema, name in rows}

    def unharmed(self, *named: object) -> None:
        """See that the canary lives, and that no relation has appeared but those that were asked for by name."""
        assert self.warehouse.run("SELECT v FROM canary") == [(42,)]
        new = self.tables() - self.known
        expected = {form for name in named if isinstance(name, str) for form in (name, name.replace(".", "_"))}
        strange = {
            table
            for table in new
            if not table.endswith(("dataops_pointer", "dataops_switch"))
            and not any(cut(table) in (cut(form), form[:63]) or alike(table, form) for form in expected)
        }
        assert not strange, (strange, named)
        self.known |= new


def cut(name: str) -> str:
    """Return a relation's name without its release's number."""
    return name.rpartition("__r")[0] or name


def alike(table: str, form: str) -> bool:
    """Return whether a table's name is one that was too long, shortened with a hash."""
    return len(form) > 40 and cut(table).rpartition("_")[0] in form


class Quiet:
    """Outlet events that nobody hears."""

    def __getitem__(self, alias: object) -> Quiet:
        return self

    def add(self, *asset: object, **extra: object) -> None:
        pass


@pytest.fixture(params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """Warehouse and store, both in SQLite files or both in PostgreSQL."""
    if request.param == "sqlite":
        files = {name: f"{tmp_path}/{name}.db" for name in ("warehouse", "dataops_default")}
        for name, file in files.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "sqlite", "host": file}))
        url, where = f"sqlite:///{files['dataops_default']}", files["warehouse"]
    else:
        where = request.getfixturevalue("postgres_url")
        database, _, socket = where.removeprefix("postgresql://postgres@/").partition("?host=")
        connection = {"conn_type": "postgres", "host": socket, "login": "postgres", "schema": database}
        for name in ("WAREHOUSE", "DATAOPS_DEFAULT"):
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
        url = where.replace("postgresql://", "postgresql+psycopg://")
    place = Place(Warehouse(request.param, where), Store.open(url, create=True))
    place.warehouse.run("CREATE TABLE canary AS SELECT 42 AS v")
    assert place.execute(StageReleaseOperator, dataset="nyc.flights", conn_id="warehouse", sql="SELECT 1 AS v") == (
        "nyc.flights@r1"
    )
    for number in (1, 2):
        if number == 2:
            place.execute(StageReleaseOperator, dataset="nyc.flights", conn_id="warehouse", sql="SELECT 2 AS v")
        place.execute(PromoteReleaseOperator, release=f"nyc.flights@r{number}", ungated="a test")
    place.execute(StageReleaseOperator, dataset="nyc.flights", conn_id="warehouse", sql="SELECT 3 AS v")
    place.known = place.tables()
    lake = {"type": "sql", "warehouse": f"file://{tmp_path}/lake"}
    elsewhere = {
        "FOLDER": {"conn_type": "fs", "extra": {"path": str(tmp_path / "folder")}},
        "LAKE": {"conn_type": "iceberg", "host": f"sqlite:///{tmp_path}/lake.db", "extra": lake},
    }
    for name, connection in elsewhere.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    (tmp_path / "folder").mkdir()
    (tmp_path / "beside").write_text("untouched")
    return place


def attack(place: Place, argument: str, value: Any) -> str:
    """Give a hostile value as one argument of one operator."""
    action, _, name = argument.partition(".")
    usual: dict[str, Any] = {
        "stage": {"dataset": "nyc.hostile", "conn_id": "warehouse", "sql": "SELECT 1 AS v"},
        "promote": {"release": "nyc.flights@r1", "ungated": "a test", "replace_newer": True},
        "rollback": {"dataset": "nyc.flights", "reason": "a test"},
        "folder": {"dataset": "nyc.hostile", "conn_id": "folder", "publisher": "files", "sql": "SELECT 1 AS v"},
        "lake": {"dataset": "nyc.hostile_lake", "conn_id": "lake", "publisher": "iceberg", "sql": "SELECT 1 AS v"},
        "canary": {"release": "nyc.flights@r3", "consumers": ["report"], "ungated": "a test"},
        "retire": {"dataset": "nyc.flights", "keep": 3},
    }[action]
    if name in ("relation", "path", "branch"):
        usual.pop("sql")
    if name == "target":
        usual["dataset"] = f"nyc.hostile_{next(place.runs)}"
    words = place.execute(KINDS[action], **(usual | {name: value}))
    place.unharmed(usual.get("dataset"), value)
    return words


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_hostile_values_are_refused_in_one_line_or_taken_as_they_are(
    place: Place, argument: str, tmp_path: Path
) -> None:
    # Some values for each argument, others for the next: every third, on a server every sixth.
    stride = 3 if place.warehouse.dialect == "sqlite" else 6
    some = slice(ARGUMENTS.index(argument) % stride, None, stride)
    for value in (*CORPUS[some], *NO_TEXT[some]):
        if argument in ("promote.requires", "canary.consumers") and isinstance(value, str):
            attack(place, argument, [value])
        attack(place, argument, value)
    # Nothing but what belongs there lies beside the folder and the lake.
    ours = {"folder", "beside", "lake", "lake.db", "warehouse.db", "dataops_default.db"}
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} <= ours
    assert (tmp_path / "beside").read_text() == "untouched"


def test_whatever_is_given_nothing_is_executed(place: Place) -> None:
    arguments = itertools.cycle(ARGUMENTS)

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(value=anything)
    @example(value="x'; DROP TABLE canary; --")
    def attacked(value: str) -> None:
        attack(place, next(arguments), value)

    attacked()


def test_a_reason_is_kept_as_it_was_written(place: Place) -> None:
    kept = [value for value in CORPUS if value and not re.search("[\x00\ud800-\udfff]", value)]
    for number, reason in enumerate(kept):
        release = f"nyc.flights@r{1 + number % 2}"
        assert place.execute(PromoteReleaseOperator, release=release, ungated="a test", reason=reason) == release
        events = place.store.releases.events(ReleaseName.parse(release))
        newest = [event for event in events if event["action"] == "promote"][-1]
        assert newest["reason"] == f"{reason}; without a gate: a test"
    place.unharmed()
