"""One dataset's tasks, as a DAG would run them: what the services' tests tell."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from airflow_dataops.core.checks import Check, Suite
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.releases import Dataset, GateRef, Operation, Release, ReleaseName, TaskKey, op_id
from airflow_dataops.services.gating import Judged, run_gate
from airflow_dataops.services.judging import judge
from airflow_dataops.services.releasing import Outcome, Target, promote, rollback, stage

NOW = datetime(2013, 2, 1, tzinfo=UTC)
GATE = GateRef(dag_id="flights", task_id="gate")
SUITE = Suite(name="flights", checks=(Check(kind="expect_column_values_to_not_be_null", kwargs={"column": "v"}),))


class Story:
    """One dataset's tasks, as a DAG would run them."""

    def __init__(self, target: Target, name: str = "nyc.flights") -> None:
        self.target = target
        self.name = name
        self.store = target.store
        self._ticks = itertools.count(1)

    def op(self, task: str, run: str, *parts: object, reason: str | None = None) -> Operation:
        key = TaskKey(dag_id="flights", run_id=run, task_id=task, try_number=1)
        now = NOW + timedelta(seconds=next(self._ticks))
        return Operation(
            op_id=op_id(run, task, self.name, *parts), by=f"flights.{task}", now=now, key=key, reason=reason
        )

    def stage(self, run: str, sql: str = "SELECT 1 AS v", **more: object) -> Release:
        if "relation" not in more:
            more["sql"] = sql
        return stage(self.target, self.name, self.op("stage", run), **more)

    @property
    def dataset(self) -> Dataset:
        return self.store.releases.dataset(self.name)

    def gate(self, release: Release, run: str = "r", task: str = "gate", on_fail: str = "fail") -> str:
        def measure(suite: Suite, **options: object):
            with self.target.connector.open(read_only=True) as db:
                return judge(db, release.relation, suite, fingerprint=True)

        judged = Judged(
            label=str(release.relation),
            judge=measure,
            neighbours=lambda conn_id: self.target.connector.open(read_only=True),
            release=release.name,
        )
        op = self.op(task, run)
        found = run_gate(self.store, SUITE, judged, key=op.key, by=op.by, now=op.now, on_fail=on_fail)
        return str(found.result.verdict)

    def promote(self, release: Release | ReleaseName, run: str = "r", **more: object) -> Outcome:
        name = release.name if isinstance(release, Release) else release
        reason = more.pop("reason", None)
        more.setdefault("required", [GATE])
        return promote(self.target, name, self.op("promote", run, name, reason=reason), **more)

    def rollback(self, run: str = "r", to: ReleaseName | None = None) -> Outcome:
        return rollback(self.target, self.name, self.op("rollback", run, reason="bad"), to=to)

    def live(self, run: str, sql: str = "SELECT 1 AS v") -> Release:
        """Stage, gate and promote."""
        release = self.stage(run, sql)
        self.gate(release, run)
        return self.promote(release, run).release

    def sql(self, relation: Relation) -> str:
        """Return a relation quoted as the target has it."""
        return self.target.connector.sql(relation)

    def rows(self) -> list[tuple[object, ...]]:
        """Return what readers get."""
        return self.rows_of(self.target.publisher.reader(self.name))

    def rows_of(self, relation: Relation) -> list[tuple[object, ...]]:
        with self.target.connector.open(read_only=True) as db:
            return sorted(db.execute(f"SELECT * FROM {self.sql(relation)}"))

    def states(self) -> dict[str, str]:
        return {str(r): str(r.state) for r in self.store.releases.of(self.name)}
