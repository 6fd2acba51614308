"""The graph of who reads and writes what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_dataops.core.graph import Flow, Kind, Live, Node, graph
from airflow_dataops.core.usage import Access, Usage
from airflow_dataops.core.verdicts import Verdict

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def used(consumer: str, name: str, *, write: bool = False, dag: bool = True, **more: Any) -> Usage:
    values: dict[str, Any] = {"source": "sql", "events": 1, "first_at": NOW, "last_at": NOW} | more
    return Usage(
        consumer=consumer,
        dag_id=consumer.partition(".")[0] if dag else None,
        relation=name,
        access=Access.WRITE if write else Access.READ,
        **values,
    )


STORY = (
    used("load.run", "raw.orders"),
    used("load.run", "sales.orders__r2", write=True, dataset="sales.orders"),
    used("report.mail", "sales.orders__r2", dataset="sales.orders", events=3),
    used("report.chart", "sales.orders__r1", dataset="sales.orders", events=2, last_at=NOW + HOUR),
    used("tableau", "sales.orders", dataset="sales.orders", dag=False),
)


def test_data_flows_from_what_is_read_through_its_readers_to_what_they_write() -> None:
    live = Live(number=2, since=NOW, verdict=Verdict.WARN, judged_at=NOW)
    found = graph(STORY, {"sales.orders": live, "sales.unread": None})
    assert found.nodes == (
        Node(name="sales.orders", kind=Kind.DATASET, live=live),
        Node(name="sales.unread", kind=Kind.DATASET),
        Node(name="raw.orders", kind=Kind.TABLE),
        Node(name="load", kind=Kind.DAG, dag_id="load"),
        Node(name="report", kind=Kind.DAG, dag_id="report"),
        Node(name="tableau", kind=Kind.OUTSIDE),
    )
    names = [node.name for node in found.nodes]
    assert {(names[flow.source], names[flow.target], flow.events) for flow in found.flows} == {
        ("raw.orders", "load", 1),
        ("load", "sales.orders", 1),
        ("sales.orders", "report", 5),
        ("sales.orders", "tableau", 1),
    }
    assert Flow(source=0, target=4, events=5, last_at=NOW + HOUR) in found.flows


def test_each_task_can_be_a_node_of_its_own() -> None:
    found = graph(STORY, {}, by_task=True)
    tasks = [(node.name, node.dag_id) for node in found.nodes if node.kind is Kind.TASK]
    assert tasks == [("load.run", "load"), ("report.chart", "report"), ("report.mail", "report")]


def test_as_json_it_says_nothing_of_what_is_not_there() -> None:
    live = Live(number=2, since=NOW)
    assert graph(STORY[:1], {"a.b": live, "c.d": None}).to_dict() == {
        "nodes": [
            {"name": "a.b", "kind": "dataset", "live": 2, "since": "2026-05-01T00:00:00+00:00"},
            {"name": "c.d", "kind": "dataset"},
            {"name": "raw.orders", "kind": "table"},
            {"name": "load", "kind": "DAG", "dag": "load"},
        ],
        "flows": [[2, 3, 1, "2026-05-01T00:00:00+00:00"]],
    }


def test_nothing_is_a_graph_without_nodes() -> None:
    assert graph((), {}).to_dict() == {"nodes": [], "flows": []}
