"""What PostgreSQL keeps with a relation and not with its name: owner, grants, options, comment."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation

_ROLE = "CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)::text) END"
_RELATION = """
    SELECT quote_ident(pg_get_userbyid(relowner)::text), CASE relkind WHEN 'v' THEN reloptions END,
        quote_literal(obj_description(oid, 'pg_class'))
    FROM pg_class WHERE oid = to_regclass(?)
"""
_GRANTS = f"""
    SELECT NULL, acl.privilege_type, {_ROLE}, acl.is_grantable
    FROM pg_class AS relation, aclexplode(relation.relacl) AS acl
    WHERE relation.oid = to_regclass(?) AND acl.grantee <> relation.relowner
    UNION ALL SELECT attribute.attname::text, acl.privilege_type, {_ROLE}, acl.is_grantable
    FROM pg_attribute AS attribute, aclexplode(attribute.attacl) AS acl
    WHERE attribute.attrelid = to_regclass(?) AND NOT attribute.attisdropped AND attribute.attacl IS NOT NULL
"""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One privilege of one role, on the relation or on one of its columns; ``role`` is quoted for SQL."""

    privilege: str
    role: str
    grantable: bool
    column: str | None = None

    def __str__(self) -> str:
        column = f" ({self.column})" if self.column is not None else ""
        return f"{self.privilege}{column} to {self.role}"


@dataclass(frozen=True, kw_only=True)
class Grants:
    """Who owns a relation and who may do what with it; empty for one that is not there.

    :param owner: quoted for SQL.
    :param options: a view's own, such as ``security_invoker=true``; REPLACE VIEW would forget them.
    :param comment: quoted for SQL.
    """

    owner: str | None = None
    options: tuple[str, ...] = ()
    comment: str | None = None
    grants: tuple[Grant, ...] = ()

    @classmethod
    def read(cls, db: Database, relation: Relation) -> Grants:
        """Return what is kept with ``relation``."""
        rows = db.execute(_RELATION, (relation.sql,))
        if not rows:
            return cls()
        owner, options, comment = rows[0]
        held = db.execute(_GRANTS, (relation.sql, relation.sql))
        return cls(
            owner=owner,
            options=tuple(options or ()),
            comment=comment,
            grants=tuple(Grant(column=c, privilege=p, role=r, grantable=g) for c, p, r, g in held),
        )

    def restore(self, db: Database, view: Relation, columns: Set[str], *, kind: str = "VIEW") -> None:
        """Give a view that was just created what its predecessor had, and nothing that it had not.

        :param columns: the view's; grants on others went with the columns.
        :param kind: ``TABLE`` where it is a table that takes a view's place.
        """
        if self.owner is None:
            return
        for role in {grant.role for grant in Grants.read(db, view).grants}:
            db.execute(f"REVOKE ALL ON {view.sql} FROM {role}")  # what ALTER DEFAULT PRIVILEGES gave it
        for grant in self.grants:
            if grant.column is not None and grant.column not in columns:
                continue
            column = f" ({Relation(name=grant.column).sql})" if grant.column is not None else ""
            option = " WITH GRANT OPTION" if grant.grantable else ""
            db.execute(f"GRANT {grant.privilege}{column} ON {view.sql} TO {grant.role}{option}")
        if self.comment is not None:
            db.execute(f"COMMENT ON {kind} {view.sql} IS {self.comment}")
        db.execute(f"ALTER {kind} {view.sql} OWNER TO {self.owner}")
