"""PostgreSQL's server log, ``csvlog`` or ``jsonlog``: read on from where the last look ended, in whichever file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from glob import glob
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.harvest import Look, Ran
from airflow_dataops.core.ports import Database

_ASK = "SELECT current_database(), current_setting('log_timezone'), current_setting('log_statement'),"
_ASK += " current_setting('log_min_duration_statement')::int"
# Of a prepared statement the steps parse and bind are logged beside its execution.
_MESSAGE = re.compile(r"(?:duration: [\d.]+ ms\s+)?(?:statement|execute [^:]*): (.*)", re.DOTALL)
_TIME, _USER, _DATABASE, _SEVERITY, _TEXT, _APPLICATION = 0, 1, 2, 11, 13, 22


def statements_logged(
    db: Database, pattern: str, before: Mapping[str, Any] | None, since: datetime | None, now: datetime
) -> Look:
    """Return the statements that were written to the log of this database since the last look.

    A file is known by its first line, so that one that was renamed is read on, and one that was begun anew is read from
    its begin. A line that is not complete yet waits for the next look.

    :param pattern: the file, or a glob that names the rotated ones, too: ``/var/log/postgresql/*.csv``.
    :raises ConfigurationError: there is no such file, or it is in another format.
    """
    database, zone, logs, least = db.execute(_ASK)[0]
    files = sorted(glob(pattern))
    if not files:
        raise ConfigurationError(f"No log is at {pattern!r} on this machine. Run this where the server's logs are.")
    read_to = dict(before["read_to"]) if before else {}
    state: dict[str, int] = {}
    ran: list[Ran] = []
    bad = 0
    for file in files:
        for row in _rows(Path(file), read_to, state):
            try:
                found = _ran(row, database, ZoneInfo(zone)) if row is not None else None
                bad += row is None
            except (ValueError, IndexError, KeyError, TypeError, AttributeError):
                bad += 1
                continue
            if found is not None:
                ran.append(found)
    first = min((each.at for each in ran), default=now)
    partly = logs != "all" and least != 0
    return Look(ran=tuple(ran), state={"read_to": state}, since=since or first, bad=bad, gaps=int(partly))


def _rows(path: Path, read_to: Mapping[str, int], state: dict[str, int]) -> Iterator[list[str] | None]:
    """Yield a file's new rows as ``csvlog`` has them, ``None`` for one that cannot be read; keep up to where it went.

    :param read_to: up to which byte each file is known, by a hash of its first line.
    """
    if path.suffix not in (".csv", ".json"):
        raise ConfigurationError(
            f"{path} is neither a csvlog (.csv) nor a jsonlog (.json): no other tells who ran what."
        )
    with path.open("rb") as file:
        first = _record(file, path.suffix)
        if first is None:
            return
        name = hashlib.sha256(first).hexdigest()[:16]
        start = read_to.get(name, 0)
        file.seek(0, 2)
        file.seek(start if start <= file.tell() else 0)
        state[name] = file.tell()
        while (line := _record(file, path.suffix)) is not None:
            state[name] = file.tell()
            yield _fields(line.decode("utf-8", "replace"), path.suffix)


def _record(file: Any, suffix: str) -> bytes | None:
    """Return the next record, which in CSV can be of several lines; ``None`` where none is complete."""
    whole = b""
    while line := file.readline():
        whole += line
        if line.endswith(b"\n") and (suffix == ".json" or whole.count(b'"') % 2 == 0):
            return whole
    return None


def _fields(line: str, suffix: str) -> list[str] | None:
    if suffix == ".csv":
        return next(csv.reader(io.StringIO(line, newline="")), None)
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    row = [""] * (_APPLICATION + 1)
    names = ("timestamp", "user", "dbname", "error_severity", "message", "application_name")
    for place, name in zip((_TIME, _USER, _DATABASE, _SEVERITY, _TEXT, _APPLICATION), names, strict=True):
        row[place] = str(said.get(name, ""))
    return row


def _ran(row: list[str], database: str, zone: ZoneInfo) -> Ran | None:
    """Return the statement of a row; ``None`` where it tells of something else.

    The row's own time zone is an abbreviation, which is not one zone's alone: the server's setting says which.
    """
    found = _MESSAGE.fullmatch(row[_TEXT])
    if row[_DATABASE] != database or row[_SEVERITY] != "LOG" or found is None:
        return None
    at = datetime.fromisoformat(row[_TIME][:23]).replace(tzinfo=zone)
    application = row[_APPLICATION]
    return Ran(role=row[_USER], sql=found[1], at=at.astimezone(UTC), application=application or None)
