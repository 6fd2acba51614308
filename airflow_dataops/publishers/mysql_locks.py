"""MariaDB's and MySQL's locks: the named one of a switch, and who holds which, as far as the server tells."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation

NAMED = "CONCAT('dataops:', LEFT(SHA2(CONCAT(DATABASE(), '.', ?), 256), 48))"
"""The named lock of a reader-facing name: such locks are the whole server's, their names short and without case."""

# MariaDB's plugin, and what MySQL keeps by itself.
_PLUGIN = """
    SELECT DISTINCT thread_id FROM information_schema.metadata_lock_info
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND thread_id <> CONNECTION_ID() AND (? OR
        lock_mode NOT IN ('MDL_SHARED', 'MDL_SHARED_HIGH_PRIO', 'MDL_SHARED_READ', 'MDL_SHARED_READ_ONLY'))
    ORDER BY 1
"""
_KEPT = "SELECT COUNT(*) FROM performance_schema.setup_instruments WHERE name = ? AND enabled = 'YES'"
_INSTRUMENT = "wait/lock/metadata/sql/mdl"
_SCHEMA = """
    SELECT DISTINCT thread.processlist_id FROM performance_schema.metadata_locks AS held
    JOIN performance_schema.threads AS thread ON thread.thread_id = held.owner_thread_id
    WHERE held.object_schema = COALESCE(?, DATABASE()) AND held.object_name = ? AND held.lock_status = 'GRANTED'
        AND thread.processlist_id <> CONNECTION_ID() AND (? OR
        held.lock_type NOT IN ('SHARED', 'SHARED_HIGH_PRIO', 'SHARED_READ', 'SHARED_READ_ONLY'))
    ORDER BY 1
"""
_OLDEST = """
    SELECT trx_mysql_thread_id FROM information_schema.innodb_trx
    WHERE trx_mysql_thread_id NOT IN (0, CONNECTION_ID()) ORDER BY trx_started LIMIT 5
"""
# Never the holder's query: it may hold values. Only who, and since when; transactions begin in the server's own zone.
_WHO = """
    SELECT process.user, SUBSTRING_INDEX(process.host, ':', 1),
        TIMESTAMPDIFF(SECOND, trx.trx_started, CONVERT_TZ(NOW(), @@session.time_zone, 'SYSTEM'))
    FROM information_schema.processlist AS process
    LEFT JOIN information_schema.innodb_trx AS trx ON trx.trx_mysql_thread_id = process.id
    WHERE process.id = ?
"""


def holders(db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
    """Return who switches or uses ``alone``, or writes ``unwritten``, in words.

    Where the server does not tell whose locks these are: whose transactions are open longest. Empty where this user
    may not see that either.
    """
    lines: dict[int, str] = {}
    untold: list[str] = []
    for relation, reading in [(r, True) for r in alone] + [(r, False) for r in unwritten]:
        ((switching,),) = db.execute(f"SELECT IS_USED_LOCK({NAMED})", (relation.name,))
        if switching is not None:
            lines.setdefault(switching, f"{_who(db, switching)} is switching {relation}")
        holding = _holding(db, relation, reading)
        if holding is None:
            untold.append(str(relation))
        for number in holding or ():
            lines.setdefault(number, f"{_who(db, number)} holds {relation}")
    if untold and not lines:
        oldest = [_who(db, number) for number in _asked(db, _OLDEST) or ()]
        if oldest:
            return [
                f"this server does not tell who holds {', '.join(untold)}; in transactions for longest: "
                f"{', '.join(oldest)}"
            ]
    return list(lines.values())


def _holding(db: Database, relation: Relation, reading: bool) -> list[int] | None:
    """Return the connections that hold ``relation``; ``None`` where the server does not tell."""
    parameters = (relation.schema, relation.name, reading)
    found = _asked(db, _PLUGIN, *parameters)
    if found is None and _asked(db, _KEPT, _INSTRUMENT) == [1]:
        found = _asked(db, _SCHEMA, *parameters)
    return found


def _asked(db: Database, sql: str, *parameters: object) -> list[int] | None:
    """Return the numbers that a query yields; ``None`` where there is no such view, or this user may not read it."""
    try:
        return [number for (number,) in db.execute(sql, parameters)]
    except MeasureError:
        return None


def _who(db: Database, number: int) -> str:
    """Return a connection in words."""
    try:
        rows = db.execute(_WHO, (number,))
    except MeasureError:
        rows = []
    if not rows:
        return f"connection {number}"
    user, host, seconds = rows[0]
    age = f", in a transaction for {seconds} s" if seconds is not None else ""
    return f"connection {number} (user {user} from {host}{age})"
