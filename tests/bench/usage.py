"""What usage costs: a task's end, and each answer over a store that has grown for years."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from airflow_dataops.core.usage import Access
from airflow_dataops.services.usage import adopted_by, hit_by, is_still_used, who_reads
from airflow_dataops.stores.models import (
    ConsumerRow,
    CoverageRow,
    DatasetRow,
    ReleaseRow,
    UsageDayRow,
    UsageEventRow,
    UsageRow,
    UtcDateTime,
)
from airflow_dataops.stores.store import Store
from tests.bench.processes import environment
from tests.bench.suites import Report
from tests.bench.targets import Figure
from tests.bench.timing import interleaved, timed

DATASETS = 500
TASKS = 2_500
KEPT = 3
"""Releases of each dataset that are not retired."""
NOW = datetime.now(UTC)

# Each day each task reads the day's new release of one dataset and two tables, and writes one: no day adds up with
# another, which is the most that there can be to keep.
_PER_DAY = 4 * TASKS


# Airflow's api-server with our pages, asked by somebody who may see all; it is warm after the first time.
_PAGES = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi import FastAPI
from fastapi.testclient import TestClient
from airflow_dataops.ui.access import Reader, reader
from airflow_dataops.ui.usage import usage
app = FastAPI()
app.include_router(usage)
admin = Reader(user=SimpleAuthManagerUser(username="admin", role="admin"), dag_ids=None)
app.dependency_overrides[reader] = lambda: admin
client, runs = TestClient(app), int(sys.argv[1])
for path in sys.argv[2:]:
    taken = []
    for run in range(runs + 1):
        began = time.perf_counter()
        answer = client.get(path)
        taken.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    print(json.dumps(taken[1:]))
"""


def answers(url: str, where: str, *, home: Path, events: int, runs: int) -> Report:
    """Measure every answer and every page over a store with so many events.

    :param url: of an empty database.
    :param where: what it is, for the table.
    :param home: an empty folder for Airflow.
    """
    store = Store(url)
    store.upgrade()
    _fill(store, days=max(1, events // _PER_DAY))
    asked: dict[str, Callable[[], object]] = {
        "who reads anything": lambda: who_reads(store),
        "who reads a dataset": lambda: who_reads(store, "d0"),
        "who reads its releases": lambda: store.usage.readers("d0"),
        "blast radius": lambda: hit_by(store, "d0", NOW),
        "unused datasets, releases and columns": lambda: is_still_used(store, NOW),
        "adoption": lambda: adopted_by(store, "d0"),
    }
    taken = interleaved(runs, {name: timed(ask) for name, ask in asked.items()})
    taken |= _pages(url, home, runs=runs)
    return Report(
        figures=[
            Figure(key="usage/answer", case=f"{where}, {events:,} events", what=name, value=1e3 * took, unit="ms")
            for name, took in taken.items()
        ]
    )


def _pages(url: str, home: Path, *, runs: int) -> dict[str, float]:
    parts = sa.make_url(url)
    place = {"conn_type": "sqlite", "host": parts.database}
    if parts.get_backend_name() != "sqlite":
        place = {
            "conn_type": "postgres",
            "host": parts.query["host"],
            "schema": parts.database,
            "login": parts.username,
        }
    pages = {
        "page: the graph": "/usage/graph.json",
        "page: datasets and tables": "/usage/datasets",
        "page: unused": "/usage/unused",
        "page: coverage": "/usage/coverage",
        "page: one dataset": "/usage/of?name=d0",
    }
    run = subprocess.run(
        [sys.executable, "-c", _PAGES, str(runs), *pages.values()],
        env=environment(AIRFLOW_HOME=str(home), AIRFLOW_CONN_DATAOPS_DEFAULT=json.dumps(place)),
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise SystemExit(f"The pages of the bench failed:\n{run.stderr[-2000:]}")
    told = [line for line in run.stdout.splitlines() if line.startswith("[") and line.endswith("]")]
    return {name: statistics.median(json.loads(line)) for name, line in zip(pages, told[-len(pages) :], strict=True)}


def _fill(store: Store, *, days: int) -> None:
    """Make what so many days of tasks leave behind."""
    day = sa.Table(
        "bench_day",
        sa.MetaData(),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("day", sa.Date),
        sa.Column("at", UtcDateTime),
        sa.Column("columns", sa.JSON),
        sa.Column("none", sa.JSON),
    )
    columns = [{"name": f"c{n}", "type": "integer"} for n in range(10)]
    times = [NOW - timedelta(days=days - n) for n in range(days)]
    rows = [{"n": n, "day": at.date(), "at": at, "columns": columns, "none": []} for n, at in enumerate(times)]
    with store.engine.begin() as db:
        day.create(db)
        db.execute(day.insert(), rows)
        bound = {"conn_id": "w", "publisher": "view", "created_at": times[0]}
        names = [f"d{n}" for n in range(DATASETS)]
        db.execute(
            sa.insert(DatasetRow), [{"name": d, "target": d, "reader": d, "reader_key": d, **bound} for d in names]
        )
        db.execute(sa.insert(ConsumerRow), [{"name": f"dag{n // 5}.task{n}"} for n in range(TASKS)])
        db.execute(sa.insert(UsageRow), list(_usages(days, times)))
        _cross(
            db,
            ReleaseRow,
            day.join(DatasetRow.__table__, sa.true()),
            dataset_id=DatasetRow.id,
            number=day.c.n,
            relation=DatasetRow.name + "__r" + sa.cast(day.c.n, sa.String),
            state=sa.case((day.c.n == days - 1, "LIVE"), (day.c.n >= days - KEPT, "SUPERSEDED"), else_="RETIRED"),
            columns=day.c.columns,
            sources=day.c.none,
            gates=day.c.none,
            op_id=DatasetRow.name + "/" + sa.cast(day.c.n, sa.String),
            created_at=day.c.at,
            map_index=sa.literal(-1),
            try_number=sa.literal(1),
        )
        each = day.join(UsageRow.__table__, sa.true())
        read = sa.case((UsageRow.dataset.is_not(None), day.c.n))
        _cross(
            db,
            UsageDayRow,
            each,
            usage_id=UsageRow.id,
            release=sa.func.coalesce(read, -1),
            day=day.c.day,
            events=sa.literal(1),
            first_at=day.c.at,
            last_at=day.c.at,
        )
        _cross(
            db,
            UsageEventRow,
            each,
            usage_id=UsageRow.id,
            release=read,
            at=day.c.at,
            dag_id=UsageRow.dag_id,
            run_id=sa.cast(day.c.day, sa.String),
            task_id=sa.literal("task"),
            map_index=sa.literal(-1),
            try_number=sa.literal(1),
        )
        counts = {"statements": 5, "unparsed": 0, "dropped": 0, "lost": 0}
        _cross(
            db,
            CoverageRow,
            day.join(ConsumerRow.__table__, sa.true()),
            consumer_id=ConsumerRow.id,
            day=day.c.day,
            **{name: sa.literal(count) for name, count in counts.items()},
        )
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.exec_driver_sql("ANALYZE")


def _cross(db: sa.Connection, table: type, source: sa.FromClause, **columns: object) -> None:
    """Insert a row for each of ``source``."""
    db.execute(sa.insert(table).from_select(list(columns), sa.select(*columns.values()).select_from(source)))


def _usages(days: int, times: list[datetime]) -> Iterator[dict[str, object]]:
    """Yield what each task reads and writes: a tree, in which all stands behind the first tables."""
    for task in range(TASKS):
        dataset = f"d{task % DATASETS}"
        uses = (
            (dataset, f"{dataset}__r{days - 1}", Access.READ),
            (None, f"t{task // 2}", Access.READ),
            (None, f"t{task // 3}", Access.READ),
            (None, f"t{task}", Access.WRITE),
        )
        for number, (of, relation, access) in enumerate(uses):
            yield {
                "key": f"{task}/{number}",
                "consumer_id": task + 1,
                "dag_id": f"dag{task // 5}",
                "dataset": of,
                "release": days - 1 if of else None,
                "relation": relation,
                "conn_id": "w",
                "access": access,
                "source": "sql",
                "columns": ["c1", "c2"],
                "events": days,
                "first_at": times[0],
                "last_at": times[-1],
            }


# A scheduler that has loaded what its tasks need, and its tasks, each a fork of it; or one that has not.
_TASKS = """
import hashlib, json, os, sqlite3, sys, time, uuid, warnings
warnings.simplefilter("ignore")
from types import SimpleNamespace
import airflow.sdk.execution_time.task_runner
from airflow.sdk import BaseHook
from airflow.sdk.listener import get_listener_manager
from airflow.sdk.lineage import get_hook_lineage_collector
from airflow_dataops.listeners import reads
prepared, runs = sys.argv[1] == "prepared", int(sys.argv[2])
NOW = "2026-01-01 00:00:00.000000"
if prepared:
    reads.load()

def task(statements, number):
    get_listener_manager()  # as Airflow does before it runs a task
    hook = BaseHook.get_hook("bench")  # it has looked its connection up before the task ends
    instance = SimpleNamespace(
        id=uuid.uuid4(), dag_id="bench", run_id=str(number), task_id="task", map_index=-1, try_number=1, task=None
    )
    began = time.perf_counter()
    reads.on_task_instance_running(None, instance)
    took = time.perf_counter() - began
    texts = [
        f"INSERT INTO mart{n} SELECT o.id, sum(o.amount) FROM orders{n} o JOIN days d USING (day) GROUP BY o.id"
        for n in range(statements)
    ]
    for text in texts:
        get_hook_lineage_collector().add_extra(context=hook, key="sql_job", value={"sql": text})
    began = time.perf_counter()
    reads.on_task_instance_success(None, instance)
    took += time.perf_counter() - began
    from airflow_dataops.lineage.sql import lineage_of
    began = time.perf_counter()
    lineage_of([(text, "sqlite") for text in texts])
    return took, time.perf_counter() - began

def by_hand(number):
    began = time.perf_counter()
    db = sqlite3.connect(f"file:{sys.argv[3]}?mode=rw", uri=True, timeout=2, isolation_level=None)
    db.execute("PRAGMA journal_mode")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("SELECT version_num FROM dataops_alembic_version").fetchone()
    db.execute("BEGIN IMMEDIATE")
    names = [f"{name}{n}" for n in range(5) for name in ("by_hand", "orders")] + ["days"]
    marks = ", ".join("?" * len(names))
    db.execute(f"SELECT name FROM dataops_dataset WHERE reader_key IN ({marks}) OR name IN ({marks})", names * 2)
    db.execute(f"SELECT relation FROM dataops_release WHERE relation IN ({marks})", names).fetchall()
    db.execute("SELECT id FROM dataops_usage_event WHERE dag_id = 'hand' AND run_id = ?", (number,)).fetchall()
    db.execute("INSERT INTO dataops_consumer (name) VALUES ('hand.task') ON CONFLICT DO NOTHING")
    (consumer,) = db.execute("SELECT id FROM dataops_consumer WHERE name = 'hand.task'").fetchone()
    keys = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    db.executemany(
        "INSERT INTO dataops_usage (key, consumer_id, dag_id, relation, access, source, events, first_at, last_at)"
        " VALUES (?, ?, 'hand', ?, 'read', 'sql', 1, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET events = events + 1, last_at = excluded.last_at",
        [(key, consumer, name, NOW, NOW) for key, name in zip(keys, names)],
    )
    ids = [found for found, in db.execute(f"SELECT id FROM dataops_usage WHERE key IN ({marks})", keys)]
    db.executemany(
        "INSERT INTO dataops_usage_day (usage_id, release, day, events, first_at, last_at)"
        " VALUES (?, -1, '2026-01-01', 1, ?, ?) ON CONFLICT DO UPDATE SET events = events + 1",
        [(found, NOW, NOW) for found in ids],
    )
    db.executemany(
        "INSERT INTO dataops_usage_event (usage_id, at, dag_id, run_id, task_id, map_index, try_number)"
        " VALUES (?, ?, 'hand', ?, 'task', -1, 1)",
        [(found, NOW, number) for found in ids],
    )
    db.execute(
        "INSERT INTO dataops_usage_coverage (consumer_id, day, statements, unparsed, dropped, lost)"
        " VALUES (?, '2026-01-01', 5, 0, 0, 0) ON CONFLICT DO UPDATE SET statements = statements + 5",
        (consumer,),
    )
    db.execute("COMMIT")
    db.close()
    return time.perf_counter() - began

def forked(work, *given):
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.write(theirs, json.dumps(work(*given)).encode())
        os._exit(0)
    os.wait()
    return json.loads(os.read(ours, 1000))

found = {n: [forked(task, n, f"{prepared}/{n}/{run}") for run in range(runs)] for n in (0, 5)}
print(json.dumps(found | {"hand": [forked(by_hand, f"{prepared}/{run}") for run in range(runs)]}))
"""


def tasks(folder: Path, *, runs: int) -> Report:
    """Measure what the listener adds to a task: one that uses nothing, and one that runs five statements."""
    folder.mkdir()
    store = folder / "store.db"
    Store(f"sqlite:///{store}").upgrade()
    given = environment(
        AIRFLOW_HOME=str(folder),
        _AIRFLOW_PROCESS_CONTEXT="client",  # what a task is
        AIRFLOW_CONN_BENCH=json.dumps({"conn_type": "sqlite", "host": str(folder / "warehouse.db")}),
        AIRFLOW_CONN_DATAOPS_DEFAULT=json.dumps({"conn_type": "sqlite", "host": str(store)}),
    )
    figures = []
    for how, told in (("prepared", "a fork of a scheduler"), ("bare", "a process that has loaded nothing")):
        command = [sys.executable, "-c", _TASKS, how, str(runs), str(store)]
        run = subprocess.run(command, env=given, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"The tasks of the bench failed:\n{run.stderr[-2000:]}")
        taken = json.loads(run.stdout.splitlines()[-1])
        hand = statistics.median(taken.pop("hand"))
        whole = {n: statistics.median(took for took, _ in each) for n, each in taken.items()}
        read = statistics.median(reading for _, reading in taken["5"])
        found = {
            "nothing": ("a task that uses nothing", whole["0"]),
            "storing": ("5 statements, outside reading them", whole["5"] - read),
            "whole": ("5 statements in all", whole["5"]),
            "hand": ("hand-written: their transaction by sqlite3 alone", hand),
        }
        figures += [
            Figure(key=f"usage/{how}-{key}", case=f"a task's end, {told}", what=what, value=1e3 * took, unit="ms")
            for key, (what, took) in found.items()
        ]
    return Report(figures=figures)
