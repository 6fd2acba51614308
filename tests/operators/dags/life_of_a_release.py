"""DAGs for the operators' tests; what they do comes from the run's conf."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    PromoteReleaseOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)
from airflow_dataops.sensors.release import ReleaseSensor

RETRIED = {"retries": 1, "retry_delay": timedelta(0)}
CRITICAL = [{"type": "expect_column_values_to_be_between", "column": "v", "max_value": 10}]


@task(trigger_rule="all_done")
def always() -> None:
    """A leaf that runs whatever happened: its success makes the DAG run green."""


@task
def after(relation: str = "") -> str:
    return relation


def stage() -> StageReleaseOperator:
    return StageReleaseOperator(
        task_id="stage", dataset="nyc.flights", conn_id="warehouse", sql="{{ dag_run.conf['sql'] }}"
    )


with DAG("life", default_args=RETRIED):
    staged = stage()
    gate = GateOperator(
        task_id="gate", release=staged.output, suite="suites/{{ dag_run.conf.get('suite', 'life') }}.yaml"
    )
    promote = PromoteReleaseOperator(task_id="promote", release=staged.output)
    staged >> gate >> promote >> after("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("ungated"):
    staged = stage()
    staged >> PromoteReleaseOperator(task_id="promote", release=staged.output)

with DAG("requires"):
    staged = stage()
    staged >> PromoteReleaseOperator(task_id="promote", release=staged.output, requires=["life.gate"])

with DAG("tampered"):
    staged = stage()
    gate = GateOperator(task_id="gate", release=staged.output, suite=CRITICAL)

    @task
    def tamper(release: str) -> None:
        """Change the candidate behind the gate's back, as a forgotten script would."""
        import os
        import sqlite3

        with sqlite3.connect(os.environ["WAREHOUSE_FILE"]) as db:
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f'DROP TRIGGER "{name}"')
            db.execute(f"UPDATE nyc_flights__{release.rpartition('@')[2]} SET v = v + 1")

    staged >> gate >> tamper(staged.output) >> PromoteReleaseOperator(task_id="promote", release=staged.output)

for mode in ("fail", "skip", "shadow"):
    with DAG(f"in_place_{mode}", default_args=RETRIED):
        gate = GateOperator(
            task_id="gate",
            table="{{ dag_run.conf.get('table', 'landed') }}",
            conn_id="{{ dag_run.conf.get('conn_id', 'warehouse') }}",
            suite=CRITICAL,
            on_fail=mode,
        )
        gate >> after() >> always()

with DAG("in_place_block"):
    gate = GateOperator(task_id="gate", table="landed", conn_id="warehouse", suite=CRITICAL, block=["blocked"])
    gate >> [after.override(task_id="blocked")(), after.override(task_id="free")()]

with DAG("block_a_stranger"):
    GateOperator(task_id="gate", table="landed", conn_id="warehouse", suite=CRITICAL, block=["nobody"])

for empty in ("fail", "warn", "pass"):
    with DAG(f"on_empty_{empty}"):
        (
            GateOperator(
                task_id="gate",
                query="SELECT v FROM landed WHERE v < 0",
                conn_id="warehouse",
                suite=CRITICAL,
                on_empty=empty,
            )
            >> after()
        )

with DAG("refused_regex", default_args=RETRIED):
    (
        GateOperator(
            task_id="gate",
            path="{{ dag_run.conf['path'] }}",
            suite=[{"type": "expect_column_values_to_match_regex", "column": "name", "regex": "(?={{ not jinja)"}],
        )
        >> after()
    )

with DAG("mapped"):
    staged = StageReleaseOperator.partial(task_id="stage", conn_id="warehouse", sql="SELECT 1 AS v").expand(
        dataset=["nyc.flights", "nyc.weather"]
    )
    gate = GateOperator.partial(task_id="gate", suite=CRITICAL).expand(release=staged.output)
    promote = PromoteReleaseOperator.partial(task_id="promote").expand(release=staged.output)
    staged >> gate >> promote

with DAG("mapped_wrongly"):
    staged = StageReleaseOperator.partial(task_id="stage", conn_id="warehouse", sql="SELECT 1 AS v").expand(
        dataset=["nyc.flights", "nyc.weather"]
    )
    staged >> GateOperator(task_id="gate", suite=CRITICAL, release=staged.output)

with DAG("mapped_skip"):
    gate = GateOperator.partial(task_id="gate", conn_id="warehouse", suite=CRITICAL, on_fail="skip").expand(
        table=["landed"]
    )
    gate >> after()

with DAG("mapped_inline"):
    BRACES = [{"type": "expect_column_values_to_not_match_regex", "column": "name", "regex": "{{ ds }}"}]
    GateOperator.partial(task_id="gate", conn_id="warehouse", suite=BRACES).expand(table=["landed"])

with DAG("block_a_text"):
    GateOperator(task_id="gate", table="landed", conn_id="warehouse", suite=CRITICAL, block="after") >> after()

with DAG("lost_news", default_args=RETRIED):
    staged = stage()
    gate = GateOperator(task_id="gate", release=staged.output, suite=CRITICAL)

    def die_once(context: Any, result: Any) -> None:
        """Fail after the switch, before Airflow has recorded the success."""
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker is gone")

    staged >> gate >> PromoteReleaseOperator(task_id="promote", release=staged.output, post_execute=die_once)

with DAG("roll_back"):
    RollbackReleaseOperator(task_id="rollback", dataset="nyc.flights", reason="{{ dag_run.conf['reason'] }}")

with DAG("wait"):
    wait = ReleaseSensor(task_id="wait", dataset="nyc.flights", poke_interval=0.1, timeout=1)
    wait >> after("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("wait_deferred"):
    wait = ReleaseSensor(task_id="wait", dataset="nyc.flights", deferrable=True, poke_interval=0.1, timeout=60)
    wait >> after("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("read"):
    after("{{ macros.dataops.ref(dag_run.conf['name']) }}")

with DAG("reads_by_sql"):

    @task
    def query(sql: str) -> list[list[object]]:
        """Read as a task does that knows nothing of this package: through Airflow's own hook."""
        from airflow.providers.sqlite.hooks.sqlite import SqliteHook

        return [list(row) for row in SqliteHook("warehouse").get_records(sql)]

    query("{{ dag_run.conf['sql'] }}")

with DAG("waits_for_asset", schedule=[Asset("nyc.flights") | Asset("nyc.weather")]):
    after("nothing that Airflow hears of") >> after.override(task_id="last")("either")

with DAG("taskflow"):

    @task.gate(suite=CRITICAL)
    def frame(value: str) -> object:
        import pandas as pd

        return pd.DataFrame({"v": [int(value)]})

    @task
    def total(data: object) -> int:
        return int(data["v"].sum())

    total(frame("{{ dag_run.conf['value'] }}"))

with DAG("taskflow_block"):

    @task
    def size(data: object) -> int:
        return len(data)

    gated = frame.override(block=["blocked"])("{{ dag_run.conf['value'] }}")
    size.override(task_id="free")(gated)
    size.override(task_id="blocked")(gated)

with DAG("files"):
    GateOperator(task_id="gate", path="{{ dag_run.conf['path'] }}", suite=CRITICAL) >> after()
