"""DAG runs in this process, and what came of them."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_dataops.hooks.spool import FOLDER
from airflow_dataops.stores.store import Store

_DAYS = itertools.cycle(range(1, 29))


@dataclass
class Run:
    """A DAG run that has ended."""

    state: str
    run_id: str
    tasks: dict[str, str]
    tries: dict[str, int]
    xcom: Callable[..., Any]


@dataclass
class Airflow:
    """Runs DAGs with ``dag.test()`` against one warehouse file and one store."""

    dags: dict[str, Any]
    warehouse: Path
    store: Store

    def __post_init__(self) -> None:
        """Forget what a test has left on this host while its store was away: the next task would store it."""
        from airflow.configuration import AIRFLOW_HOME

        shutil.rmtree(Path(AIRFLOW_HOME) / FOLDER, ignore_errors=True)

    def run(self, dag_id: str, day: int | None = None, **conf: Any) -> Run:
        """Run once; the same ``day`` again is the same DAG run, cleared."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        when = datetime(2013, 1, day or next(_DAYS), tzinfo=UTC)
        found = self.dags[dag_id].test(run_conf=conf, logical_date=when, run_after=when)
        with create_session() as session:
            tis = session.scalars(
                select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == found.run_id)
            ).all()
            names = {ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]": ti for ti in tis}
            states = {name: str(ti.state) for name, ti in names.items()}
            tries = {name: ti.try_number for name, ti in names.items()}

        def xcom(task_id: str, key: str = "return_value") -> Any:
            with create_session() as session:
                row = session.scalars(
                    select(XComModel).where(
                        XComModel.dag_id == dag_id,
                        XComModel.run_id == found.run_id,
                        XComModel.task_id == task_id,
                        XComModel.key == key,
                    )
                ).first()
                return row and row.value

        return Run(str(found.state), found.run_id, states, tries, xcom)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in the warehouse; return the last one's rows."""
        rows: list[tuple[Any, ...]] = []
        connection = sqlite3.connect(self.warehouse)
        with connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        connection.close()
        return rows

    def states(self) -> dict[str, str]:
        return {str(r): str(r.state) for r in self.store.releases.of()}
