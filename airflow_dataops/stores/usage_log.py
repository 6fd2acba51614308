"""Uses as they come in: each counted where it belongs, in a handful of statements however many there are.

Every task pays for this at its end. It speaks to tables, not to mapped classes: the first query of a process by those
makes Airflow import all of its own models, a third of a second that a task has no other use for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, and_, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from airflow_dataops.core.releases import Dataset, ReleaseName, State, TaskKey
from airflow_dataops.core.usage import Access, Observed, Use
from airflow_dataops.stores.models import Base

_TABLES = Base.metadata.tables
_CONSUMER, _COVERAGE = _TABLES["dataops_consumer"], _TABLES["dataops_usage_coverage"]
_DATASET, _RELEASE = _TABLES["dataops_dataset"], _TABLES["dataops_release"]
_USAGE, _DAY, _EVENT = (_TABLES[f"dataops_usage{part}"] for part in ("", "_day", "_event"))
WHAT = ("dag_id", "dataset", "relation", "conn_id", "access", "source", "columns")
COUNTS = ("statements", "unparsed", "dropped", "lost")
NO_RELEASE = -1
_AT_ONCE = 500  # names in one statement


def named(session: Session, names: Collection[str]) -> tuple[list[Dataset], dict[str, ReleaseName]]:
    """Return the datasets that have one of these names or are read under one, and whose release is in which relation.

    Names of relations count in whatever connection, the newest release's first.
    """
    at = _DATASET.c
    parts = (at.name, at.conn_id, at.publisher, at.target, at.reader)
    keys = {name.casefold() for name in names}
    datasets = select(*parts).where(or_(at.reader_key.in_(keys), at.name.in_(names))).order_by(at.id)
    releases = (
        select(_RELEASE.c.relation, at.name, _RELEASE.c.number)
        .join(_DATASET, at.id == _RELEASE.c.dataset_id)
        .where(_RELEASE.c.relation.in_(names))
        .order_by(_RELEASE.c.id)
    )
    return (
        [Dataset(**row) for row in session.execute(datasets).mappings()],
        {relation: ReleaseName(dataset=name, number=n) for relation, name, n in session.execute(releases)},
    )


def lives(session: Session, dataset: str, *, after: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """Return when which release went live, in order: the last one up to ``after``, and those up to ``until``."""
    table = _TABLES["dataops_release_event"]
    event = table.c
    query = (
        select(event.at, _RELEASE.c.number)
        .join_from(table, _RELEASE, _RELEASE.c.id == event.release_id)
        .join(_DATASET, _DATASET.c.id == _RELEASE.c.dataset_id)
        .where(_DATASET.c.name == dataset, event.to_state == State.LIVE)
        .order_by(event.at.desc(), event.id.desc())
    )
    first = session.execute(query.where(event.at <= after).limit(1))
    then = session.execute(query.where(event.at > after, event.at <= until))
    return [(at, number) for at, number in reversed([*then, *first])]


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
    _upsert(session, _counting(_dialect(session), _USAGE, ("key",), ("release", "relation")), totals)
    numbers = dict(_looked_up(session, _USAGE.c.key, _USAGE.c.id, totals))
    days: dict[tuple[Any, ...], dict[str, Any]] = {}
    for key, use in zip(keys, fresh, strict=True):
        release = NO_RELEASE if use.release is None else use.release
        where = {"usage_id": numbers[key], "release": release, "day": use.at.astimezone(UTC).date()}
        _join(days, tuple(where.values()), where | _times(use))
    _upsert(session, _counting(_dialect(session), _DAY, ("usage_id", "release", "day")), days)
    events = [
        {"usage_id": numbers[key], "release": use.release, "at": use.at, **vars(use.key)}
        for key, use in zip(keys, fresh, strict=True)
    ]
    session.execute(_insert(_dialect(session), _EVENT), events)
    return len(fresh)


def read_by(session: Session, key: TaskKey) -> list[ReleaseName]:
    """Return the releases that a try of a task has read, as far as is logged."""
    query = (
        select(_USAGE.c.dataset, _EVENT.c.release)
        .join_from(_EVENT, _USAGE, _USAGE.c.id == _EVENT.c.usage_id)
        .where(_USAGE.c.access == Access.READ, _USAGE.c.dataset.is_not(None), _EVENT.c.release.is_not(None))
        .where(*_by(key))
        .distinct()
        .order_by(_USAGE.c.dataset, _EVENT.c.release)
    )
    return [ReleaseName(dataset=dataset, number=number) for dataset, number in session.execute(query)]


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
            name = use.dataset or use.relation
            same = (use.consumer, use.dataset, name, use.conn_id, use.access, use.source, use.release)
            if same in told[use.key]:
                continue
            told[use.key].add(same)
        fresh.append(use)
    return fresh


def _told(session: Session, key: TaskKey) -> set[tuple[Any, ...]]:
    use = _USAGE.c
    name = func.coalesce(use.dataset, use.relation)
    query = (
        select(_CONSUMER.c.name, use.dataset, name, use.conn_id, use.access, use.source, _EVENT.c.release)
        .join_from(_EVENT, _USAGE, _USAGE.c.id == _EVENT.c.usage_id)
        .join(_CONSUMER, _CONSUMER.c.id == _USAGE.c.consumer_id)
        .where(*_by(key))
    )
    return {tuple(row) for row in session.execute(query)}


def _by(key: TaskKey) -> list[Any]:
    return [_EVENT.c[part] == value for part, value in vars(key).items()]


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
def _counting(dialect: str, table: Table, unique: tuple[str, ...], latest: tuple[str, ...] = ()) -> Any:
    """Return the statement that adds a row's events to those that are there.

    :param latest: the columns that are as the latest use has them.
    """
    new = _insert(dialect, table)
    old, given = table.c, new.excluded
    newer = or_(
        old.last_at < given.last_at,
        and_(
            old.last_at == given.last_at,
            func.coalesce(old.release, NO_RELEASE) <= func.coalesce(given.release, NO_RELEASE),
        ),
    )
    changed = {
        "events": old.events + given.events,
        "first_at": case((old.first_at > given.first_at, given.first_at), else_=old.first_at),
        "last_at": case((newer, given.last_at), else_=old.last_at),
        **{name: case((newer, given[name]), else_=old[name]) for name in latest},
    }
    return new.on_conflict_do_update(index_elements=list(unique), set_=changed)


@cache
def _covering(dialect: str) -> Any:
    """Return the statement that adds to the counts of a consumer's day."""
    new = _insert(dialect, _COVERAGE)
    sums = {name: _COVERAGE.c[name] + new.excluded[name] for name in COUNTS}
    return new.on_conflict_do_update(index_elements=["consumer_id", "day"], set_=sums)


def _consumers(session: Session, names: Collection[str]) -> dict[str, int]:
    """Return the consumers' numbers, made at their first use."""
    found = dict(_looked_up(session, _CONSUMER.c.name, _CONSUMER.c.id, names))
    missing = sorted(set(names) - found.keys())
    if missing:
        new = _insert(_dialect(session), _CONSUMER).on_conflict_do_nothing(index_elements=["name"])
        session.execute(new, [{"name": name} for name in missing])
        found |= _looked_up(session, _CONSUMER.c.name, _CONSUMER.c.id, missing)
    return found


def _looked_up(session: Session, column: Any, value: Any, wanted: Collection[str]) -> Iterable[tuple[str, int]]:
    names = sorted(wanted)
    for start in range(0, len(names), _AT_ONCE):
        query = select(column, value).where(column.in_(names[start : start + _AT_ONCE]))
        yield from ((name, found) for name, found in session.execute(query))


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


def inserting(session: Session, table: Table) -> Any:
    """Return an INSERT in the words of a session's database, as :func:`_insert` has it."""
    return _insert(_dialect(session), table)


def _insert(dialect: str, table: Table) -> Any:
    """Return an INSERT that can say what happens where the row is there; both databases of the store have it."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
