"""Staging, promoting and rolling back: one protocol, and a retry of any of them leaves the same state.

The pointer in the target is the truth, the store is the record: reconcile, intent, switch, read back, finalise.
"""

from airflow_dataops.services.releasing.promoting import announce, promote
from airflow_dataops.services.releasing.rolling_back import rollback
from airflow_dataops.services.releasing.staging import stage
from airflow_dataops.services.releasing.switching import reconcile
from airflow_dataops.services.releasing.target import Outcome, Target

__all__ = ["Outcome", "Target", "announce", "promote", "reconcile", "rollback", "stage"]
