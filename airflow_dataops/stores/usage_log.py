"""Uses as they come in: each counted where it belongs, in a handful of statements however many there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import UTC
from functools import cache
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from airflow_dataops.core.releases import TaskKey
from airflow_dataops.core.usage import Observed, Use
from airflow_dataops.stores.models import Base, ConsumerRow, CoverageRow, UsageDayRow, UsageEventRow, UsageRow

WHAT = ("dag_id", "dataset", "relation", "conn_id", "access", "source", "columns")
COUNTS = ("statements", "unparsed", "dropped", "lost")
NO_RELEASE = -1
_AT_ONCE = 500  # names in one statement


def logged(session: Session, uses: Iterable[Use]) -> int:
    """Log the uses that the same try of a task has not logged already; return how many."""
    fresh = _fresh(session, uses)
    if not fresh:
        return 0
    consumers = _consumers(session, {use.consumer for use in fresh})
    keys = [_key(use) for use in fresh]
    totals: dict[str, dict[str, Any]] = {}
    for key, use in zip(keys, fresh, strict=True):
        once = {"key": key, "consumer_id": consumers[use.consumer], "release": use.release, **_times(use)}
        what = {name: getattr(use, name) for name in WHAT if name not in ("dag_id", "columns")}
        columns = None if use.columns is None else sorted(use.columns)
        _join(totals, key, once | what | {"dag_id": use.key.dag_id, "columns": columns})
    _upsert(session, _counting(_dialect(session), UsageRow, ("key",), ("release", "relation")), totals)
    numbers = dict(_looked_up(session, UsageRow.key, UsageRow.id, totals))
    days: dict[tuple[Any, ...], dict[str, Any]] = {}
    for key, use in zip(keys, fresh, strict=True):
        release = NO_RELEASE if use.release is None else use.release
        where = {"usage_id": numbers[key], "release": release, "day": use.at.astimezone(UTC).date()}
        _join(days, tuple(where.values()), where | _times(use))
    _upsert(session, _counting(_dialect(session), UsageDayRow, ("usage_id", "release", "day")), days)
    events = [
        {"usage_id": numbers[key], "release": use.release, "at": use.at, **vars(use.key)}
        for key, use in zip(keys, fresh, strict=True)
    ]
    session.execute(_insert(_dialect(session), UsageEventRow), events)
    return len(fresh)


def cover(session: Session, observed: Observed) -> None:
    """Add how much is known of what a consumer did."""
    consumer = _consumers(session, {observed.consumer})[observed.consumer]
    counts = {name: getattr(observed.coverage, name) for name in COUNTS}
    day = observed.at.astimezone(UTC).date()
    session.execute(_covering(_dialect(session)), {"consumer_id": consumer, "day": day, **counts})


def _fresh(session: Session, uses: Iterable[Use]) -> list[Use]:
    """Return the uses without those of which this try of the task has told; outside of a run each counts."""
    told: dict[TaskKey, set[tuple[Any, ...]]] = {}
    fresh = []
    for use in uses:
        if use.key.run_id is not None:
            if use.key not in told:
                told[use.key] = _told(session, use.key)
            same = (use.consumer, use.dataset, use.dataset or use.relation, use.access, use.source, use.release)
            if same in told[use.key]:
                continue
            told[use.key].add(same)
        fresh.append(use)
    return fresh


def _told(session: Session, key: TaskKey) -> set[tuple[Any, ...]]:
    name = func.coalesce(UsageRow.dataset, UsageRow.relation)
    query = (
        select(ConsumerRow.name, UsageRow.dataset, name, UsageRow.access, UsageRow.source, UsageEventRow.release)
        .join(UsageRow, UsageRow.id == UsageEventRow.usage_id)
        .join(ConsumerRow, ConsumerRow.id == UsageRow.consumer_id)
        .where(
            UsageEventRow.run_id == key.run_id,
            UsageEventRow.dag_id == key.dag_id,
            UsageEventRow.task_id == key.task_id,
            UsageEventRow.map_index == key.map_index,
            UsageEventRow.try_number == key.try_number,
        )
    )
    return {tuple(row) for row in session.execute(query)}


def _key(use: Use) -> str:
    """Return a hash of what makes uses add up; each release of a dataset may be a relation of its own."""
    what = [use.consumer, use.key.dag_id, use.dataset, None if use.dataset else use.relation, use.conn_id]
    said = [*what, use.access, use.source, None if use.columns is None else sorted(use.columns)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _times(use: Use) -> dict[str, Any]:
    return {"events": use.count, "first_at": use.at, "last_at": use.at}


def _join(rows: dict[Any, dict[str, Any]], key: Any, new: dict[str, Any]) -> None:
    """Add a row to those of the same key: the latest says what it is, and all of them how often."""
    old = rows.get(key)
    if old is None:
        rows[key] = new
        return
    late, early = (new, old) if _order(new) >= _order(old) else (old, new)
    rows[key] = late | {
        "events": old["events"] + new["events"],
        "first_at": min(old["first_at"], new["first_at"]),
        "last_at": max(early["last_at"], late["last_at"]),
    }


def _order(row: dict[str, Any]) -> tuple[Any, int]:
    return row["last_at"], NO_RELEASE if row["release"] is None else row["release"]


def _upsert(session: Session, statement: Any, rows: dict[Any, dict[str, Any]]) -> None:
    """Add rows to those of the same key that are there."""
    # In one order whoever writes: two tasks that end at once wait for each other, and never in a circle.
    session.execute(statement, [rows[key] for key in sorted(rows)])


# Statements are made once: making one takes longer than running it.


@cache
def _counting(
    dialect: str, table: type[UsageRow] | type[UsageDayRow], unique: tuple[str, ...], latest: tuple[str, ...] = ()
) -> Any:
    """Return the statement that adds a row's events to those that are there.

    :param latest: the columns that are as the latest use has them.
    """
    new = _insert(dialect, table)
    given = new.excluded
    newer = or_(
        table.last_at < given.last_at,
        and_(
            table.last_at == given.last_at,
            func.coalesce(table.release, NO_RELEASE) <= func.coalesce(given.release, NO_RELEASE),
        ),
    )
    changed = {
        "events": table.events + given.events,
        "first_at": case((table.first_at > given.first_at, given.first_at), else_=table.first_at),
        "last_at": case((newer, given.last_at), else_=table.last_at),
        **{name: case((newer, given[name]), else_=getattr(table, name)) for name in latest},
    }
    return new.on_conflict_do_update(index_elements=list(unique), set_=changed)


@cache
def _covering(dialect: str) -> Any:
    """Return the statement that adds to the counts of a consumer's day."""
    new = _insert(dialect, CoverageRow)
    sums = {name: getattr(CoverageRow, name) + new.excluded[name] for name in COUNTS}
    return new.on_conflict_do_update(index_elements=["consumer_id", "day"], set_=sums)


def _consumers(session: Session, names: Collection[str]) -> dict[str, int]:
    """Return the consumers' numbers, made at their first use."""
    found = dict(_looked_up(session, ConsumerRow.name, ConsumerRow.id, names))
    missing = sorted(set(names) - found.keys())
    if missing:
        new = _insert(_dialect(session), ConsumerRow).on_conflict_do_nothing(index_elements=["name"])
        session.execute(new, [{"name": name} for name in missing])
        found |= _looked_up(session, ConsumerRow.name, ConsumerRow.id, missing)
    return found


def _looked_up(session: Session, column: Any, value: Any, wanted: Collection[str]) -> Iterable[tuple[str, int]]:
    names = sorted(wanted)
    for start in range(0, len(names), _AT_ONCE):
        query = select(column, value).where(column.in_(names[start : start + _AT_ONCE]))
        yield from ((name, found) for name, found in session.execute(query))


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


def inserting(session: Session, table: type[Base]) -> Any:
    """Return an INSERT in the words of a session's database, as :func:`_insert` has it."""
    return _insert(_dialect(session), table)


def _insert(dialect: str, table: type[Base]) -> Any:
    """Return an INSERT that can say what happens where the row is there; both databases of the store have it."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table.__table__)
