"""Usage: which consumer reads which release, and what follows from it."""

from airflow_dataops.services.usage.answers import adopted_by, hit_by, is_still_used, reached, watched, who_reads
from airflow_dataops.services.usage.contracts import contracts_of, register_file, register_one, withdraw_one
from airflow_dataops.services.usage.declaring import known_uses
from airflow_dataops.services.usage.harvesting import Harvested, harvest, records_of
from airflow_dataops.services.usage.outside import Source
from airflow_dataops.services.usage.overview import drawn, known, portrait, unused
from airflow_dataops.services.usage.recording import flush, log_build, record, rehearse
from airflow_dataops.services.usage.reporting import report
from airflow_dataops.services.usage.resolving import await_release, pin, resolve, unread_release
from airflow_dataops.services.usage.stopping import known_reads, refuse_stopped, resume, stop_of

__all__ = [
    "Harvested",
    "Source",
    "adopted_by",
    "await_release",
    "contracts_of",
    "drawn",
    "flush",
    "harvest",
    "hit_by",
    "is_still_used",
    "known",
    "known_reads",
    "known_uses",
    "log_build",
    "pin",
    "portrait",
    "reached",
    "record",
    "records_of",
    "refuse_stopped",
    "register_file",
    "register_one",
    "rehearse",
    "report",
    "resolve",
    "resume",
    "stop_of",
    "unread_release",
    "unused",
    "watched",
    "who_reads",
    "withdraw_one",
]
