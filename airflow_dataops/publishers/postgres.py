"""PostgreSQL: transactional DDL under a short lock time-out; grants and owner follow the name that readers use."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_dataops.core.errors import LockTimeout
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.grants import Grants
from airflow_dataops.publishers.patience import Patience

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}
_DEPENDENTS = """
    SELECT DISTINCT reader.oid::regclass::text FROM pg_depend AS link
    JOIN pg_rewrite AS rule ON link.classid = 'pg_rewrite'::regclass AND link.objid = rule.oid
    JOIN pg_class AS reader ON reader.oid = rule.ev_class
    WHERE link.refclassid = 'pg_class'::regclass AND link.refobjid = to_regclass(?) AND reader.oid <> link.refobjid
    UNION SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass(?)
    ORDER BY 1
"""
# Never the blocker's query: it may hold values. Only who, and since when.
_BLOCKERS = """
    SELECT DISTINCT a.pid, a.application_name, a.usename, extract(epoch FROM now() - a.xact_start)::bigint
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.granted AND l.relation = to_regclass(?) AND l.pid <> pg_backend_pid()
        AND (?::boolean OR l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
    ORDER BY 4 DESC NULLS LAST
"""


class PostgresTarget:
    """How PostgreSQL moves what readers see."""

    name_limit: int | None = 63

    def relation(self, name: str) -> Relation:
        """Return ``nyc``.``flights`` for ``nyc.flights``."""
        return Relation.parse(name)

    def kind(self, db: Database, relation: Relation) -> str | None:
        """Return ``"table"``, ``"view"``, ``"materialized view"``, …, or ``None``."""
        rows = db.execute("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(?)", (relation.sql,))
        return _KINDS.get(rows[0][0], "other object") if rows else None

    def resolve(self, db: Database, relation: Relation) -> Relation | None:
        """Return the relation as the catalogue names it, or ``None``."""
        rows = db.execute(
            "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.oid = to_regclass(?)",
            (relation.sql,),
        )
        return Relation(schema=rows[0][0], name=rows[0][1]) if rows else None

    def prepare(self, db: Database) -> None:
        """Do nothing: PostgreSQL needs no settings outside of the transaction."""

    def ensure_schema(self, db: Database, schema: str) -> None:
        """Create the schema where it is missing; IF NOT EXISTS alone would ask for the right to create one."""
        if not db.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (schema,)):
            db.execute(f"CREATE SCHEMA IF NOT EXISTS {Relation(name=schema).sql}")

    def guard(self, db: Database) -> None:
        """Wait for no lock longer than 100 ms: new readers queue behind a waiting one."""
        db.execute("SET LOCAL lock_timeout = '100ms'")

    def steady(self, db: Database, relation: Relation) -> None:
        """Keep writers off until the end; waiting for this lock is felt by no reader, so it may take longer."""
        # Two seconds: an autovacuum in the way is cancelled after one.
        db.execute("SET LOCAL lock_timeout = '2s'")
        db.execute(f"LOCK TABLE {relation.sql} IN SHARE MODE")
        self.guard(db)

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return lines for a missing right, row-level security, and views that would be left behind."""
        kind = self.kind(db, switch.reader)
        if kind is None:
            return []
        lines = []
        owner, mine, secured = db.execute(
            "SELECT pg_get_userbyid(relowner)::text, pg_has_role(relowner, 'USAGE'), relrowsecurity"
            " FROM pg_class WHERE oid = to_regclass(?)",
            (switch.reader.sql,),
        )[0]
        if not mine:
            lines.append(f"{switch.reader} belongs to {owner}. Connect as {owner}, or as a member of that role.")
        if secured:
            lines.append(
                f"{switch.reader} has row-level security, which a view over releases would not apply. "
                "Use another target, and keep the policies on a view of your own above it."
            )
        moved = kind == "table" or not self._extends(db, switch)
        views = self.dependents(db, switch.reader) if moved else []
        if views:
            why = "is adopted" if kind == "table" else "changes columns that it has"
            lines.append(
                f"{switch.reader} {why}, and these depend on it and would stay with the old: {', '.join(views)}. "
                "Drop them first and create them again afterwards."
            )
        return lines

    def rename(self, db: Database, source: Relation, relation: Relation) -> None:
        """Rename the table, and move it where the schema differs."""
        db.execute(f"ALTER TABLE {source.sql} RENAME TO {Relation(name=relation.name).sql}")
        if relation.schema and relation.schema != source.schema:
            renamed = Relation(schema=source.schema, name=relation.name)
            db.execute(f"ALTER TABLE {renamed.sql} SET SCHEMA {Relation(name=relation.schema).sql}")

    def freeze(self, db: Database, relation: Relation) -> None:
        """Gather statistics, so that the first readers get good plans; autovacuum would come too late."""
        db.execute(f"ANALYZE {relation.sql}")

    def flip(self, db: Database, switch: Switch, patience: Patience) -> None:
        """Replace the view, trying again from a savepoint: what was verified need not be verified again."""
        while True:
            db.execute("SAVEPOINT dataops_flip")
            try:
                self._flip(db, switch)
                return
            except LockTimeout:
                db.execute("ROLLBACK TO SAVEPOINT dataops_flip")
                if not patience.wait():
                    raise

    def _flip(self, db: Database, switch: Switch) -> None:
        kind = self.kind(db, switch.reader)
        grants = Grants.read(db, switch.reader)
        if kind == "view" and self._extends(db, switch):
            self._create(db, "CREATE OR REPLACE VIEW", switch, grants)
            return
        if kind == "view":
            db.execute(f"DROP VIEW {switch.reader.sql}")
        elif switch.adopt and kind == "table":
            self.rename(db, switch.reader, switch.adopt)
        self._create(db, "CREATE VIEW", switch, grants)
        grants.restore(db, switch.reader, columns={column.name for column in db.columns(switch.relation)})

    def _create(self, db: Database, command: str, switch: Switch, grants: Grants) -> None:
        options = f" WITH ({', '.join(grants.options)})" if grants.options else ""
        # Through a sub-select no view is updatable, and the planner sees through it: nobody changes a release by
        # writing to the name that readers use.
        body = f"SELECT * FROM (SELECT * FROM {switch.relation.sql}) AS release"
        db.execute(f"{command} {switch.reader.sql}{options} AS {body}")
        if grants.owner:
            # A view reads with its owner's rights.
            db.execute(f"GRANT SELECT ON {switch.relation.sql} TO {grants.owner}")

    def _extends(self, db: Database, switch: Switch) -> bool:
        """Return whether the release has all columns of the view, first and alike: what REPLACE VIEW asks for."""
        before, after = (
            db.execute(
                "SELECT attname::text, atttypid::bigint, atttypmod, attcollation::bigint FROM pg_attribute"
                " WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (relation.sql,),
            )
            for relation in (switch.reader, switch.relation)
        )
        return after[: len(before)] == before

    def dependents(self, db: Database, relation: Relation) -> list[str]:
        """Return the views that read ``relation``, and the tables whose foreign keys refer to it."""
        return [name for (name,) in db.execute(_DEPENDENTS, (relation.sql, relation.sql))]

    def blockers(self, db: Database, alone: Iterable[Relation], unwritten: Iterable[Relation]) -> list[str]:
        """Return who stands in the way: PID, application, user, age of the transaction, and what it holds."""
        found: dict[int, str] = {}
        for relation, reading in [(r, True) for r in alone] + [(r, False) for r in unwritten]:
            for pid, application, user, seconds in db.execute(_BLOCKERS, (relation.sql, reading)):
                name = f"application {application!r}" if application else "an unnamed application"
                age = f", in a transaction for {seconds} s" if seconds is not None else ""
                found.setdefault(pid, f"PID {pid} ({name}, user {user}{age}) holds {relation}")
        return list(found.values())
