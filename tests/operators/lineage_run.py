"""A DAG run in a process of its own, in which Airflow's OpenLineage provider is configured by the environment."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path


def main() -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    bag = DagBag(str(Path(__file__).parent / "dags" / "telling_openlineage.py"), bundle_name="operators")
    assert not bag.import_errors, bag.import_errors
    for dag_id, conf in json.loads(sys.argv[1]):
        when = datetime.now(UTC)
        run = bag.dags[dag_id].test(run_conf=conf, logical_date=when, run_after=when)
        with create_session() as session:
            tasks = session.scalars(
                select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run.run_id)
            )
            print("STATES", json.dumps({ti.task_id: str(ti.state) for ti in tasks}), flush=True)


if __name__ == "__main__":
    main()
