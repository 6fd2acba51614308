"""PostgreSQL's counters: statements by role (``pg_stat_statements``), and scans of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_dataops.core.errors import ConfigurationError
from airflow_dataops.core.harvest import Look, Ran, grown
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.usage import Touch

_WHERE = """
SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace
WHERE extname = 'pg_stat_statements'
"""
_INFO = "SELECT stats_reset, dealloc FROM {}.pg_stat_statements_info"
_STATEMENTS = """
SELECT concat_ws('/', userid, queryid, toplevel), coalesce(rolname, userid::text), query, calls
FROM {}.pg_stat_statements LEFT JOIN pg_roles AS r ON r.oid = userid
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_MAY_SEE = "SELECT current_user, pg_has_role('pg_read_all_stats', 'USAGE')"
_RESET = "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"
_SCANS = """
SELECT wanted.name, relid, coalesce(seq_scan, 0) + coalesce(idx_scan, 0), {}
FROM (VALUES {}) AS wanted (name) JOIN pg_stat_user_tables ON relid = to_regclass(wanted.name)
"""
_LAST = "greatest(last_seq_scan, last_idx_scan)"
_HAS_LAST = 160000
UNKNOWN = "unknown reader"
"""Whose reads a table's counters tell of."""


def statements_run(db: Database, before: Mapping[str, Any] | None, since: datetime | None, now: datetime) -> Look:
    """Return which statements ran more often than at the last look; at the first, since the counters began.

    :param before: the last look's state.
    :param since: the last look's ``since``.
    :raises ConfigurationError: the extension is not there, or hides other roles' statements; says what to do.
    """
    place = _extension(db)
    reset, dropped = db.execute(_INFO.format(place))[0]
    rows = db.execute(_STATEMENTS.format(place))
    marker, last = reset.isoformat(), before or {}
    same = last.get("reset") == marker
    new = grown({key: int(calls) for key, _, _, calls in rows}, last["calls"] if same else {})
    ran = [Ran(role=role, sql=query, at=now, count=new[key]) for key, role, query, _ in rows if query and key in new]
    return Look(
        ran=tuple(ran),
        state={"reset": marker, "dropped": dropped, "calls": {key: int(calls) for key, _, _, calls in rows}},
        since=since if same and since else reset,
        bad=sum(new[key] for key, _, query, _ in rows if not query and key in new),
        gaps=int(dropped > (last["dropped"] if same else 0)),
    )


def _extension(db: Database) -> str:
    """Return the schema in which the statements are counted."""
    user, sees = db.execute(_MAY_SEE)[0]
    if not sees:
        raise ConfigurationError(
            f"Role {user} sees no other role's statements in pg_stat_statements: GRANT pg_read_all_stats TO {user}."
        )
    found = db.execute(_WHERE)
    if not found:
        raise ConfigurationError(
            "pg_stat_statements is not in this database: add it to shared_preload_libraries, restart the server, and "
            "run CREATE EXTENSION pg_stat_statements. Without it give source='pg_stat_user_tables', or a log."
        )
    return str(found[0][0])


def tables_scanned(
    db: Database,
    relations: Sequence[Relation],
    before: Mapping[str, Any] | None,
    since: datetime | None,
    now: datetime,
) -> Look:
    """Return which tables were scanned since the last look; the first look at a table is where its counting begins.

    Who scanned is not known. When is known from PostgreSQL 16 on; else it is now.
    """
    reset = db.execute(_RESET)[0][0]
    version = int(db.execute("SELECT current_setting('server_version_num')")[0][0])
    names = {relation.sql: str(relation) for relation in relations}
    values = ", ".join(["(?::text)"] * len(names))
    column = _LAST if version >= _HAS_LAST else "NULL::timestamptz"
    rows = db.execute(_SCANS.format(column, values), tuple(names)) if names else []
    counts = {f"{names[name]}/{relid}": int(scans) for name, relid, scans, _ in rows}
    marker, last = reset.isoformat() if reset else "", before or {}
    known = {key: last["scans"].get(key, counts[key]) for key in counts} if before else counts
    new = grown(counts, known)
    ran = [
        Ran(role=UNKNOWN, sql="", at=at or now, count=new[key], reads=(Touch(relation=names[name], columns=None),))
        for name, relid, _, at in rows
        if (key := f"{names[name]}/{relid}") in new
    ]
    begun = since if since and last.get("reset") == marker else None
    return Look(ran=tuple(ran), state={"reset": marker, "scans": counts}, since=begun or now)
