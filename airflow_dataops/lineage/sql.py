"""The tables that a statement reads, by name, found by parsing it (sqlglot)."""

from __future__ import annotations


def tables_read(sql: str, dialect: str) -> tuple[str, ...] | None:
    """Return the tables that ``sql`` reads, sorted, as they are written; CTEs and aliases are not tables.

    :param dialect: sqlglot's name of it.
    :return: ``None`` where the statement could not be parsed: unknown, which is not the same as none.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree = parse_one(sql, dialect=dialect)
    except SqlglotError:
        return None
    hidden = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    found = {
        ".".join(part.name for part in table.parts)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and not (table.name in hidden and not table.db)
    }
    return tuple(sorted(found))
