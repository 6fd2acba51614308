"""PostgreSQL: transactional DDL under a short lock time-out; grants and owner follow the name that readers use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_dataops.core.errors import LockTimeout
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.publishers.freezing import by_grants, by_triggers, lock_against_writers
from airflow_dataops.publishers.grants import Grants
from airflow_dataops.publishers.patience import Patience
from airflow_dataops.publishers.target import Transactional, refuse_dependents

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
_FITTINGS = """
    SELECT CASE WHEN indisunique THEN 'unique ' ELSE '' END || 'index '
            || regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '')
        FROM pg_index WHERE indrelid = to_regclass(?)
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(?) AND contype <> 'n'
    UNION ALL SELECT 'NOT NULL on ' || quote_ident(attname) FROM pg_attribute
        WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped AND attnotnull
    UNION ALL SELECT CASE WHEN attgenerated <> '' THEN 'the generation of ' ELSE 'the default of ' END
            || quote_ident(attname) || ': ' || pg_get_expr(adbin, adrelid)
        FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = to_regclass(?)
    UNION ALL SELECT 'the identity of ' || quote_ident(attname) || ', with its sequence' FROM pg_attribute
        WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped AND attidentity <> ''
    ORDER BY 1
"""
_SHAPE = """
    SELECT ?::integer, attnum, attname::text, format_type(atttypid, atttypmod),
        CASE WHEN attcollation <> 0 THEN attcollation::regcollation::text END
    FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
"""
_MAY_NOT_READ = """
    SELECT 1 FROM pg_roles
    WHERE NOT has_table_privilege(oid, to_regclass(?), 'SELECT') AND quote_ident(rolname::text) = ?
"""
_PATIENCE = "50ms"
Shape = list[tuple[str, str, str | None]]
"""Each column's name, type and collation, as SQL takes them; in order."""


class PostgresTarget(Transactional):
    """How PostgreSQL moves what readers see."""

    name_limit: int | None = 63
    freezing: Mapping[str, str | None] = {"triggers": None, "grants": None}

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
        """Wait for no lock longer than 50 ms: new readers queue behind a waiting one, and feel as much and a little."""
        db.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")

    def steady(self, db: Database, relation: Relation) -> None:
        """Keep writers off until the end; waiting for this lock is felt by no reader, so it may take longer."""
        # Two seconds: an autovacuum in the way is cancelled after one.
        lock_against_writers(db, relation, patience="2s", after=_PATIENCE)

    def obstacles(self, db: Database, switch: Switch) -> list[str]:
        """Return lines for a missing right, row-level security, and views that would be left behind."""
        rows = db.execute(
            "SELECT relkind::text, pg_get_userbyid(relowner)::text, pg_has_role(relowner, 'USAGE'), relrowsecurity"
            " FROM pg_class WHERE oid = to_regclass(?)",
            (switch.reader.sql,),
        )
        if not rows:
            return []
        lines = []
        kind, owner, mine, secured = _KINDS.get(rows[0][0]), *rows[0][1:]
        if not mine:
            lines.append(f"{switch.reader} belongs to {owner}. Connect as {owner}, or as a member of that role.")
        if secured:
            lines.append(
                f"{switch.reader} has row-level security, which a view over releases would not apply. "
                "Use another target, and keep the policies on a view of your own above it."
            )
        moved = kind == "table" or not self._extends(db, switch.reader, switch.relation)
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

    def freeze(self, db: Database, relation: Relation, by: str | None = None) -> None:
        """Gather statistics, so that the first readers get good plans; autovacuum would come too late."""
        db.execute(f"ANALYZE {relation.sql}")
        if by == "triggers":
            by_triggers(db, relation)
        elif by == "grants":
            by_grants(db, relation)

    def flip(self, db: Database, switches: Sequence[Switch], patience: Patience) -> None:
        """Replace the views, trying again from a savepoint: what was verified need not be verified again.

        It stands before the first: while one view is waited for, readers of the others need not wait.
        """
        while True:
            db.execute("SAVEPOINT dataops_flip")
            try:
                for switch in switches:
                    self._flip(db, switch)
                return
            except LockTimeout:
                db.execute("ROLLBACK TO SAVEPOINT dataops_flip")
                if not patience.wait():
                    raise

    def _flip(self, db: Database, switch: Switch) -> None:
        grants = Grants.read(db, switch.reader)
        self._adopt(db, switch)
        # Through a sub-select no view is updatable, and the planner sees through it: nobody changes a release by
        # writing to the name that readers use.
        body = f"SELECT * FROM (SELECT * FROM {switch.relation.sql}) AS release"
        self._show(db, switch.reader, switch.relation, body, [switch.relation], grants)

    def _adopt(self, db: Database, switch: Switch) -> bool:
        """Rename the plain table under the reader-facing name; return whether there was one."""
        if switch.adopt is None or self.kind(db, switch.reader) != "table":
            return False
        self.rename(db, switch.reader, switch.adopt)
        return True

    def _show(
        self, db: Database, view: Relation, like: Relation, body: str, read: Iterable[Relation], grants: Grants
    ) -> None:
        """Make ``view`` say ``body``, anew where its columns change.

        :param like: has the columns that ``body`` has.
        :param read: what ``body`` reads.
        :param grants: what is kept with the view, or with the table that had its name.
        """
        for relation in read:
            # A view reads with its owner's rights. Nothing is granted twice: the pointer may belong to somebody else.
            if db.execute(_MAY_NOT_READ, (relation.sql, grants.owner)):
                db.execute(f"GRANT SELECT ON {relation.sql} TO {grants.owner}")
        kind = self.kind(db, view)
        replaced = kind == "view" and self._extends(db, view, like)
        if kind == "view" and not replaced:
            db.execute(f"DROP VIEW {view.sql}")
        options = f" WITH ({', '.join(grants.options)})" if grants.options else ""
        db.execute(f"CREATE {'OR REPLACE ' if replaced else ''}VIEW {view.sql}{options} AS {body}")
        if not replaced:
            grants.restore(db, view, columns={column.name for column in db.columns(like)})

    def _extends(self, db: Database, view: Relation, relation: Relation) -> bool:
        """Return whether ``relation`` has all columns of the view, first and alike: what REPLACE VIEW asks for."""
        before, after = shapes(db, view, relation)
        return after[: len(before)] == before

    def hand_back(self, db: Database, view: Relation, table: Relation) -> None:
        """Carry what was granted on the view to the table, too."""
        grants = Grants.read(db, view)
        db.execute(f"DROP VIEW {view.sql}")
        refuse_dependents(table, self.dependents(db, table))
        self.rename(db, table, view)
        grants.restore(db, view, columns={column.name for column in db.columns(view)}, kind="TABLE")

    def fittings(self, db: Database, relation: Relation) -> list[str]:
        """Return indexes, constraints, defaults and identities."""
        return [fitting for (fitting,) in db.execute(_FITTINGS, (relation.sql,) * 5)]

    def grants(self, db: Database, relation: Relation) -> list[str]:
        """Return each grant as SQL says it."""
        return [str(grant) for grant in Grants.read(db, relation).grants]

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


def shape(db: Database, relation: Relation) -> Shape:
    """Return the columns of a table or view; empty where there is no such relation."""
    return shapes(db, relation)[0]


def shapes(db: Database, *relations: Relation) -> list[Shape]:
    """Return the columns of each table or view, asked for at once: each way to the server and back is felt."""
    sql = f"{' UNION ALL '.join([_SHAPE] * len(relations))} ORDER BY 1, 2"
    rows = db.execute(sql, [each for number, relation in enumerate(relations) for each in (number, relation.sql)])
    return [[row[2:] for row in rows if row[0] == number] for number in range(len(relations))]
