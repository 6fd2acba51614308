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
from airflow_dataops.core.relations import Relation
from airflow_dataops.core.switching import Switch
from airflow_dataops.engines.dbapi import DbApiSession
from airflow_dataops.engines.folders import FolderSession
from airflow_dataops.hooks.files import below, opened
from airflow_dataops.publishers.files import FilesPublisher
from airflow_dataops.publishers.files.buckets import Bucket
from airflow_dataops.publishers.files.drives import Place
from airflow_dataops.publishers.files.switches import Switches
from airflow_dataops.publishers.iceberg import IcebergPublisher
from airflow_dataops.publishers.pointer_view import PointerViewPublisher
from airflow_dataops.publishers.view import ViewPublisher

PUBLISHERS: dict[str, Any] = {
    "view": ViewPublisher,
    "pointer_view": PointerViewPublisher,
    "iceberg": IcebergPublisher,
    "files": lambda lake, deadline: FilesPublisher(lake),
}
AT = datetime(2013, 2, 1, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Warehouse:
    """A connector over a file or a URL; picklable, so that a child process can open the same database."""

    dialect: str
    where: str
    application: str = "tests"
    role: str | None = None
    publisher: str = "view"

    def sql(self, relation: Relation) -> str:
        """Return a relation quoted as the database has it."""
        return relation.quoted("`" if self.dialect == "mysql" else '"')

    @property
    def label(self) -> str:
        return f"{self.dialect}_under_test"

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[DbApiSession]:
        session = DbApiSession(self._connect(read_only), self.dialect)
        try:
            if self.role and self.dialect == "postgres":
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
        if self.dialect == "mysql":
            import pymysql
            from sqlalchemy.engine import make_url

            url = make_url(self.where)
            user, password = self.role or url.username, url.password or ""
            place = {"host": url.host, "port": url.port or 3306, "database": url.database}
            return pymysql.connect(**place, user=user, password=password)
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
            if self.dialect == "mysql":  # the tests write names in double quotes; what they test does not
                db.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
            for statement in statements:
                rows = db.execute(statement)
        return rows


@dataclass(frozen=True)
class Catalogue(Warehouse):
    """An Iceberg catalogue, in SQLite or where ``uri`` says, over tables in the folder ``where``."""

    uri: str = ""
    io: str = "pyiceberg.io.pyarrow.PyArrowFileIO"

    @property
    def label(self) -> str:
        return "lake"

    @property
    def properties(self) -> dict[str, str]:
        uri = self.uri or f"sqlite:///{self.where}/catalogue.db"
        return {"type": "sql", "uri": uri, "warehouse": f"file://{self.where}", "py-io-impl": self.io}

    @contextlib.contextmanager
    def catalogue(self) -> Iterator[Any]:
        from airflow_dataops.engines.iceberg.catalogue import opened_catalogue

        with opened_catalogue(self.label, "lake", self.properties) as catalogue:
            yield catalogue

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[Any]:
        from airflow_dataops.engines.iceberg.session import opened_session

        with self.catalogue() as catalogue, opened_session(catalogue) as session:
            yield session

    def table(self, name: str = "nyc.flights") -> Any:
        """Return a table as PyIceberg has it, whose catalogue stays open."""
        from pyiceberg.catalog import load_catalog

        return load_catalog("lake", **self.properties).load_table(name)


def lake(folder: Path, uri: str = "") -> Catalogue:
    """Return an Iceberg catalogue whose tables lie in a folder."""
    folder.mkdir(exist_ok=True)
    return Catalogue("duckdb", str(folder), publisher="iceberg", uri=uri)


@dataclass(frozen=True)
class Lake(Warehouse):
    """A connector over the datasets in a folder."""

    dialect: str = "duckdb"
    where: str = ""
    publisher: str = "files"

    def place(self, name: str) -> Place:
        return below(self.where, name, self.label)

    @contextlib.contextmanager
    def open(self, *, read_only: bool = False) -> Iterator[FolderSession]:
        with opened(self) as db:
            yield db


@dataclass(frozen=True)
class MemoryLake(Lake):
    """A connector over the datasets in a bucket of this process's memory."""

    def place(self, name: str) -> Place:
        import fsspec

        path = name.removeprefix("memory://").strip("/")
        path = path if path.startswith("lake/") else f"lake/{path}"
        text = f"memory://{path}"
        return Place(text=text, path=f"/{path}", drive=Bucket(fsspec.filesystem("memory"), text))


@dataclass(frozen=True)
class Bench:
    """One dataset in one warehouse."""

    warehouse: Warehouse
    target: str = "nyc.flights"
    dataset: str = "nyc.flights"

    @property
    def publisher(self) -> Any:
        kind = PUBLISHERS[self.warehouse.publisher]
        return kind(self.warehouse, deadline=20)

    @property
    def reader(self) -> Relation:
        return self.publisher.reader(self.target)

    def build(self, release: int, sql: str | None = None) -> None:
        """Build a release whose every row says its number."""
        self.publisher.build(
            self.publisher.physical(self.target, release), sql or f"SELECT {release} AS v UNION ALL SELECT {release}"
        )

    def build_two(self) -> None:
        """Make one release live and build the next."""
        self.build(1)
        self.build(2)
        self.promote(1, 0)

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

    def log(self) -> list[tuple[int, int]]:
        """Return the epochs of all switches, and what each has made live."""
        publisher = self.publisher
        if isinstance(self.warehouse, Lake):
            records = [entry.record() for entry in Switches(self.warehouse.place(self.target)).all()]
            return [(record.epoch, record.release) for record in records if record]
        table = Relation(schema=publisher.reader(self.target).schema, name="dataops_switch")
        if not publisher.exists(table):
            return []
        release = self.warehouse.sql(Relation(name="release"))
        sql = f"SELECT epoch, {release} FROM {self.warehouse.sql(table)} ORDER BY epoch"
        return [(epoch, number) for epoch, number in self.warehouse.run(sql)]

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        """Return what readers get."""
        with self.warehouse.open(read_only=True) as db:
            return sorted(db.execute(f"SELECT {columns} FROM {self.warehouse.sql(self.reader)}"))


def accept(db: Database) -> None:
    """Verify nothing."""
