"""What differs between dialects in how names are looked up."""

from __future__ import annotations

from dataclasses import dataclass

_ALIAS_IN_WHERE = {"snowflake", "duckdb", "clickhouse", "redshift", "sqlite"}
_ALIAS_IN_SELECT = {"snowflake", "duckdb", "databricks", "spark", "redshift", "clickhouse"}
_NO_ALIAS_IN_GROUP = {"tsql", "fabric", "oracle", "trino", "presto", "athena"}
_NO_ALIAS_IN_HAVING = {*_NO_ALIAS_IN_GROUP, "postgres"}
_ALIAS_ALONE_IN_ORDER = {"postgres", "tsql", "fabric"}
_FIELDS = {
    "bigquery",
    "spark",
    "spark2",
    "hive",
    "databricks",
    "duckdb",
    "snowflake",
    "trino",
    "presto",
    "athena",
    "clickhouse",
}
_ROWS = {"postgres", "redshift", "duckdb", "bigquery"}
_RECURSIVE_UNSAID = {"tsql", "fabric", "oracle", "snowflake", "sqlite"}
_AHEAD = {"sqlite"}
_AHEAD_IF_RECURSIVE = {"postgres"}
_OUTWARD = {"sqlite", "mysql"}
_SHARED_SCHEMAS = {"snowflake", "mysql", "bigquery"}
_TEMPORARY_SCHEMAS = {
    "bigquery": {"_session"},
    "databricks": {"global_temp"},
    "duckdb": {"temp"},
    "postgres": {"pg_temp"},
    "redshift": {"pg_temp"},
    "spark": {"global_temp"},
    "sqlite": {"temp"},
}
_PSEUDO = {
    "bigquery": {"_table_suffix", "_partitiontime", "_partitiondate", "_file_name"},
    "postgres": {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"},
    "sqlite": {"rowid", "_rowid_", "oid"},
    "duckdb": {"rowid"},
    "snowflake": {"METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID", "METADATA$FILENAME"},
    "oracle": {"ROWNUM", "ROWID", "LEVEL"},
}


@dataclass(frozen=True)
class Habits:
    """The rules of one dialect.

    :param where, select: whether an output's name can be used in that clause, and a column's goes first.
    :param group, having: whether an output's name can be used in that clause; in ORDER BY it always can.
    :param order_alone: in ORDER BY an output's name stands alone, and a column of that name within an expression.
    :param fields: a dot reaches into a column.
    :param rows: an alias alone is the whole row.
    :param recursive: a CTE can read itself without the word RECURSIVE.
    :param ahead, ahead_if_recursive: a CTE can read those that stand behind it.
    :param outward: a qualified name that the nearest source does not have can be of one further out.
    :param shared: temporary tables are in the same schemas as others.
    :param temporary_schemas: schemas that have nothing but temporary tables.
    :param pseudo: names that look like columns and are none.
    """

    name: str
    where: bool
    select: bool
    group: bool
    having: bool
    order_alone: bool
    fields: bool
    rows: bool
    recursive: bool
    ahead: bool
    ahead_if_recursive: bool
    outward: bool
    shared: bool
    temporary_schemas: frozenset[str]
    pseudo: frozenset[str]


def habits_of(name: str) -> Habits:
    """Return the rules of a dialect by sqlglot's name."""
    return Habits(
        name=name,
        where=name in _ALIAS_IN_WHERE,
        select=name in _ALIAS_IN_SELECT,
        group=name not in _NO_ALIAS_IN_GROUP,
        having=name not in _NO_ALIAS_IN_HAVING,
        order_alone=name in _ALIAS_ALONE_IN_ORDER,
        fields=name in _FIELDS,
        rows=name in _ROWS,
        recursive=name in _RECURSIVE_UNSAID,
        ahead=name in _AHEAD,
        ahead_if_recursive=name in _AHEAD_IF_RECURSIVE,
        outward=name in _OUTWARD,
        shared=name in _SHARED_SCHEMAS,
        temporary_schemas=frozenset(_TEMPORARY_SCHEMAS.get(name, ())),
        pseudo=frozenset(_PSEUDO.get(name, ())),
    )
