"""Usage: which consumer reads which release, and what follows from it."""

from airflow_dataops.services.usage.answers import adopted_by, hit_by, is_still_used, reached, who_reads
from airflow_dataops.services.usage.harvesting import Harvested, harvest, records_of
from airflow_dataops.services.usage.outside import Source
from airflow_dataops.services.usage.recording import flush, log_build, record
from airflow_dataops.services.usage.resolving import await_release, pin, resolve, unread_release

__all__ = [
    "Harvested",
    "Source",
    "adopted_by",
    "await_release",
    "flush",
    "harvest",
    "hit_by",
    "is_still_used",
    "log_build",
    "pin",
    "reached",
    "record",
    "records_of",
    "resolve",
    "unread_release",
    "who_reads",
]
