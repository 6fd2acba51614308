"""Real databases for the publishers' tests, reached through the port alone; light enough for child processes."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_dataops.core.errors import LockTimeout
from airflow_dataops.core.ports import Database
from airflow_dataops.core.switching import Switch
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.publishers.view import ViewPublisher

AT = datetime(2013, 2, 1, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Warehouse:
    """A connector over a file or a URL; picklable, so that a child process can open the same database."""

    dialect: str
    where: str
    application: str = "tests"
    role: str | None = None

    @property
    def label(self) -> str:
        return f"{self.dialect}_under_test"

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[DbApiSession]:
        session = DbApiSession(self._connect(read_only), self.dialect)
        try:
            if self.role:
                session.execute(f'SET ROLE "{self.role}"')
            yield session
        finally:
            session.close()

    def _connect(self, read_only: bool) -> Any:
        if self.dialect == "sqlite":
            return sqlite3.connect(self.where, timeout=0.2)
        if self.dialect == "postgres":
            import psycopg

            return psycopg.connect(self.where, application_name=self.application)
        return self._connect_duckdb(read_only)

    def _connect_duckdb(self, read_only: bool) -> Any:
        import duckdb

        end = time.monotonic() + 30
        read_only = read_only and Path(self.where).exists()  # else it is made, empty
        while True:
            try:
                return duckdb.connect(self.where, read_only=read_only)
            except duckdb.Error as error:  # held by another process, in another mode, or just being closed
                if time.monotonic() > end:
                    raise LockTimeout(str(error)) from error
                time.sleep(random.uniform(0.001, 0.03))

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in a session of their own; return the last one's rows."""
        rows: list[tuple[Any, ...]] = []
        with self.open() as db:
            for statement in statements:
                rows = db.execute(statement)
        return rows


@dataclass(frozen=True)
class Bench:
    """One dataset in one warehouse."""

    warehouse: Warehouse
    target: str = "nyc.flights"
    dataset: str = "nyc.flights"

    @property
    def publisher(self) -> ViewPublisher:
        return ViewPublisher(self.warehouse, deadline=20)

    def build(self, release: int, sql: str | None = None) -> None:
        """Build a release whose every row says its number."""
        self.publisher.build(
            self.publisher.physical(self.target, release), sql or f"SELECT {release} AS v UNION ALL SELECT {release}"
        )

    def order(self, release: int, expect: int, **more: Any) -> Switch:
        publisher = self.publisher
        return Switch(
            **{
                "dataset": self.dataset,
                "reader": publisher.reader(self.target),
                "relation": publisher.physical(self.target, release),
                "release": release,
                "expect": expect,
                "op_id": f"op-{release}-{expect}",
                "by": "tests",
                "at": AT,
            }
            | more
        )

    def promote(self, release: int, expect: int, **more: Any) -> Any:
        return self.publisher.switch(self.order(release, expect, **more), accept)

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        """Return what readers get."""
        with self.warehouse.open(read_only=True) as db:
            return sorted(db.execute(f"SELECT {columns} FROM {self.publisher.reader(self.target).sql}"))


def accept(db: Database) -> None:
    """Verify nothing."""
