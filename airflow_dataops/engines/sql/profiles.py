"""What an engine's statistics say of a source: estimates, good for choosing a plan and never for an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from airflow_dataops.core.metrics import Schema
from airflow_dataops.core.ports import Database
from airflow_dataops.engines.sql.dialects import rules_of
from airflow_dataops.engines.sql.sources import Source

_SHARE_OF_FEW = 0.1
"""Up to this share of different values grouping pays: 1M rows of text against a regex on PostgreSQL, 0.65 s for each
row's: grouped 0.21 s for 30,000 values, 0.32 s for 100,000 and 0.78 s for 300,000."""
_IN_ORDER = 0.95
_SAMPLE_ROWS = 20_000
_SAMPLE_PAGES = 200
_RECORD_HASH = 140_000
"""The first PostgreSQL that hashes a row to 64 bits."""
_APPROXIMATELY = re.compile(r"approx.?unique\D+(\d+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Estimates about a source.

    :param few: columns, as stored, whose values repeat so often that grouping them is cheaper than a look at each.
    :param in_order: columns in whose order the rows are stored, nearly.
    :param hashes_rows: whether the server hashes several columns to 64 bits at once.
    """

    few: frozenset[str] = frozenset()
    in_order: frozenset[str] = frozenset()
    hashes_rows: bool = False


def profile_of(
    db: Database, source: Source, schema: Schema, *, texts: Collection[str], keys: Collection[str]
) -> Profile:
    """Return what the engine says of itself, or a sample of a few thousand rows where it says nothing.

    :param texts: columns, as stored, that would be worth grouping if they had few values.
    :param keys: columns, as stored, that would be worth sorting if the rows were in their order.
    """
    look = _LOOKS.get(db.dialect)
    wanted = [name for name in schema.names if name in texts or name in keys]
    return look(db, source, wanted, frozenset(texts)) if look and wanted else Profile()


def _postgres(db: Database, source: Source, wanted: list[str], texts: frozenset[str]) -> Profile:
    if source.relation is None:
        return Profile()
    marks = ", ".join("?" for _ in wanted)
    rows = db.execute(
        "SELECT current_setting('server_version_num')::int, GREATEST(c.reltuples, 1)::float8, c.relkind::text,"
        " pg_relation_size(c.oid) / current_setting('block_size')::int, s.attname, s.n_distinct, s.correlation"
        " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname"
        f" AND s.attname IN ({marks}) WHERE c.oid = to_regclass(?) ORDER BY s.inherited",
        (*wanted, source.relation.sql),
    )
    version, size, kind, pages = rows[0][:4]
    told = {name: (distinct, order) for *_, name, distinct, order in rows if name is not None}
    share = {name: -distinct if distinct < 0 else distinct / size for name, (distinct, _) in told.items()}
    few = {name for name, part in share.items() if part <= _SHARE_OF_FEW}
    untold = sorted(texts - told.keys())
    if untold and kind in ("r", "m") and pages > _SAMPLE_PAGES:  # not analysed yet, as a table that was just built
        percent = f"{100 * _SAMPLE_PAGES / pages:.6f}"
        few |= _few(db, source.dialect, untold, f"{source.relation.sql} TABLESAMPLE SYSTEM ({percent})")
    return Profile(
        few=frozenset(few),
        in_order=frozenset(name for name, (_, order) in told.items() if (order or 0) >= _IN_ORDER),
        hashes_rows=version >= _RECORD_HASH,
    )


def _duckdb(db: Database, source: Source, wanted: list[str], texts: frozenset[str]) -> Profile:
    if source.relation is None:  # then a sample must tell, which for a key that is sorted anyway is not worth it
        asked = [name for name in wanted if name in texts]
        rows = f"({source.query}\n) AS data"
        return Profile(few=_few(db, source.dialect, asked, rows)) if asked and _plain(source) else Profile()
    asked = wanted
    quoted = [rules_of("duckdb").quoted(name) for name in asked]
    stats = ", ".join(f"CAST(STATS({name}) AS VARCHAR)" for name in quoted)
    # Whether it is a view, which keeps no statistics, and how many rows there are.
    tables = db.execute(
        "SELECT estimated_size FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = COALESCE(?, current_schema()) AND lower(table_name) = lower(?)",
        (source.relation.schema, source.relation.name),
    )
    told = db.execute(f"SELECT {stats} FROM {source.relation.sql} LIMIT 1") if tables else []
    if not told:
        return Profile()
    size = max(tables[0][0], 1)
    found = {name: _APPROXIMATELY.search(text or "") for name, text in zip(asked, told[0], strict=True)}
    return Profile(
        few=frozenset(name for name, match in found.items() if match and int(match[1]) <= _SHARE_OF_FEW * size)
    )


_LOOKS: Mapping[str, Callable[[Database, Source, list[str], frozenset[str]], Profile]] = {
    "duckdb": _duckdb,
    "postgres": _postgres,
}


def _few(db: Database, dialect: str, names: list[str], rows: str) -> frozenset[str]:
    """Return the columns of which a sample shows most values more than once.

    The number of different values is estimated from the sample and its values that are there once, as PostgreSQL's
    ANALYZE does (Haas and Stokes), for a table without an end; it must not be larger than the sample.
    """
    selects = [
        f"SELECT {index}, COUNT(*), COALESCE(SUM(members), 0), COUNT(CASE WHEN members = 1 THEN 1 END) FROM"
        f" (SELECT COUNT(*) AS members FROM (SELECT {name} FROM {rows} LIMIT {_SAMPLE_ROWS}) AS sample"
        f" GROUP BY {name}) AS grouped"
        for index, name in enumerate(rules_of(dialect).quoted(name) for name in names)
    ]
    few = set()
    for index, values, seen, once in db.execute(" UNION ALL ".join(selects)):
        if seen > once and seen * values / (seen - once) <= _SAMPLE_ROWS / 2:
            few.add(names[index])
    return frozenset(few)


def _plain(source: Source) -> bool:
    """Whether a query is all rows of one relation or file, so that its first rows cost little."""
    try:
        query = parse_one(source.query or "", dialect=source.dialect)
    except SqlglotError:
        return False
    if not isinstance(query, exp.Select) or query.expressions != [exp.Star()]:
        return False
    parts = {key for key, part in query.args.items() if part}
    return parts <= {"expressions", "from", "from_"} and not list(query.find_all(exp.Subquery, exp.Join))
