"""Every argument that an upstream task or Jinja may fill is a template field, or it would silently stay unfilled."""

from __future__ import annotations

import inspect

import pytest

from airflow_dataops.decorators.gate import DecoratedGateOperator
from airflow_dataops.operators.gate import GateOperator
from airflow_dataops.operators.release import (
    ApproveReleaseOperator,
    DiffReleaseOperator,
    PromoteReleaseOperator,
    RetireReleasesOperator,
    RollbackReleaseOperator,
    StageReleaseOperator,
)
from airflow_dataops.operators.usage import HarvestUsageOperator
from airflow_dataops.sensors.gate import GateSensor
from airflow_dataops.sensors.release import ReleaseSensor

# What shapes the task itself and is known when the DAG is written.
FIXED = {
    "on_fail",
    "block",
    "on_empty",
    "samples",
    "contracts",
    "replace_newer",
    "override_freeze",
    "dry_run",
    "emit",
    "deferrable",
    "python_callable",
    "quorum",
    "author_may_approve",
    "expires_after",
}


@pytest.mark.parametrize(
    "operator",
    [
        GateOperator,
        DecoratedGateOperator,
        StageReleaseOperator,
        ApproveReleaseOperator,
        DiffReleaseOperator,
        PromoteReleaseOperator,
        RetireReleasesOperator,
        RollbackReleaseOperator,
        GateSensor,
        ReleaseSensor,
        HarvestUsageOperator,
    ],
)
def test_template_fields_are_complete(operator: type) -> None:
    parameters = inspect.signature(inspect.unwrap(operator.__init__)).parameters
    own = {n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY} - FIXED
    assert own <= set(operator.template_fields)
