"""Warehouses' own histories: Snowflake's ACCESS_HISTORY and BigQuery's INFORMATION_SCHEMA.JOBS.

Both are read by when a statement ended, up to a time before now: what is still on its way then comes with a later look.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.harvest import Look, Ran, Record
from airflow_dataops.core.ports import Database
from airflow_dataops.core.usage import Touch

LATE = {Record.ACCESS_HISTORY: timedelta(hours=3), Record.JOBS: timedelta(minutes=10)}
"""How long after a statement's end its row can come; Snowflake's documentation says 180 minutes."""
FIRST = timedelta(days=92)
"""How far back the first look goes."""
_LONGEST = timedelta(days=2)
"""How long a statement runs at most: Snowflake's default time-out; BigQuery's is shorter."""
_ACCESS_HISTORY = """
SELECT q.START_TIME, q.USER_NAME, s.CLIENT_APPLICATION_ID, q.QUERY_TAG, q.QUERY_TEXT,
  a.BASE_OBJECTS_ACCESSED, a.OBJECTS_MODIFIED
FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY AS q
JOIN SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY AS a ON a.QUERY_ID = q.QUERY_ID
LEFT JOIN SNOWFLAKE.ACCOUNT_USAGE.SESSIONS AS s ON s.SESSION_ID = q.SESSION_ID
WHERE q.END_TIME > '{after}'::TIMESTAMP_TZ AND q.END_TIME <= '{until}'::TIMESTAMP_TZ
  AND a.QUERY_START_TIME > '{begun}'::TIMESTAMP_TZ AND q.EXECUTION_STATUS = 'SUCCESS'
"""
# A row's arrays as JSON text: the cursors of Google's client and of Airflow's hook give nested values differently.
_JOBS = """
SELECT start_time, user_email, query, TO_JSON_STRING(labels), TO_JSON_STRING(referenced_tables),
  TO_JSON_STRING(destination_table), statement_type
FROM `region-{region}`.INFORMATION_SCHEMA.JOBS
WHERE creation_time > TIMESTAMP '{begun}' AND end_time > TIMESTAMP '{after}' AND end_time <= TIMESTAMP '{until}'
  AND job_type = 'QUERY' AND state = 'DONE' AND error_result IS NULL AND statement_type != 'SCRIPT'
"""
_REGION = re.compile(r"[a-z][a-z0-9-]*")
_TABLES = ("Table", "View", "Materialized view", "External table", "Iceberg table", "Dynamic table")


def history_of(
    db: Database, record: Record, before: Mapping[str, Any] | None, now: datetime, *, region: str | None = None
) -> Look:
    """Return what a warehouse's history tells since the last look.

    :param region: BigQuery's, as ``eu`` or ``europe-west3``.
    :raises ConfigurationError: no region, or none that can be one.
    """
    if record is Record.JOBS and not (region and _REGION.fullmatch(region.lower())):
        raise ConfigurationError(
            f"region={region!r}: BigQuery keeps its jobs by region. Give the one in which the datasets are, such as "
            "'eu' or 'europe-west3'."
        )
    until = now - LATE[record]
    after = datetime.fromisoformat(before["until"]) if before else until - FIRST
    since = datetime.fromisoformat(before["since"]) if before else after
    state = {"until": max(after, until).isoformat(), "since": since.isoformat()}
    template, read = _HOW[record]
    times = {"after": after, "until": until, "begun": after - _LONGEST}
    said = {name: f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00:00}" for name, at in times.items()}
    rows = db.execute(template.format(region=(region or "").lower(), **said).strip()) if until > after else []
    ran, bad = [], 0
    for row in rows:
        try:
            ran.append(read(row))
        except (ValueError, KeyError, TypeError, AttributeError):  # a shape that nobody has seen yet
            bad += 1
    return Look(ran=tuple(ran), state=state, since=since, bad=bad)


def _accessed(row: tuple[Any, ...]) -> Ran:
    at, user, application, tag, sql, read, changed = row
    comment = f"/* {tag} */ " if tag and "*/" not in tag else ""
    return Ran(
        role=user,
        application=application or None,
        sql=f"{comment}{sql or ''}",
        at=_aware(at),
        reads=_touches(read),
        writes=_touches(changed),
    )


def _touches(objects: Any) -> tuple[Touch, ...]:
    listed = json.loads(objects) if isinstance(objects, str) else objects or []
    return tuple(
        Touch(
            relation=each["objectName"],
            columns=tuple(sorted(column["columnName"] for column in each["columns"])) if "columns" in each else None,
        )
        for each in listed
        if each.get("objectDomain") in _TABLES
    )


def _job(row: tuple[Any, ...]) -> Ran:
    at, user, sql, labels, read, changed, kind = row
    told = {each["key"]: each["value"] for each in json.loads(labels or "[]") or ()}
    task = f"{told['airflow-dag']}.{told['airflow-task']}" if {"airflow-dag", "airflow-task"} <= told.keys() else None
    destination = json.loads(changed or "null")
    return Ran(
        role=user,
        sql=sql or "",
        at=_aware(at),
        task=task,
        reads=tuple(map(_table, json.loads(read or "[]") or ())),
        # A SELECT's result goes to a table, too, which is nobody's.
        writes=(_table(destination),) if destination and kind != "SELECT" else (),
    )


def _table(said: Mapping[str, str]) -> Touch:
    return Touch(relation=f"{said['project_id']}.{said['dataset_id']}.{said['table_id']}", columns=None)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


_HOW: dict[Record, tuple[str, Callable[[tuple[Any, ...]], Ran]]] = {
    Record.ACCESS_HISTORY: (_ACCESS_HISTORY, _accessed),
    Record.JOBS: (_JOBS, _job),
}
