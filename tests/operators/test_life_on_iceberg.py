"""The life of a release on an Iceberg table, by DAG runs, the command line and the pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import Airflow
from warehouses import Bench, lake

GOOD = {"stage": "success", "gate": "success", "diff": "success", "promote": "success", "read": "success"}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Define the connection ``lake``, whose catalogue has the name that the tests give it."""
    made = lake(tmp_path / "lake")
    extra = {"type": "sql", "warehouse": f"file://{made.where}", "name": "lake"}
    connection = {"conn_type": "iceberg", "host": f"sqlite:///{made.where}/catalogue.db", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))
    return Bench(made)


def test_stage_judge_compare_promote_read_and_roll_back(airflow: Airflow, bench: Bench) -> None:
    for v in (1, 2):
        run = airflow.run("life_on_iceberg", day=v, sql=f"SELECT {v} AS v, 'a' AS name")
        assert run.tasks == GOOD
        assert run.xcom("read") == f"nyc.flights.tag_dataops_r{v}"
    assert bench.rows() == [(2, "a")]
    assert airflow.run("back_on_iceberg", day=3).state == "success"
    assert bench.rows() == [(1, "a")]
    assert airflow.states() == {"nyc.flights@r1": "LIVE", "nyc.flights@r2": "ROLLED_BACK"}


def test_a_branch_that_a_task_has_written_becomes_a_release(
    airflow: Airflow, bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    import pyarrow as pa

    assert airflow.run("life_on_iceberg", day=1, sql="SELECT 1 AS v, 'a' AS name").tasks == GOOD
    for v in (2, 99):
        table = bench.warehouse.table()
        table.manage_snapshots().create_branch(table.current_snapshot().snapshot_id, f"audit_{v}").commit()
        table.append(pa.table({"v": pa.array([v], pa.int32()), "name": ["b"]}), branch=f"audit_{v}")
        table.catalog.close()
    assert airflow.run("life_on_iceberg", day=2, branch="audit_2").tasks == GOOD
    assert airflow.run("life_on_iceberg", day=2, branch="audit_2").tasks["promote"] == "success"  # cleared
    assert bench.rows() == [(1, "a"), (2, "b")]
    bad = airflow.run("life_on_iceberg", day=3, branch="audit_99")
    assert (bad.tasks["gate"], bad.tasks["promote"]) == ("failed", "upstream_failed")
    assert bench.rows() == [(1, "a"), (2, "b")]
    capfd.readouterr()
    for conf, said in [
        (
            {"relation": "nyc.built"},
            "relation='nyc.built' is not what this dataset's publisher takes: expected branch=",
        ),
        ({"branch": "audit_7"}, "nyc.flights has no branch 'audit_7'"),
        ({"branch": "audit_2", "sql": "SELECT 1"}, "give either sql= (a SELECT to build) or branch="),
        (
            {"branch": "audit_2", "relation": "nyc.built"},
            "relation='nyc.built' is not what this dataset's publisher takes",
        ),
        ({"branch": "audit_2", "publisher": "view"}, "Connection 'lake' is an Iceberg catalogue"),
    ]:
        assert airflow.run("life_on_iceberg", day=4, **conf).tasks["stage"] == "failed"
        assert said in capfd.readouterr().out


def test_the_command_line_lists_compares_plans_promotes_cleans_and_hands_back(
    airflow: Airflow, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow as pa
    from airflow.cli.cli_parser import get_parser

    def run(line: str) -> str:
        capsys.readouterr()
        arguments = get_parser().parse_args(["dataops", "release", *line.split(" ")])
        arguments.func(arguments)
        return capsys.readouterr().out

    with bench.warehouse.catalogue() as catalogue:
        rows = pa.table({"v": pa.array([0], pa.int32()), "name": ["z"]})
        catalogue.begun(bench.reader, rows.schema).commit_transaction().append(rows)
    assert airflow.run("life_on_iceberg", day=1, sql="SELECT 1 AS v, 'a' AS name").tasks == GOOD
    assert "nyc.flights.tag_dataops_r1" in run("list --dataset nyc.flights --output json")
    assert "promote" in run("show nyc.flights@r1 --output json")
    assert "point nyc.flights" in run("rollback nyc.flights --to nyc.flights@r0 --reason bad --dry-run")
    run("rollback nyc.flights --to nyc.flights@r0 --reason bad")
    assert bench.rows() == [(0, "z")]
    compared = json.loads(run("diff nyc.flights@r1 --key v -o json"))
    assert (compared["base"], compared["rows"]) == (0, 1)
    assert "point nyc.flights" in run("promote nyc.flights@r1 --reason again --dry-run")
    run("promote nyc.flights@r1 --reason again")
    assert bench.rows() == [(1, "a")]
    assert "nothing is stranded" in run("clean nyc.flights")
    run("reconcile nyc.flights")
    run("rollback nyc.flights --to nyc.flights@r0 --reason bad")
    assert "is a plain table again" in run("unadopt nyc.flights --reason over")
    assert bench.rows() == [(0, "z")]
    assert bench.publisher.adoptable("nyc.flights")
