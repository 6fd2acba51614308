"""Staging, promoting, rolling back, retiring: one protocol, and a retry of any of them leaves the same state.

The pointer in the target is the truth, the store is the record: reconcile, intent, switch, read back, finalise.
"""

from airflow_dataops.services.releasing.cleaning import clean
from airflow_dataops.services.releasing.diffing import diff
from airflow_dataops.services.releasing.promoting import Promotion, announce, promote, promote_all, required_gates
from airflow_dataops.services.releasing.retiring import retire
from airflow_dataops.services.releasing.rolling_back import Return, rollback, rollback_all
from airflow_dataops.services.releasing.staging import stage
from airflow_dataops.services.releasing.switching import give_up, reconcile
from airflow_dataops.services.releasing.target import Outcome, Target
from airflow_dataops.services.releasing.unadopting import unadopt

__all__ = [
    "Outcome",
    "Promotion",
    "Return",
    "Target",
    "announce",
    "clean",
    "diff",
    "give_up",
    "promote",
    "promote_all",
    "reconcile",
    "required_gates",
    "retire",
    "rollback",
    "rollback_all",
    "stage",
    "unadopt",
]
