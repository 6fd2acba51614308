"""Who reads and writes what, as a graph: datasets and tables, and between them the consumers that use them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_dataops.core.readers import surest
from airflow_dataops.core.usage import Access, Usage
from airflow_dataops.core.verdicts import Verdict


class Kind(StrEnum):
    """What a node stands for."""

    DATASET = "dataset"
    TABLE = "table"
    DAG = "DAG"
    TASK = "task"
    OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True)
class Live:
    """What readers of a dataset get.

    :param since: when it went live, for the last time.
    :param verdict: the worst of what its gates last said of it, shadow gates left out; ``None`` where none has.
    :param judged_at: when the latest of them did.
    """

    number: int
    since: datetime
    verdict: Verdict | None = None
    judged_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Node:
    """Something that is read and written, or somebody who does.

    :param dag_id: of a DAG or a task.
    :param live: of a dataset, where a release is live.
    """

    name: str
    kind: Kind
    dag_id: str | None = None
    live: Live | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the node as JSON data, without what it has not."""
        live, verdict = self.live, self.live and self.live.verdict
        return (
            {"name": self.name, "kind": self.kind}
            | ({"dag": self.dag_id} if self.dag_id else {})
            | ({"live": live.number, "since": live.since.isoformat()} if live else {})
            | ({"verdict": verdict} if verdict else {})
        )


@dataclass(frozen=True, kw_only=True)
class Flow:
    """How data flows: from what is read to the consumer, from the consumer to what it writes.

    :param source: the position of a node.
    :param target: the position of a node.
    :param events: how often.
    """

    source: int
    target: int
    events: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Nodes in order of kind and name, and the flows between them."""

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as JSON data; times in ISO 8601, flows as lists: source, target, events, last."""
        return {
            "nodes": [node.to_dict() for node in self.nodes],
            "flows": [[flow.source, flow.target, flow.events, flow.last_at.isoformat()] for flow in self.flows],
        }


def graph(usages: Iterable[Usage], datasets: Mapping[str, Live | None], *, by_task: bool = False) -> Graph:
    """Return who uses what as a graph.

    :param datasets: what is a dataset, with what is live of it; each is a node, used or not.
    :param by_task: each task is a node; else the tasks of a DAG are one.
    """
    seen: dict[tuple[Kind, str], str | None] = {(Kind.DATASET, name): None for name in datasets}
    flows: dict[tuple[tuple[Kind, str], tuple[Kind, str]], list[Usage]] = {}
    for usage in surest(usages):
        who = _consumer(usage, by_task=by_task)
        what = (Kind.DATASET if usage.dataset else Kind.TABLE, usage.name)
        seen |= {who: usage.dag_id, what: None}
        ends = (what, who) if usage.access is Access.READ else (who, what)
        flows.setdefault(ends, []).append(usage)
    order = {key: position for position, key in enumerate(sorted(seen, key=_rank))}
    return Graph(
        nodes=tuple(
            Node(
                name=name,
                kind=kind,
                dag_id=seen[kind, name],
                live=datasets.get(name) if kind is Kind.DATASET else None,
            )
            for kind, name in order
        ),
        flows=tuple(
            Flow(
                source=order[source],
                target=order[target],
                events=_events(used),
                last_at=max(usage.last_at for usage in used),
            )
            for (source, target), used in flows.items()
        ),
    )


def _events(used: Iterable[Usage]) -> int:
    """Return how often consumers used something: what two sources tell of one consumer is one use."""
    told: dict[tuple[str, str], int] = Counter()
    for usage in used:
        told[usage.consumer, usage.source] += usage.events
    most: dict[str, int] = {}
    for (consumer, _), events in told.items():
        most[consumer] = max(events, most.get(consumer, 0))
    return sum(most.values())


def _consumer(usage: Usage, *, by_task: bool) -> tuple[Kind, str]:
    if usage.dag_id is None:
        return Kind.OUTSIDE, usage.consumer
    return (Kind.TASK, usage.consumer) if by_task else (Kind.DAG, usage.dag_id)


def _rank(key: tuple[Kind, str]) -> tuple[int, str]:
    return list(Kind).index(key[0]), key[1]
