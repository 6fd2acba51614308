"""A catalogue's tables, and their tags and branches, as relations of an embedded DuckDB."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from airflow_dataops.core.ports import Voucher
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.embedded import text
from airflow_dataops.engines.files import connected
from airflow_dataops.engines.iceberg.catalogue import Catalogue
from airflow_dataops.engines.iceberg.reading import columns_of, reading_of
from airflow_dataops.engines.iceberg.snapshot import Snapshot, understood
from airflow_dataops.engines.viewing import ViewingSession

# The session's own database, and the one that holds what must be loaded.
_HOME, _BESIDE = "memory.main", "dataops_loaded"

log = logging.getLogger(__name__)


class IcebergSession(ViewingSession):
    """A session in which ``nyc.flights`` is what the table's readers get, and ``nyc.flights.tag_x`` a tag of it.

    Each table is looked up once: what a session reads of it and of its tags and branches is one state. A namespace is
    a database in memory beside the session's own: so a tag can be written in three parts, as Spark does, or in two.

    :param connection: an embedded DuckDB.
    """

    def __init__(self, connection: Any, catalogue: Catalogue) -> None:
        super().__init__(connection, self._query)
        self._catalogue = catalogue
        self._plain = DbApiSession(connection, "duckdb")
        ((folder,),) = self._plain.execute("SELECT current_setting('temp_directory')")
        self._file = f"{folder}/loaded.duckdb"
        self._tables: dict[Relation, Any] = {}
        self._snapshots: dict[Relation, Snapshot] = {}
        self._made: set[Relation] = set()
        self._numbers = itertools.count()

    def columns(self, relation: Relation) -> list[Column]:
        """Return the relation's columns in order, without reading a row; empty where there is no such relation."""
        snapshot = self._snapshot(relation)
        return columns_of(self._plain, self._connection, snapshot) if snapshot else []

    def vouchers(self, relation: Relation) -> tuple[Voucher, ...]:
        """Return what the manifests say, where no row of their files is deleted."""
        snapshot = self._snapshot(relation)
        if snapshot is None:
            return ()
        with understood(snapshot.name):
            return () if snapshot.has_deletes else (snapshot.manifests(),)

    def identity(self, relation: Relation) -> str | None:
        """Return which snapshot of which table it is, and by which columns, without reading a row."""
        table, number = self._found(relation)
        if table is None:
            return None
        snapshot = table.snapshot_by_id(number) if number else table.current_snapshot()
        schema = snapshot.schema_id if number and snapshot.schema_id is not None else table.metadata.current_schema_id
        return f"iceberg:{table.metadata.table_uuid}:{snapshot.snapshot_id if snapshot else None}:{schema}"

    def stream(self, sql: str, take: Callable[[Any], Any]) -> Any:
        """Run a SELECT, hand its rows to ``take`` as a reader of Arrow batches, and return what that returns."""
        from pyarrow import RecordBatchReader

        self.describe(sql)  # makes views of what it reads
        with self._driver.understanding(), self._running(self._connection):
            rows = self._connection.sql(sql)
            # Its name since DuckDB 1.5, and the one before.
            reader = (getattr(rows, "to_arrow_reader", None) or rows.fetch_record_batch)()
            return take(RecordBatchReader.from_batches(reader.schema, _batches(reader)))

    def _found(self, relation: Relation) -> tuple[Any, int | None]:
        """Return the table and the id of the snapshot that is meant, ``None`` for what its readers get."""
        if not relation.schema:
            return None, None
        name, _, ref = relation.name.partition(".")
        key = Relation(schema=relation.schema, name=name)
        if key not in self._tables:
            self._tables[key] = self._catalogue.table(key)
        table = self._tables[key]
        if table is None or not ref:
            return table, None
        kind, _, called = ref.partition("_")
        found = table.metadata.refs.get(called)
        if found is None or found.snapshot_ref_type.value != kind:
            return None, None
        return table, found.snapshot_id

    def _snapshot(self, relation: Relation) -> Snapshot | None:
        """Return the snapshot that a relation stands for; ``None`` if there is no such relation."""
        if relation not in self._snapshots:
            table, number = self._found(relation)
            if table is None:
                return None
            with understood(str(relation)):
                self._snapshots[relation] = Snapshot(table, str(relation), None, number)
        return self._snapshots[relation]

    def _view(self, relation: Relation) -> bool:
        """Make a view of the relation if it can be found and is not there; return whether it was made."""
        query = None if relation in self._made else self._query(relation)
        if query is None:
            return False
        namespace, name = (Relation(name=part).sql for part in (relation.schema or "", relation.name))
        self._plain.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {namespace}")
        self._plain.execute(f"CREATE VIEW {namespace}.main.{name} AS {query}")
        table, _, ref = (Relation(name=part).sql for part in relation.name.partition("."))
        if "." in relation.name:
            self._plain.execute(f"CREATE SCHEMA IF NOT EXISTS {namespace}.{table}")
            self._plain.execute(f"CREATE VIEW {namespace}.{table}.{ref} AS FROM {namespace}.main.{name}")
        self._made.add(relation)
        return True

    def _query(self, relation: Relation) -> str | None:
        """Return the SELECT of a relation's rows."""
        snapshot = self._snapshot(relation)
        if snapshot is None:
            return None
        with understood(snapshot.name):
            why = snapshot.refusal()
        view = f"dataops_{next(self._numbers)}"
        if why is None:
            read = reading_of(self._plain, self._connection, snapshot, "", view=f"{_HOME}.{view}")
            if read.query is not None:
                return read.query
            why = read.why
        if snapshot.data_files:
            log.info("%s: read whole through PyIceberg, once, because %s", snapshot.label, why)
            self._plain.execute(f"ATTACH IF NOT EXISTS {text(self._file)} AS {_BESIDE}")
        table = f"{_BESIDE if snapshot.data_files else _HOME}.{view}"
        snapshot.load(self._plain, self._connection, table)
        return f"SELECT * FROM {table}"


def _batches(reader: Any) -> Iterator[Any]:
    """Yield the batches; what DuckDB raises in their midst is an error of its own again, whose values are told by none.

    Arrow hands it over as one of the system.
    """
    import duckdb
    from pyarrow import ArrowException

    try:
        yield from reader
    except (OSError, ArrowException) as error:
        kind = "".join(str(error).partition(" Error:")[0].title().split())
        raise getattr(duckdb, f"{kind}Exception", duckdb.InvalidInputException)(str(error)) from None


@contextlib.contextmanager
def opened_session(catalogue: Catalogue) -> Iterator[IcebergSession]:
    """Open a session for a block; what cannot be read where it lies is kept in a file beside the memory."""
    with connected(None, name=catalogue.label, spills=False) as (connection, _, _):
        yield IcebergSession(connection, catalogue)
