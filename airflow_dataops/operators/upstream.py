"""What a promotion must see passed: the gates and approvals that stand in its DAG, and the gates it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_dataops.core.approvals import ApprovalRef
from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import GateRef
from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release.approving import ApproveReleaseOperator


def gates_upstream(task: Any) -> list[GateRef]:
    """Return the enforced gates before ``task``; a shadow gate is not enforced."""
    return _gates(task, upstream=True)


def gates_downstream(task: Any) -> list[GateRef]:
    """Return the enforced gates behind ``task``."""
    return _gates(task, upstream=False)


def _gates(task: Any, *, upstream: bool) -> list[GateRef]:
    found = [
        GateRef(dag_id=task.dag_id, task_id=relative.task_id)
        for relative, given in _relatives(task, GateOperator, upstream=upstream)
        if given.get("on_fail", "fail") != "shadow"
    ]
    return sorted(found, key=str)


def approvals_upstream(task: Any) -> list[ApprovalRef]:
    """Return the tasks before ``task`` that ask people."""
    return _approvals(task, upstream=True)


def approvals_downstream(task: Any) -> list[ApprovalRef]:
    """Return the tasks behind ``task`` that ask people before the release goes live, and not only afterwards."""
    from airflow_dataops.operators.release.promoting import PromoteReleaseOperator

    late: set[str] = set()
    for promote, _ in _relatives(task, PromoteReleaseOperator, upstream=False):
        late |= {ref.task_id for ref in _approvals(promote, upstream=False)}
    return [ref for ref in _approvals(task, upstream=False) if ref.task_id not in late]


def _approvals(task: Any, *, upstream: bool) -> list[ApprovalRef]:
    found = [
        ApprovalRef(dag_id=task.dag_id, task_id=relative.task_id, quorum=given.get("quorum", 1))
        for relative, given in _relatives(task, ApproveReleaseOperator, upstream=upstream)
    ]
    return sorted(found, key=str)


def _relatives(task: Any, kind: type, *, upstream: bool) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield the tasks of this kind before or behind ``task``, each with the arguments it was given."""
    for relative in task.get_flat_relatives(upstream=upstream):
        # A mapped task stands in the DAG as its recipe: the class and the arguments it will be made from.
        made = getattr(relative, "operator_class", type(relative))
        if isinstance(made, type) and issubclass(made, kind):
            yield relative, getattr(relative, "partial_kwargs", vars(relative))


def gates_named(names: Iterable[str], dag: Any) -> list[GateRef]:
    """Return the gates of ``requires=``: a task of this DAG, or ``dag_id.task_id`` of another.

    :raises ConfigurationError: it is no list of texts, or names no task of this DAG.
    """
    if isinstance(names, str):
        raise ConfigurationError(f"requires={names[:80]!r} must be a list of gates, such as [{names[:80]!r}].")
    if not isinstance(names, Iterable):
        raise ConfigurationError(f"requires is a {type(names).__name__}, not a list of gates, such as ['gate'].")
    found = []
    for name in names:
        if not isinstance(name, str):
            raise ConfigurationError(f"requires holds a {type(name).__name__}, not the name of a gate, such as 'gate'.")
        dag_id, dot, task_id = name.partition(".")
        if dag.has_task(name):  # a task in a group has a dot in its id, too
            found.append(GateRef(dag_id=dag.dag_id, task_id=name))
        elif dot:
            found.append(GateRef(dag_id=dag_id, task_id=task_id))
        else:
            raise ConfigurationError(
                f"requires: {dag.dag_id} has no task {name[:80]!r}; another DAG's is 'dag_id.task_id'."
            )
    return found
