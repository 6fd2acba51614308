"""Usage: which consumer reads which release, and what follows from it."""

from airflow_dataops.services.usage.answers import adopted_by, hit_by, is_still_used, reached, watched, who_reads
from airflow_dataops.services.usage.overview import drawn, known, portrait, unused
from airflow_dataops.services.usage.recording import flush, log_build, record
from airflow_dataops.services.usage.reporting import report
from airflow_dataops.services.usage.resolving import await_release, pin, resolve, unread_release

__all__ = [
    "adopted_by",
    "await_release",
    "drawn",
    "flush",
    "hit_by",
    "is_still_used",
    "known",
    "log_build",
    "pin",
    "portrait",
    "reached",
    "record",
    "report",
    "resolve",
    "unread_release",
    "unused",
    "watched",
    "who_reads",
]
