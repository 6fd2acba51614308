"""The life of a release that is a folder of files; what it does comes from the run's conf."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    DiffReleaseOperator,
    PromoteReleaseOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)


@task
def tamper(release: str) -> None:
    """Change the candidate behind the gate's back, its size and time left as they were."""
    from airflow.sdk import get_current_context

    from airflow_dataops.core.releases import ReleaseName
    from airflow_dataops.hooks.store import open_store

    if "tamper" not in get_current_context()["dag_run"].conf:
        return
    import os
    from pathlib import Path

    (file,) = Path(str(open_store().releases.get(ReleaseName.parse(release)).relation)).glob("*.parquet")
    before, content = file.stat(), bytearray(file.read_bytes())
    content[-9] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@task
def after(path: str) -> int:
    """Read as people do: pandas, and the path that ``ref`` gives."""
    import pandas as pd

    return int(pd.read_parquet(path)["v"].sum())


with DAG("life_by_files", render_template_as_native_obj=True):
    stage = StageReleaseOperator(
        task_id="stage",
        dataset="nyc.flights",
        conn_id="{{ dag_run.conf.get('conn_id', 'lake') }}",
        sql="{{ dag_run.conf.get('sql') }}",
        path="{{ dag_run.conf.get('path') }}",
        relation="{{ dag_run.conf.get('relation') }}",
        replace_where="{{ dag_run.conf.get('replace_where') }}",
        target="{{ dag_run.conf.get('target') }}",
        publisher="{{ dag_run.conf.get('publisher', 'files') }}",
    )
    gate = GateOperator(task_id="gate", release=stage.output, suite="suites/life.yaml")
    diff = DiffReleaseOperator(task_id="diff", release=stage.output)
    promote = PromoteReleaseOperator(task_id="promote", release=stage.output)
    stage >> gate >> diff >> tamper(stage.output) >> promote >> after("{{ macros.dataops.ref('nyc.flights') }}")

with DAG("back_by_files"):
    RollbackReleaseOperator(task_id="roll_back", dataset="nyc.flights", reason="bad upstream")
