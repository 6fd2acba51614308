"""Which gates a promotion must see passed: those that stand in its DAG, and those it names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.releases import GateRef
from airflow_dataops.operators.gate import GateOperator


def gates_upstream(task: Any) -> list[GateRef]:
    """Return the enforced gates before ``task``; a shadow gate is not enforced."""
    return _gates(task, upstream=True)


def gates_downstream(task: Any) -> list[GateRef]:
    """Return the enforced gates behind ``task``."""
    return _gates(task, upstream=False)


def _gates(task: Any, *, upstream: bool) -> list[GateRef]:
    found = []
    for relative in task.get_flat_relatives(upstream=upstream):
        # A mapped gate stands in the DAG as its recipe: the class and the arguments it will be made from.
        kind = getattr(relative, "operator_class", type(relative))
        on_fail = getattr(relative, "partial_kwargs", vars(relative)).get("on_fail", "fail")
        if isinstance(kind, type) and issubclass(kind, GateOperator) and on_fail != "shadow":
            found.append(GateRef(dag_id=task.dag_id, task_id=relative.task_id))
    return sorted(found, key=str)


def gates_named(names: Iterable[str], dag: Any) -> list[GateRef]:
    """Return the gates of ``requires=``: a task of this DAG, or ``dag_id.task_id`` of another.

    :raises ConfigurationError: it is a text and not a list, or names no task of this DAG.
    """
    if isinstance(names, str):
        raise ConfigurationError(f"requires={names!r} must be a list of gates, such as ['{names}'].")
    found = []
    for name in names:
        dag_id, dot, task_id = name.partition(".")
        if dag.has_task(name):  # a task in a group has a dot in its id, too
            found.append(GateRef(dag_id=dag.dag_id, task_id=name))
        elif dot:
            found.append(GateRef(dag_id=dag_id, task_id=task_id))
        else:
            raise ConfigurationError(f"requires: {dag.dag_id} has no task {name!r}; another DAG's is 'dag_id.task_id'.")
    return found
