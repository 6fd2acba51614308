"""Stores with usage: the demo's story with readers of all sorts, and a company's lineage of five hundred nodes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from airflow_dataops.core.releases import Dataset, TaskKey
from airflow_dataops.core.usage import Access, Coverage, Observed, Use
from airflow_dataops.stores.store import Store
from tests.ui import seed

NOW = datetime.now(UTC).replace(microsecond=0)
AREAS = ("sales", "web", "crm", "finance", "logistics", "hr", "product", "support", "ads", "risk")
THINGS = ("orders", "customers", "events", "invoices", "shipments", "sessions", "returns", "prices", "tickets",
          "campaigns", "payments")  # fmt: skip


def use(
    consumer: str,
    relation: str,
    *,
    at: datetime,
    access: Access = Access.READ,
    source: str = "sql",
    columns: tuple[str, ...] | None = None,
    dataset: str | None = None,
    release: int | None = None,
    outside: bool = False,
) -> Use:
    """Return one use by the task ``dag.task``, or by somebody outside of Airflow."""
    dag_id, _, task_id = consumer.rpartition(".")
    key = TaskKey() if outside else TaskKey(dag_id=dag_id, task_id=task_id, run_id=f"r {at}")
    return Use(
        relation=relation,
        consumer=consumer,
        source=source,
        at=at,
        key=key,
        access=access,
        columns=columns,
        dataset=dataset,
        release=release,
    )


def flights(store: Store) -> dict[str, int]:
    """Tell the demo's story, and who reads the flights: one of each sort; return the gate runs' numbers."""
    runs = seed.story(store)
    day, name = timedelta(days=1), "nyc.flights"
    reads = [
        use("nyc_delay_report.report", name, at=NOW - day * n, source="ref", columns=("dep_delay", "origin"),
            dataset=name, release=3)
        for n in range(5)
    ]  # fmt: skip
    reads += [
        use("nyc_routes.build", name, at=NOW - 3 * day, columns=("origin", "dest"), dataset=name, release=1),
        use("nyc_routes.build", "nyc.routes", at=NOW - 3 * day, access=Access.WRITE),
        use("route_map.draw", "nyc.routes", at=NOW - 2 * day),
        use("tableau", name, at=NOW - 40 * day, columns=("carrier",), dataset=name, release=3, outside=True),
        use("flights_release.stage", "raw.flights", at=NOW - day, columns=("*",)),
        use("flights_release.stage", "nyc.flights__r3", at=NOW - day, access=Access.WRITE, dataset=name, release=3,
            source="ref"),
        use("old_export.dump", "nyc.flights_2013", at=NOW - day, access=Access.WRITE),
    ]  # fmt: skip
    store.usage.add(*reads)
    watch(store, ("nyc_delay_report.report", 40, 0), ("nyc_routes.build", 12, 3), ("old_export.dump", 5, 5))
    return runs


def watch(store: Store, *counts: tuple[str, int, int]) -> None:
    """Record how many statements of each consumer were seen, and how many not parsed."""
    for consumer, statements, unparsed in counts:
        known = Coverage(statements=statements, unparsed=unparsed)
        store.usage.record(Observed(consumer=consumer, at=NOW, uses=(), coverage=known))


def company(store: Store) -> int:
    """Fill the store with the lineage of a company, and return its number of nodes by DAG: 500."""
    raw = [f"raw.{area}_{thing}" for area in AREAS for thing in THINGS]
    staging = [f"staging.{table.removeprefix('raw.')}" for table in raw[:80]]
    core = [f"core.{area}_{thing}" for area in AREAS for thing in THINGS[:4]]
    marts = [f"mart.{area}_{what}" for area in AREAS for what in ("daily", "weekly", "kpis", "funnel", "forecast")]
    uses = [each for n, table in enumerate(staging) for each in _job("load", table, (raw[n], raw[n + 30]))]
    uses += [each for n, name in enumerate(core) for each in _job("build", name, staging[2 * n : 2 * n + 3], n)]
    uses += [each for n, table in enumerate(marts) for each in _job("mart", table, core[4 * (n // 5) : n // 5 * 4 + 3])]
    for number in range(30):
        uses += [use(f"report_{number:02}.send", table, at=NOW - timedelta(hours=number))
                 for table in marts[number : number + 1 + number % 4]]  # fmt: skip
    for number in range(20):
        uses.append(use(f"dashboard {AREAS[number % 10]} {number // 10 + 1}", marts[number * 2],
                        at=NOW - timedelta(days=3 * number), outside=True))  # fmt: skip
    for number, name in enumerate(core):
        _live(store, name, number)
    store.usage.add(*(each if each.relation not in core else _of_dataset(each) for each in uses))
    return len(raw) + 2 * len(staging) + 2 * len(core) + 2 * len(marts) + 30 + 20


def _job(verb: str, table: str, reads: Sequence[str], number: int = 0) -> list[Use]:
    at, consumer = NOW - timedelta(hours=3 + number), f"{verb}_{table.replace('.', '_')}.run"
    return [use(consumer, each, at=at) for each in reads] + [use(consumer, table, at=at, access=Access.WRITE)]


def _of_dataset(found: Use) -> Use:
    return Use(**{**vars(found), "dataset": found.relation, "release": 1})


def _live(store: Store, name: str, number: int) -> None:
    dataset = Dataset(name=name, conn_id="warehouse", publisher="view", target=name, reader=name)
    at = NOW - timedelta(hours=number)
    release = seed.staged(store, dataset, at, f"r{number}", "f", dag_id=f"build_{name.replace('.', '_')}")
    result = seed.bad(1) if number % 13 == 5 else seed.good(9, number=1, mean=10.8 if number % 7 == 3 else 8)
    seed.gated(store, result, at, seed.key("gate", f"r{number}", dag_id=release.key.dag_id or ""), release.name)
    seed.switched(store, release, at, f"r{number}", epoch=1)
