"""Fingerprints: a marker of a relation's whole content, cheap enough for a gate's snapshot and the same in a switch's.

PostgreSQL: which transactions wrote the rows that are there, the table's identity and its columns; a view, which has no
rows of its own, by content. DuckDB, SQLite, MariaDB and MySQL: the sum of all rows' hashes. Where a session knows the
identity of a relation's content (Iceberg: table, snapshot and schema), that.
"""

from __future__ import annotations

import hashlib

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Column, Relation

# Names a whole row; a column of the same name would be hashed in its stead.
_ROW = "dataops_whole_row"

# How MariaDB's and MySQL's types become a text that no two values share: as they are, quoted, in digits, or by a hash,
# as a row's text must not outgrow what the server holds in memory.
_MYSQL: dict[str, str] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "year"), "{}"),
    **dict.fromkeys(("date", "time", "datetime", "timestamp"), "{}"),
    "float": "{} + 0e0",  # its own text has six digits
    "bit": "{} + 0",
    **dict.fromkeys(("char", "varchar", "enum", "set", "inet4", "inet6", "uuid"), "QUOTE(CONVERT({} USING utf8mb4))"),
    **dict.fromkeys(("binary", "varbinary"), "HEX({})"),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), "SHA2({}, 256)"),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext", "json"), "SHA2(CONVERT({} USING utf8mb4), 256)"),
}


def fingerprint(db: Database, relation: Relation) -> str:
    """Return the relation's fingerprint, read in the caller's transaction or snapshot.

    :raises MeasureError: there is no such relation, or the database cannot hash its rows.
    :raises ConfigurationError: the database is not supported.
    """
    told = db.identity(relation)
    if told is not None:
        return told
    measure = {"duckdb": _duckdb, "mysql": _mysql, "postgres": _postgres, "sqlite": _sqlite}.get(db.dialect)
    if measure is None:
        raise ConfigurationError(f"No fingerprint is known for the database {db.dialect!r}.")
    columns = db.columns(relation)
    if not columns:
        raise MeasureError(f"there is no table {relation}")
    digest = hashlib.sha256(repr([(column.name, column.type) for column in columns]).encode()).hexdigest()[:12]
    return f"{measure(db, relation)}:{digest}"


def _duckdb(db: Database, relation: Relation) -> str:
    # A sum and not an exclusive or, which a row inserted twice would leave as it was.
    sql = f"SELECT count(*), sum(hash({_ROW})::hugeint), version() FROM {relation.sql} AS {_ROW}"
    rows, total, version = db.execute(sql)[0]
    return f"duckdb-{version}:{rows}:{total or 0}"


def _postgres(db: Database, relation: Relation) -> str:
    oid, kind, missing = db.execute(
        "SELECT c.oid, c.relkind::text, (SELECT md5(COALESCE(string_agg(a.attnum || ':' || a.attmissingval::text, ','"
        " ORDER BY a.attnum), '')) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0)"
        " FROM pg_class AS c WHERE c.oid = to_regclass(?)",
        (relation.sql,),
    )[0]
    if kind in ("r", "p", "m"):
        # ADD COLUMN … DEFAULT writes no row: its value is in the catalogue only.
        rows, total = db.execute(f"SELECT count(*), sum(hashtext(xmin::text)::bigint) FROM {relation.sql}")[0]
        return f"postgres-xmin:{oid}:{rows}:{total or 0}:{missing[:12]}"
    rows, total = db.execute(
        f"SELECT count(*), sum(hash_record_extended({_ROW}, 0)::numeric) FROM {relation.sql} AS {_ROW}"
    )[0]
    return f"postgres-rows:{oid}:{rows}:{total or 0}"


def _sqlite(db: Database, relation: Relation) -> str:
    names = ", ".join(Relation(name=column.name).sql for column in db.columns(relation))
    rows, total = db.execute(f"SELECT count(*), dataops_sum64(dataops_row_hash({names})) FROM {relation.sql}")[0]
    return f"sqlite:{rows}:{total}"


def _mysql(db: Database, relation: Relation) -> str:
    # A cryptographic hash: of linear ones, such as CRC32, two rows that swap a value can have the same sum.
    row = ", ',', ".join(_mysql_text(relation, column) for column in db.columns(relation))
    number = f"CAST(CONV(LEFT(SHA2(CONCAT({row}), 256), 16), 16, 10) AS UNSIGNED)"
    rows, hashed, total = db.execute(
        f"SELECT COUNT(*), COUNT(number), SUM(number) FROM (SELECT {number} AS number FROM {relation.quoted('`')})"
        " AS hashes"
    )[0]
    if rows != hashed:
        raise MeasureError(
            f"{relation} has no fingerprint: {rows - hashed} of its {rows} rows are larger than the server's "
            "max_allowed_packet. Raise that"
        )
    return f"mysql:{rows}:{total or 0}"


def _mysql_text(relation: Relation, column: Column) -> str:
    """Return an expression for a column's value as a text that is empty for no value.

    :raises MeasureError: values of its type are not known to have one.
    """
    bare = column.type.lower().partition("(")[0].partition(" ")[0]
    if bare not in _MYSQL:
        raise MeasureError(
            f"{relation} has no fingerprint: its column {column.name} is of type {column.type}, expected one of "
            f"{', '.join(sorted(_MYSQL))}. Build the release without it, or with a text of it"
        )
    name = Relation(name=column.name).quoted("`")
    return f"IF({name} IS NULL, '', {_MYSQL[bare].format(name)})"
