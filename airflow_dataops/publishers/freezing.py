"""Keeping releases from being changed, where that is asked for: the database itself refuses, and says which release."""

from __future__ import annotations

import hashlib

from airflow_dataops.core.errors import LockTimeout, MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.publishers.grants import Grants

WRITES = ("INSERT", "UPDATE", "DELETE")
SAID = "is a frozen release: stage a new one instead of changing it"

# One function for all releases of a schema, beside the pointer; it stays when they go.
_FUNCTION = f"""
CREATE FUNCTION {{function}}() RETURNS trigger LANGUAGE plpgsql AS $dataops$
BEGIN RAISE EXCEPTION '%.% {SAID}', TG_TABLE_SCHEMA, TG_TABLE_NAME; END
$dataops$
"""
_WRITE = ", ".join((*WRITES, "TRUNCATE"))
_MAY_NOT_LOCK = """
    SELECT quote_ident(pg_get_userbyid(relowner)::text) FROM pg_class
    WHERE oid = to_regclass(?) AND NOT has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE')
"""


def by_triggers(db: Database, relation: Relation) -> None:
    """Let PostgreSQL refuse every write to ``relation``, whoever writes; part of a transaction."""
    function = Relation(schema=relation.schema, name="dataops_frozen").sql
    # Two that build at once would both make the function.
    db.execute("SELECT pg_advisory_xact_lock(hashtext('dataops_frozen'))")
    if db.execute("SELECT to_regprocedure(?) IS NULL", (f"{function}()",)) == [(True,)]:
        db.execute(_FUNCTION.format(function=function))
    db.execute(
        f"CREATE TRIGGER dataops_frozen BEFORE {' OR '.join((*WRITES, 'TRUNCATE'))} ON {relation.sql}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    )


def by_grants(db: Database, relation: Relation) -> None:
    """Take the right to write to ``relation`` from everybody, its owner included, who can grant it to itself again."""
    kept = Grants.read(db, relation)
    for role in sorted({grant.role for grant in kept.grants} | {str(kept.owner)}):
        # CASCADE: whoever was granted the right by others loses it as they do.
        db.execute(f"REVOKE {_WRITE} ON {relation.sql} FROM {role} CASCADE")


def lock_against_writers(db: Database, relation: Relation, *, patience: str, after: str) -> None:
    """Keep writers, not readers, off a PostgreSQL table until the transaction ends.

    :param patience: how long to wait for that lock.
    :param after: how long to wait for those that follow.

    That takes a right to write, which the owner of a table that is frozen by grants has for this moment alone.
    """
    owner = next((owner for (owner,) in db.execute(_MAY_NOT_LOCK, (relation.sql,))), None)
    statements = [
        f"SET LOCAL lock_timeout = '{patience}'",
        f"LOCK TABLE {relation.sql} IN SHARE MODE",
        f"SET LOCAL lock_timeout = '{after}'",
    ]
    if owner is not None:
        right = f"TRUNCATE ON {relation.sql}"
        statements = [f"GRANT {right} TO {owner}", *statements, f"REVOKE {right} FROM {owner}"]
    try:
        db.execute("; ".join(statements))  # each way to the server and back is felt
    except MeasureError as error:
        # Another switch has granted it in this moment: an internal error, whose words are never translated.
        if "tuple concurrently updated" not in str(error):
            raise
        raise LockTimeout(str(error)) from error


def by_row_triggers(db: Database, relation: Relation) -> None:
    """Let MariaDB or MySQL refuse every row that is written to ``relation``; TRUNCATE they do not ask about."""
    told = f"{relation.name} {SAID}".replace("\\", "\\\\").replace("'", "''")
    mark = hashlib.sha256(relation.name.encode()).hexdigest()[:16]
    for action in WRITES:
        trigger = Relation(schema=relation.schema, name=f"dataops_frozen_{mark}_{action.lower()}").quoted("`")
        db.execute(
            f"CREATE TRIGGER {trigger} BEFORE {action} ON {relation.quoted('`')} FOR EACH ROW"
            f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{told}'"
        )
