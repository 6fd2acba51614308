"""Fingerprints: a marker of a relation's whole content, cheap enough for a gate's snapshot and the same in a switch's.

PostgreSQL: which transactions wrote the rows that are there, the table's identity and its columns; a view, which has no
rows of its own, by content. DuckDB and SQLite: the sum of all rows' hashes.
"""

from __future__ import annotations

import hashlib

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.core.ports import Database
from airflow_dataops.core.relations import Relation

# Names a whole row; a column of the same name would be hashed in its stead.
_ROW = "dataops_whole_row"


def fingerprint(db: Database, relation: Relation) -> str:
    """Return the relation's fingerprint, read in the caller's transaction or snapshot.

    :raises MeasureError: there is no such relation, or the database cannot hash its rows.
    :raises ConfigurationError: the database is not supported.
    """
    measure = {"duckdb": _duckdb, "postgres": _postgres, "sqlite": _sqlite}.get(db.dialect)
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
