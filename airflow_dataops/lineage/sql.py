"""The tables that a statement reads, by name, found by parsing it (sqlglot)."""

from __future__ import annotations

from typing import Any

_SQLGLOT = {"postgresql": "postgres", "mssql": "tsql", "awsathena": "athena", "mariadb": "mysql"}


def tables_read(sql: str, dialect: str) -> tuple[str, ...] | None:
    """Return the tables that ``sql`` reads, sorted, by name; what it writes, CTEs and aliases are left out.

    :param dialect: its name as sqlglot or as a SQLAlchemy driver has it; another one is read as common SQL.
    :return: ``None`` where the statement could not be parsed: unknown, which is not the same as none.
    """
    from sqlglot import Dialect, exp, parse
    from sqlglot.errors import SqlglotError

    try:
        known = Dialect.get(_SQLGLOT.get(dialect, dialect))
        statements = [s for s in parse(sql, dialect=known) if s is not None]
    except SqlglotError:
        return None
    if any(isinstance(s, exp.Command) for s in statements):
        return None
    found: set[str] = set()
    for statement in statements:
        hidden = {cte.alias_or_name for cte in statement.find_all(exp.CTE)}
        written = _written(statement)
        found |= {
            ".".join(part.name for part in table.parts)
            for table in statement.find_all(exp.Table)
            if isinstance(table.this, exp.Identifier)
            and table is not written
            and not (table.name in hidden and not table.db)
        }
    return tuple(sorted(found))


def _written(statement: Any) -> Any:
    """Return the table that a statement writes or makes, if any."""
    from sqlglot import exp

    if not isinstance(statement, exp.Insert | exp.Create | exp.Update | exp.Delete | exp.Merge | exp.Drop | exp.Alter):
        return None
    target = statement.this
    return target.this if isinstance(target, exp.Schema) else target
