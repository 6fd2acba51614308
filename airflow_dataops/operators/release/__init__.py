"""Releases in a DAG: ``stage >> gate >> promote``, and the way back."""

from airflow_dataops.operators.release.approving import ApproveReleaseOperator
from airflow_dataops.operators.release.canary import CanaryReleaseOperator
from airflow_dataops.operators.release.diffing import DiffReleaseOperator
from airflow_dataops.operators.release.promoting import PromoteReleaseOperator
from airflow_dataops.operators.release.retiring import RetireReleasesOperator
from airflow_dataops.operators.release.rolling_back import RollbackReleaseOperator
from airflow_dataops.operators.release.staging import StageReleaseOperator

__all__ = [
    "ApproveReleaseOperator",
    "CanaryReleaseOperator",
    "DiffReleaseOperator",
    "PromoteReleaseOperator",
    "RetireReleasesOperator",
    "RollbackReleaseOperator",
    "StageReleaseOperator",
]
