"""A table's own constraints as proofs: what the database has enforced on every row need not be counted.

Three-valued: what is not certain is unknown. Views, foreign tables and parents of inheritance vouch for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from airflow_dataops.core.metrics import Count, Distinct, Known, Metric, Repeats, Schema
from airflow_dataops.core.ports import Database
from airflow_dataops.core.predicates import And, IsNull, Not, Predicate
from airflow_dataops.core.proofs import Bounds, Statistics
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.proofs.conditions import bounds_in
from airflow_dataops.engines.sql.kinds import is_float


@dataclass(frozen=True, kw_only=True)
class Key:
    """Columns of which no two rows hold the same values.

    :param nulls_too: whether null equals null for the database.
    """

    columns: frozenset[str]
    nulls_too: bool = False


@dataclass(kw_only=True)
class Enforced:
    """What the database enforces on a table.

    :param not_null: columns without a null.
    :param checks: conditions that are true, or unknown, of every row, in the database's SQL.
    """

    not_null: set[str] = field(default_factory=set)
    keys: list[Key] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)


class Constraints:
    """Vouches for what a table's constraints say: a :class:`~airflow_dataops.core.ports.Voucher`."""

    def __init__(self, by: str, dialect: str, schema: Schema, enforced: Enforced) -> None:
        self._by = by
        self._schema = schema
        self._keys = enforced.keys
        # NaN is a value for the database and none for a suite: NOT NULL says nothing of a float's, where there is NaN.
        has_nan = dialect not in ("mysql", "sqlite")
        floats = {column.name for column in schema.columns if has_nan and is_float(column.type)}
        self._not_null = enforced.not_null - floats
        self._keys = [key for key in enforced.keys if not (key.nulls_too and key.columns & floats)]
        said = bounds_in(enforced.checks, dialect, schema)
        unique = {next(iter(key.columns)) for key in self._keys if len(key.columns) == 1}
        self._bounds = {
            name: Bounds(
                low=said[name].low if name in said else None,
                high=said[name].high if name in said else None,
                exact=False,
                among=said[name].among if name in said else None,
                nulls=0 if name in self._not_null else None,
                unique=name in unique,
            )
            for name in {*self._not_null, *said, *unique}
        }
        self._statistics = Statistics(by=by, rows=None, bounds_of=self._bounds_of)

    def _bounds_of(self, column: str) -> Bounds | None:
        stored = self._schema.find(column)
        return None if stored is None else self._bounds.get(stored)

    def known(self, metric: Metric) -> Known | None:
        """Return the metric's value if the constraints say it; ``None``, unknown, if not."""
        match metric:
            case Repeats(columns, where) if self._has_key(columns, where):
                return Known(by=self._by, value=0)
            case Distinct(columns, where) if self._has_key(columns, where):
                return Known(by=self._by, same_as=Count(where))
        return self._statistics.known(metric)

    def _has_key(self, columns: tuple[str, ...], where: Predicate | None) -> bool:
        """Whether no two of the rows are alike in ``columns``: a key is among these, and null in none of the rows."""
        names = {self._schema.find(column) for column in columns}
        terms = where.terms if isinstance(where, And) else (where,)
        there = self._not_null | {
            self._schema.find(term.term.column)
            for term in terms
            if isinstance(term, Not) and isinstance(term.term, IsNull)
        }
        return any(key.columns <= names and (key.nulls_too or key.columns <= there) for key in self._keys)


def constraints_of(db: Database, relation: Relation, schema: Schema) -> Constraints | None:
    """Return what vouches for a table, read in the caller's snapshot; ``None`` where nothing does."""
    read = _READERS.get(db.dialect)
    enforced = read[1](db, relation) if read else None
    if read is None or enforced is None or not (enforced.not_null or enforced.keys or enforced.checks):
        return None
    return Constraints(f"{read[0]} constraints", db.dialect, schema, enforced)


# One row for each fact: NOT NULL, a unique index's columns, a CHECK. In each a text, then whether nulls are equal.
_POSTGRES = """
WITH relation AS (
  SELECT c.oid, c.relkind FROM pg_class AS c WHERE c.oid = to_regclass(?) AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_inherits AS i WHERE i.inhparent = c.oid AND c.relkind = 'r')
    AND NOT EXISTS (
      SELECT 1 FROM pg_inherits AS i JOIN pg_class AS part ON part.oid = i.inhrelid
      WHERE i.inhparent = c.oid AND part.relkind NOT IN ('r'))
)
SELECT 'null', ARRAY[a.attname::text], NULL, false FROM pg_attribute AS a JOIN relation AS r ON a.attrelid = r.oid
  WHERE a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped AND NOT EXISTS (
    SELECT 1 FROM pg_constraint AS n
    WHERE n.conrelid = r.oid AND n.contype = 'n' AND a.attnum = ANY (n.conkey) AND NOT n.convalidated)
UNION ALL
SELECT 'key', ARRAY(
    SELECT a.attname::text FROM pg_attribute AS a
    WHERE a.attrelid = r.oid AND a.attnum = ANY ((x.indkey::int2[])[0:x.indnkeyatts - 1])
  ), NULL, COALESCE((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false)
  FROM pg_index AS x JOIN relation AS r ON x.indrelid = r.oid
  WHERE x.indisunique AND x.indisvalid AND x.indimmediate AND NOT x.indcheckxmin
    AND x.indpred IS NULL AND x.indexprs IS NULL
UNION ALL
SELECT 'check', NULL, pg_get_expr(k.conbin, k.conrelid), false FROM pg_constraint AS k
  JOIN relation AS r ON k.conrelid = r.oid
  WHERE k.contype = 'c' AND k.convalidated AND NOT EXISTS (
    SELECT 1 FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation
    WHERE a.attrelid = r.oid AND a.attnum = ANY (k.conkey) AND NOT c.collisdeterministic)
"""


def _postgres(db: Database, relation: Relation) -> Enforced:
    return _enforced(db.execute(_POSTGRES, (relation.sql,)))


_DUCKDB = """
SELECT CASE constraint_type WHEN 'NOT NULL' THEN 'null' WHEN 'CHECK' THEN 'check' ELSE 'key' END,
  constraint_column_names, expression, false
FROM duckdb_constraints() WHERE database_name = current_database()
  AND schema_name = COALESCE(?, current_schema()) AND lower(table_name) = lower(?)
  AND constraint_type IN ('NOT NULL', 'UNIQUE', 'PRIMARY KEY', 'CHECK')
"""


def _duckdb(db: Database, relation: Relation) -> Enforced:
    return _enforced(db.execute(_DUCKDB, (relation.schema, relation.name)))


def _enforced(rows: Iterable[tuple[str, list[str] | None, str | None, bool]]) -> Enforced:
    enforced = Enforced()
    for fact, columns, condition, nulls_too in rows:
        if fact == "check" and condition:
            enforced.checks.append(condition)
        elif fact == "null":
            enforced.not_null |= set(columns or ())
        elif columns:
            enforced.keys.append(Key(columns=frozenset(columns), nulls_too=nulls_too))
    return enforced


# A CHECK of SQLite can be switched off by whoever writes (PRAGMA ignore_check_constraints), so it proves nothing; a
# primary key holds nulls there, unless its column says NOT NULL or is the row's own number.
_SQLITE_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?{schema}) WHERE hidden <> 1'
_SQLITE_OWN_NUMBER = "SELECT COUNT(*) = 0 FROM pragma_index_list(?{schema}) WHERE origin = 'pk'"
_SQLITE_KEYS = (
    "SELECT l.name, i.name FROM pragma_index_list(?{schema}) AS l, pragma_index_xinfo(l.name{schema}) AS i"
    ' WHERE l."unique" = 1 AND l.partial = 0 AND i.key = 1'
)


def _sqlite(db: Database, relation: Relation) -> Enforced:
    schema = ", ?" if relation.schema else ""
    place = (relation.name, relation.schema) if relation.schema else (relation.name,)
    columns = db.execute(_SQLITE_COLUMNS.format(schema=schema), place)
    enforced = Enforced(not_null={name for name, _, not_null, _ in columns if not_null})
    keyed = [(name, kind) for name, kind, _, position in columns if position]
    ((is_own_number,),) = db.execute(_SQLITE_OWN_NUMBER.format(schema=schema), place)
    # An index of its own says that the key is not the row's number: INTEGER PRIMARY KEY DESC is not, and holds nulls.
    if len(keyed) == 1 and str(keyed[0][1]).upper() == "INTEGER" and is_own_number:
        enforced.not_null.add(keyed[0][0])
        enforced.keys.append(Key(columns=frozenset({keyed[0][0]})))
    indexes: dict[str, list[str | None]] = {}
    for index, name in db.execute(_SQLITE_KEYS.format(schema=schema), place + place[1:]):
        indexes.setdefault(index, []).append(name)
    enforced.keys += [Key(columns=frozenset(names)) for names in _named(indexes)]
    return enforced


# CHECKs of MariaDB, and unique indexes but for the primary key's, can be switched off by whoever writes
# (check_constraint_checks, unique_checks): they prove nothing. A date that is NOT NULL may be 0000-00-00: none.
_MYSQL = """
SELECT c.column_name, NULL FROM information_schema.columns AS c JOIN information_schema.tables AS t
  ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
  WHERE c.table_schema = COALESCE(?, DATABASE()) AND c.table_name = ?
    AND c.is_nullable = 'NO' AND c.data_type NOT IN ('date', 'datetime', 'timestamp')
UNION ALL
SELECT CASE WHEN s.sub_part IS NULL THEN s.column_name END, s.index_name FROM information_schema.statistics AS s
  WHERE s.table_schema = COALESCE(?, DATABASE()) AND s.table_name = ? AND s.index_name = 'PRIMARY'
"""


def _mysql(db: Database, relation: Relation) -> Enforced:
    enforced = Enforced()
    indexes: dict[str, list[str | None]] = {}
    for name, index in db.execute(_MYSQL, (relation.schema, relation.name) * 2):
        if index is None:
            enforced.not_null.add(name)
        else:
            indexes.setdefault(index, []).append(name)
    enforced.keys += [Key(columns=frozenset(names)) for names in _named(indexes)]
    return enforced


def _named(indexes: Mapping[str, list[str | None]]) -> Iterator[list[str]]:
    """Yield the columns of those indexes that are of columns only, and not of expressions."""
    for names in indexes.values():
        named = [name for name in names if name is not None]
        if len(named) == len(names):
            yield named


_READERS: Mapping[str, tuple[str, Callable[[Database, Relation], Enforced]]] = {
    "duckdb": ("DuckDB", _duckdb),
    "mysql": ("MySQL", _mysql),
    "postgres": ("PostgreSQL", _postgres),
    "sqlite": ("SQLite", _sqlite),
}
