"""What a database's own records tell: who ran what, how often, and since when that is known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from airflow_dataops.core.usage import Touch

OWN = "airflow-dataops"
"""What this package's own sessions call themselves."""
MARK = f"/* {OWN} */"
"""What stands behind their statements, where the database keeps these and no session's name with them."""


class Record(StrEnum):
    """What a database keeps of its use; its name is the source of what is known from it."""

    STATEMENTS = "pg_stat_statements"
    TABLES = "pg_stat_user_tables"
    LOG = "log"
    ACCESS_HISTORY = "access_history"
    JOBS = "jobs"

    @property
    def label(self) -> str:
        """It in words."""
        return _LABELS[self]

    @property
    def dialect(self) -> str:
        """The database that keeps it, by sqlglot's name of its SQL."""
        return {Record.ACCESS_HISTORY: "snowflake", Record.JOBS: "bigquery"}.get(self, "postgres")


_LABELS = {
    Record.STATEMENTS: "PostgreSQL counters",
    Record.TABLES: "PostgreSQL table counters",
    Record.LOG: "PostgreSQL log",
    Record.ACCESS_HISTORY: "Snowflake access history",
    Record.JOBS: "BigQuery jobs",
}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A statement as a record tells of it.

    :param role: as whom it was run.
    :param sql: its text, which is parsed and not kept.
    :param at: when; where counters alone are known, when they were read.
    :param application: what the session called itself; ``None`` where that is not known.
    :param count: how often.
    :param reads: what it read, where the record itself tells; else its text does.
    :param writes: the same for what it changed.
    :param task: the task that ran it, ``dag.task``, where the record tells.
    """

    role: str
    sql: str
    at: datetime
    application: str | None = None
    count: int = 1
    reads: tuple[Touch, ...] | None = None
    writes: tuple[Touch, ...] = ()
    task: str | None = None

    @property
    def own(self) -> bool:
        """Whether this package ran it: a gate, a stage, a switch or a look at the data."""
        return MARK in self.sql or (self.application or "").startswith(OWN)

    @property
    def consumer(self) -> str:
        """Who ran it: by the comment in the statement, else by the application and the role, else by the role."""
        named = self.task or named_in(self.sql)
        return named or (f"{self.application} ({self.role})" if self.application else self.role)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look into a record found new.

    :param state: what the next look must know of this one; holds no text of a statement.
    :param since: from when on the record has told, as far as is known, of everything.
    :param bad: rows that could not be read.
    :param gaps: times that the record has dropped something before it could be read.
    """

    ran: tuple[Ran, ...]
    state: dict[str, Any]
    since: datetime
    bad: int = 0
    gaps: int = 0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of the last harvest of a record.

    :param number: how many harvests there were.
    :param at: when it was.
    :param since: as :class:`Look` has it.
    """

    conn_id: str
    record: Record
    number: int
    at: datetime
    since: datetime
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Since when what is told."""
        return f"{self.record.label} ({self.conn_id}) since {self.since:%Y-%m-%d}"


def grown(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Return by how much counters have grown.

    One that is smaller than before has begun anew (reset, crash, or dropped and seen again): all of it is new.
    """
    found = {key: count - before.get(key, 0) if count >= before.get(key, 0) else count for key, count in now.items()}
    return {key: count for key, count in found.items() if count}


_HEAD = re.compile(r"\s*(?:/\*(?P<block>.*?)\*/|--(?P<line>[^\n]*)(?:\n|$))", re.DOTALL)
_TAIL = re.compile(r"/\*(?P<block>(?:(?!\*/).)*)\*/[\s;]*$", re.DOTALL)
_PAIR = re.compile(r"([\w.%-]+)\s*=\s*'((?:[^'\\]|\\.)*)'")
_PRESET = re.compile(r"\s*(dashboard|chart)_id:\s*(\w+)\s*")
_LONGEST = 200


def named_in(sql: str) -> str | None:
    """Return who says in a comment at a statement's begin or end that it is theirs; ``None`` where nobody does.

    Understood are the comments of dbt (JSON), of sqlcommenter (``key='value'``), of Metabase, of Looker, and of
    Superset's hosted form, Preset; what else stands in comments is not looked at.
    """
    comments = list(_comments(sql))
    ids = {found[1]: found[2] for each in comments if (found := _PRESET.fullmatch(each))}
    for kind in ("dashboard", "chart"):
        if kind in ids:
            return f"Superset {kind} {ids[kind]}"
    named = next(filter(None, map(_named, comments)), None)
    return named and "".join(filter(str.isprintable, named))[:_LONGEST]


def _comments(sql: str) -> Iterator[str]:
    end = 0
    while found := _HEAD.match(sql, end):
        yield found["block"] if found["block"] is not None else found["line"]
        end = found.end()
    last = _TAIL.search(sql, max(end, len(sql) - 5_000))
    if last:
        yield last["block"]


def _named(comment: str) -> str | None:
    text = comment.strip()
    if text.startswith("Metabase::"):
        user = re.search(r"userID: (\d+)", text)
        return f"Metabase user {user[1]}" if user else "Metabase"
    if text.startswith("Looker Query Context"):
        user = re.search(r'"user_id":\s*"?(\w+)', text)
        return f"Looker user {user[1]}" if user else "Looker"
    if text.startswith("{"):
        return _of_dbt(text)
    pairs = {unquote(key): unquote(value) for key, value in _PAIR.findall(text)}
    if not pairs or _PAIR.sub("", text).strip(" ,\n"):
        return None
    if {"dag_id", "task_id"} <= pairs.keys():
        return f"{pairs['dag_id']}.{pairs['task_id']}"
    who = pairs.get("application") or pairs.get("framework") or pairs.get("db_driver")
    what = pairs.get("route") or "/".join(pairs[key] for key in ("controller", "action") if key in pairs)
    return " ".join(filter(None, (who, what))) or None


def _of_dbt(text: str) -> str | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if said.get("app") != "dbt":
        return None
    return f"dbt {said.get('node_id') or said.get('profile_name') or ''}".strip()
