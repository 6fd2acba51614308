"""An embedded DuckDB in which what lies elsewhere, a snapshot or a folder of files, is a view once it is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.relations import Column, Relation
from airflow_dataops.engines.dbapi import DbApiSession


class ViewingSession(DbApiSession):
    """A session that makes a view of a relation that it lacks when a statement reads it.

    What a view shows is settled when it is made: a session reads one state of each relation.

    :param connection: an embedded DuckDB.
    :param find: gives the SELECT of a relation's rows; ``None`` if there is no such relation.
    """

    def __init__(self, connection: Any, find: Callable[[Relation], str | None]) -> None:
        super().__init__(connection, "duckdb")
        self._find = find

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run a block of reads, of which each relation is one state anyhow."""
        yield

    def columns(self, relation: Relation) -> list[Column]:
        """Return the relation's columns in order; empty where there is no such relation."""
        return super().columns(relation) or (super().columns(relation) if self._view(relation) else [])

    def _run(
        self, sql: str, parameters: Sequence[Any] = (), *, read: Callable[[Any], Any] | None = None
    ) -> tuple[Sequence[Any], Any]:
        """Run one statement, with views of what it reads."""
        import duckdb

        try:
            return super()._run(sql, parameters, read=read)
        except MeasureError as error:
            lacks = isinstance(error.__cause__, duckdb.CatalogException | duckdb.BinderException)
            if not lacks or not self._prepare(sql):
                raise
        return super()._run(sql, parameters, read=read)

    def _prepare(self, sql: str) -> bool:
        """Make views of what a statement reads and the session lacks; return whether there was any."""
        return bool([relation for relation in _tables(sql) if self._view(relation)])

    def _view(self, relation: Relation) -> bool:
        """Make a view of the relation if it can be found and is not there; return whether it was made."""
        if super().columns(relation):
            return False
        query = self._find(relation)
        if query is None:
            return False
        if relation.schema:
            super()._run(f"CREATE SCHEMA IF NOT EXISTS {Relation(name=relation.schema).sql}")
        super()._run(f"CREATE VIEW {relation.sql} AS {query}")
        return True


def _tables(sql: str) -> list[Relation]:
    """Return the tables that a statement names, of three parts the last two as one; none if it cannot be parsed."""
    from sqlglot import errors, exp, parse_one

    try:
        tables = parse_one(sql, read="duckdb").find_all(exp.Table)
    except errors.SqlglotError:
        return []
    return list(dict.fromkeys(_relation([part.name for part in table.parts]) for table in tables if table.name))


def _relation(parts: Sequence[str]) -> Relation:
    return Relation(schema=parts[0], name=".".join(parts[1:])) if len(parts) > 1 else Relation(name=parts[0])
